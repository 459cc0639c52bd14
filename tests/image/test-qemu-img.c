/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What svirt reads is what qemu-img says of images that qemu-img made. */
#include <jansson.h>
#include <string.h>

#include "lab.h"

#define SECRET "--object secret,id=s,data=x "
#define LUKS_FAST "encrypt.key-secret=s,encrypt.iter-time=10"

/* `name` is made by "qemu-img create -q OPTIONS", run in a directory that
 * has base.qcow2 and base.raw. */
static const struct {
    const char *name; /* also of the image */
    SvirtImageFormat format;
    const char *options;
    unsigned version;
} rows[] = {
    { "raw", SVIRT_IMAGE_FORMAT_RAW, "-f raw raw 5M", 0 },
    { "qcow2-compat-0.10", SVIRT_IMAGE_FORMAT_QCOW2,
      "-f qcow2 -o compat=0.10 qcow2-compat-0.10 5M", 2 },
    { "qcow2-compat-1.1", SVIRT_IMAGE_FORMAT_QCOW2,
      "-f qcow2 -o compat=1.1 qcow2-compat-1.1 5M", 3 },
    { "qcow2-extended-l2", SVIRT_IMAGE_FORMAT_QCOW2,
      "-f qcow2 -o extended_l2=on qcow2-extended-l2 5M", 3 },
    { "qcow2-small-clusters", SVIRT_IMAGE_FORMAT_QCOW2,
      "-f qcow2 -o cluster_size=512 qcow2-small-clusters 5M", 3 },
    { "qcow2-large-clusters", SVIRT_IMAGE_FORMAT_QCOW2,
      "-f qcow2 -o cluster_size=2M qcow2-large-clusters 5M", 3 },
    { "qcow2-zstd", SVIRT_IMAGE_FORMAT_QCOW2,
      "-f qcow2 -o compression_type=zstd qcow2-zstd 5M", 3 },
    { "qcow2-lazy", SVIRT_IMAGE_FORMAT_QCOW2,
      "-f qcow2 -o lazy_refcounts=on,refcount_bits=64 qcow2-lazy 5M", 3 },
    { "qcow2-data-file", SVIRT_IMAGE_FORMAT_QCOW2,
      "-f qcow2 -o data_file=d.raw qcow2-data-file 5M", 3 },
    { "qcow2-data-file-raw", SVIRT_IMAGE_FORMAT_QCOW2,
      "-f qcow2 -o data_file=dr.raw,data_file_raw=on qcow2-data-file-raw 5M",
      3 },
    { "qcow2-backing-qcow2", SVIRT_IMAGE_FORMAT_QCOW2,
      "-f qcow2 -b base.qcow2 -F qcow2 qcow2-backing-qcow2", 3 },
    { "qcow2-backing-raw", SVIRT_IMAGE_FORMAT_QCOW2,
      "-f qcow2 -b base.raw -F raw qcow2-backing-raw", 3 },
    { "qcow2-backing-compat-0.10", SVIRT_IMAGE_FORMAT_QCOW2,
      "-f qcow2 -o compat=0.10 -b base.raw -F raw "
      "qcow2-backing-compat-0.10",
      2 },
    { "qcow2-luks", SVIRT_IMAGE_FORMAT_QCOW2,
      "-f qcow2 " SECRET "-o encrypt.format=luks," LUKS_FAST " qcow2-luks 5M",
      3 },
    { "qcow2-aes", SVIRT_IMAGE_FORMAT_QCOW2,
      "-f qcow2 " SECRET
      "-o encrypt.format=aes,encrypt.key-secret=s qcow2-aes 5M",
      3 },
    { "qcow", SVIRT_IMAGE_FORMAT_QCOW, "-f qcow qcow 5M", 1 },
    { "qcow-backing", SVIRT_IMAGE_FORMAT_QCOW,
      "-f qcow -b base.raw -F raw qcow-backing", 1 },
    { "qed", SVIRT_IMAGE_FORMAT_QED, "-f qed qed 5M", 0 },
    { "qed-backing-raw", SVIRT_IMAGE_FORMAT_QED,
      "-f qed -b base.raw -F raw qed-backing-raw", 0 },
    { "qed-backing-qcow2", SVIRT_IMAGE_FORMAT_QED,
      "-f qed -b base.qcow2 -F qcow2 qed-backing-qcow2", 0 },
    { "vmdk-monolithicSparse", SVIRT_IMAGE_FORMAT_VMDK,
      "-f vmdk -o subformat=monolithicSparse vmdk-monolithicSparse 3G", 1 },
    { "vmdk-streamOptimized", SVIRT_IMAGE_FORMAT_VMDK,
      "-f vmdk -o subformat=streamOptimized vmdk-streamOptimized 3G", 3 },
    { "vmdk-monolithicFlat", SVIRT_IMAGE_FORMAT_VMDK,
      "-f vmdk -o subformat=monolithicFlat vmdk-monolithicFlat.vmdk 3G", 1 },
    { "vmdk-twoGbMaxExtentSparse", SVIRT_IMAGE_FORMAT_VMDK,
      "-f vmdk -o subformat=twoGbMaxExtentSparse "
      "vmdk-twoGbMaxExtentSparse.vmdk 3G",
      1 },
    { "vmdk-twoGbMaxExtentFlat", SVIRT_IMAGE_FORMAT_VMDK,
      "-f vmdk -o subformat=twoGbMaxExtentFlat "
      "vmdk-twoGbMaxExtentFlat.vmdk 5G",
      1 },
    { "vmdk-backing", SVIRT_IMAGE_FORMAT_VMDK,
      "-f vmdk -b base.vmdk -F vmdk vmdk-backing", 1 },
    { "vhdx-dynamic", SVIRT_IMAGE_FORMAT_VHDX,
      "-f vhdx -o subformat=dynamic vhdx-dynamic 5M", 1 },
    { "vhdx-fixed", SVIRT_IMAGE_FORMAT_VHDX,
      "-f vhdx -o subformat=fixed vhdx-fixed 5M", 1 },
    { "vpc-dynamic", SVIRT_IMAGE_FORMAT_VPC, "-f vpc vpc-dynamic 5M", 1 },
    { "vpc-fixed-force-size", SVIRT_IMAGE_FORMAT_VPC,
      "-f vpc -o subformat=fixed,force_size=on vpc-fixed-force-size 5M", 1 },
    { "vdi", SVIRT_IMAGE_FORMAT_VDI, "-f vdi vdi 5M", 0x10001 },
    { "luks", SVIRT_IMAGE_FORMAT_LUKS,
      "-f luks " SECRET "-o key-secret=s,iter-time=10 luks 5M", 1 },
    { "parallels", SVIRT_IMAGE_FORMAT_PARALLELS, "-f parallels parallels 5M",
      2 },
};

