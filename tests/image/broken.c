/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "broken.h"

#include <string.h>

SvirtImageFormat
base_format(Base base)
{
    static const SvirtImageFormat formats[BASE_MAX] = {
        [BASE_QCOW2_V3] = SVIRT_IMAGE_FORMAT_QCOW2,
        [BASE_QCOW2_V2] = SVIRT_IMAGE_FORMAT_QCOW2,
        [BASE_QCOW2_DATA] = SVIRT_IMAGE_FORMAT_QCOW2,
        [BASE_QCOW2_LUKS] = SVIRT_IMAGE_FORMAT_QCOW2,
        [BASE_QCOW] = SVIRT_IMAGE_FORMAT_QCOW,
        [BASE_QED] = SVIRT_IMAGE_FORMAT_QED,
        [BASE_VMDK_SPARSE] = SVIRT_IMAGE_FORMAT_VMDK,
        [BASE_VPC_DYNAMIC] = SVIRT_IMAGE_FORMAT_VPC,
        [BASE_VPC_FIXED] = SVIRT_IMAGE_FORMAT_VPC,
        [BASE_VHDX] = SVIRT_IMAGE_FORMAT_VHDX,
        [BASE_VDI] = SVIRT_IMAGE_FORMAT_VDI,
        [BASE_LUKS] = SVIRT_IMAGE_FORMAT_LUKS,
        [BASE_PARALLELS] = SVIRT_IMAGE_FORMAT_PARALLELS,
        [BASE_DMG] = SVIRT_IMAGE_FORMAT_DMG,
        [BASE_BOCHS] = SVIRT_IMAGE_FORMAT_BOCHS,
        [BASE_CLOOP] = SVIRT_IMAGE_FORMAT_CLOOP,
    };

    return formats[base];
}

bool
base_read(const GByteArray *bytes, Base base, SvirtImageHeader **ret,
          GError **error)
{
    g_auto(Lab) lab = { 0 };

    lab_init(&lab);
    lab_write(&lab, "image", bytes->data, bytes->len);
    return lab_read(&lab, "image", base_format(base), ret, error);
}

static bool
is_big_endian(Base base)
{
    return base <= BASE_QCOW || base == BASE_VPC_DYNAMIC ||
           base == BASE_VPC_FIXED || base == BASE_LUKS;
}

static void
test_refuses(gconstpointer data)
{
    const BrokenRow *row = data;
    g_autoptr(GByteArray) bytes = base_make(row->base);
    g_autoptr(SvirtImageHeader) header = NULL;
    g_autoptr(GError) error = NULL;

    for (unsigned i = 0; row->patches[i].width != 0; i++) {
        const Patch *patch = &row->patches[i];

        (is_big_endian(row->base) ? put_be : put_le)(
            bytes, patch->offset, patch->width, patch->value);
    }
    if (row->length != 0) {
        g_byte_array_set_size(bytes, (guint)row->length);
    }
    base_seal(bytes, row->base);
    g_assert_false(base_read(bytes, row->base, &header, &error));
    g_assert_null(header);
    if (strstr(error->message, row->message) == NULL) {
        g_error("'%s' does not say '%s'", error->message, row->message);
    }
    g_assert_error(error, SVIRT_ERROR, (int)row->code);
}

void
broken_add(const BrokenRow *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        g_autofree char *path = g_strdup_printf(
            "/image/%s/refuses/%s", base_name(rows[i].base), rows[i].name);

        g_test_add_data_func(path, &rows[i], test_refuses);
    }
}

static void
test_accepts(gconstpointer number)
{
    Base base = (Base)GPOINTER_TO_UINT(number);
    g_autoptr(GByteArray) bytes = base_make(base);
    g_autoptr(SvirtImageHeader) header = NULL;
    g_autoptr(GError) error = NULL;

    base_read(bytes, base, &header, &error);
    g_assert_no_error(error);
    if (base <= BASE_QED && base != BASE_QCOW2_DATA &&
        base != BASE_QCOW2_LUKS) {
        g_assert_cmpstr(header->backing_name, ==, "base.raw");
    }
    if (base < BASE_LUKS) {
        g_assert_cmpuint(header->virtual_size_bytes, ==, 5 << 20);
    }
}

void
accepted_add(Base first, Base last)
{
    for (unsigned i = first; i <= last; i++) {
        g_autofree char *path =
            g_strdup_printf("/image/%s/accepts-the-base", base_name((Base)i));

        g_test_add_data_func(path, GUINT_TO_POINTER(i), test_accepts);
    }
}