static void
bases_make(const Lab *lab)
{
    lab_qemu_img(lab, "create -q -f raw base.raw 4M");
    lab_qemu_img(lab, "create -q -f qcow2 base.qcow2 4M");
    lab_qemu_img(lab, "create -q -f vmdk base.vmdk 4M");
}

static const char *
string_in(json_t *info, const char *key)
{
    return json_string_value(json_object_get(info, key));
}

/* The extent files, for the images that have any besides themselves. */
static void
extents_compare(json_t *info, const char *image, const SvirtImageHeader *header)
{
    json_t *data =
        json_object_get(json_object_get(info, "format-specific"), "data");
    json_t *extents = json_object_get(data, "extents");
    size_t count = json_array_size(extents);

    if (count == 1 &&
        g_strcmp0(string_in(json_array_get(extents, 0), "filename"), image) ==
            0) {
        g_assert_null(header->extents);
        return;
    }
    g_assert_nonnull(header->extents);
    g_assert_cmpuint(header->extents->len, ==, count);
    for (size_t i = 0; i < count; i++) {
        const SvirtImageExtent *extent = header->extents->pdata[i];
        json_t *item = json_array_get(extents, i);

        g_assert_cmpstr(extent->name, ==, string_in(item, "filename"));
        g_assert_cmpint(extent->kind == SVIRT_IMAGE_EXTENT_FLAT, ==,
                        g_strcmp0(string_in(item, "format"), "FLAT") == 0);
    }
}

static void
info_compare(json_t *info, const char *image, const SvirtImageHeader *header)
{
    json_t *data =
        json_object_get(json_object_get(info, "format-specific"), "data");
    const char *format = string_in(info, "backing-filename-format");

    g_assert_cmpuint(
        header->virtual_size_bytes, ==,
        (uint64_t)json_integer_value(json_object_get(info, "virtual-size")));
    g_assert_cmpstr(header->backing_name, ==,
                    string_in(info, "backing-filename"));
    g_assert_cmpint(header->backing_format_known, ==, format != NULL);
    if (format != NULL) {
        g_assert_cmpstr(svirt_image_format_to_string(header->backing_format),
                        ==, format);
    }
    g_assert_cmpstr(header->data_file_name, ==, string_in(data, "data-file"));
    g_assert_cmpint(header->data_file, ==, header->data_file_name != NULL);
    g_assert_cmpint(header->data_file_raw, ==,
                    json_is_true(json_object_get(data, "data-file-raw")));
    g_assert_cmpint(header->encryption != SVIRT_IMAGE_ENCRYPTION_NONE, ==,
                    json_is_true(json_object_get(info, "encrypted")));
    g_assert_cmpint(header->corrupt, ==,
                    json_is_true(json_object_get(data, "corrupt")));
    if (header->format == SVIRT_IMAGE_FORMAT_VMDK) {
        extents_compare(info, image, header);
    }
}

/* No image passes for one of another format, not even qcow for qcow2. */
static void
other_formats_refuse(const Lab *lab, const char *image, SvirtImageFormat format)
{
    for (int i = 0; i < SVIRT_IMAGE_FORMAT_MAX; i++) {
        g_autoptr(SvirtImageHeader) header = NULL;

        if (i != (int)format && i != SVIRT_IMAGE_FORMAT_RAW) {
            g_assert_false(
                lab_read(lab, image, (SvirtImageFormat)i, &header, NULL));
            g_assert_null(header);
        }
    }
}

static void
test_agrees(gconstpointer row_number)
{
    unsigned row = GPOINTER_TO_UINT(row_number);
    g_auto(Lab) lab = { 0 };
    g_autoptr(SvirtImageHeader) header = NULL;
    g_autoptr(GError) error = NULL;
    g_autofree char *output = NULL;
    g_autofree char *image = NULL;
    json_t *info;

    lab_init(&lab);
    if (lab_skips_without_qemu_img()) {
        return;
    }
    bases_make(&lab);
    lab_qemu_img(&lab, "create -q %s", rows[row].options);
    image = g_strdup(rows[row].name);
    if (strstr(rows[row].options, ".vmdk 3G") != NULL ||
        strstr(rows[row].options, ".vmdk 5G") != NULL) {
        g_free(image);
        image = g_strconcat(rows[row].name, ".vmdk", NULL);
    }
    output = lab_qemu_img_output(&lab, "info --output=json -f %s %s",
                                 svirt_image_format_to_string(rows[row].format),
                                 image);
    info = json_loads(output, 0, NULL);
    g_assert_nonnull(info);
    lab_read(&lab, image, rows[row].format, &header, &error);
    g_assert_no_error(error);
    g_assert_cmpint(header->format, ==, rows[row].format);
    g_assert_cmpuint(header->version, ==, rows[row].version);
    info_compare(info, image, header);
    json_decref(info);
    other_formats_refuse(&lab, image, rows[row].format);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path =
            g_strdup_printf("/image/qemu-img/agrees/%s", rows[i].name);

        g_test_add_data_func(path, GUINT_TO_POINTER(i), test_agrees);
    }
    return g_test_run();
}
