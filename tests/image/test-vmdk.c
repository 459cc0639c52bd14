/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "broken.h"

#define MAGIC "# Disk DescriptorFile\n"
#define FLAT "createType=\"monolithicFlat\"\n"
#define TYPE FLAT "# Extents\n"

static const struct {
    const char *name;
    const char *text;
    SvirtErrorCode code; /* 0: accepted */
    const char *message; /* or the first extent's name */
} rows[] = {
    { "flat", MAGIC "version=1\n" TYPE "RW 10 FLAT \"a.vmdk\" 0\n", 0,
      "a.vmdk" },
    { "windows-line-ends",
      MAGIC "version=1\r\ncreateType=\"monolithicFlat\"\r\n# E\r\n"
            "RW 10 FLAT \"a b.vmdk\" 0\r\n",
      0, "a b.vmdk" },
    { "no-line-end", MAGIC TYPE "RW 10 FLAT \"a.vmdk\" 0", 0, "a.vmdk" },
    { "tabs-between-fields", MAGIC TYPE "RW\t10\tSPARSE \t\"a.vmdk\"\n", 0,
      "a.vmdk" },
    { "vmfs", MAGIC TYPE "RW 10 VMFS \"a.vmdk\"\n", 0, "a.vmdk" },
    { "vmfs-sparse", MAGIC TYPE "RW 10 VMFSSPARSE \"a.vmdk\"\n", 0, "a.vmdk" },
    { "absolute-name", MAGIC TYPE "RW 10 FLAT \"/etc/shadow\" 0\n", 0,
      "/etc/shadow" },
    { "not-vmdk", "root:x:0:0\n", SVIRT_ERROR_INVALID, "is not a vmdk" },
    { "no-type", MAGIC "version=1\nRW 10 FLAT \"a\" 0\n", SVIRT_ERROR_INVALID,
      "has no createType" },
    { "no-extents", MAGIC FLAT, SVIRT_ERROR_INVALID, "has no extents" },
    { "type-unknown", MAGIC "createType=\"custom\"\n", SVIRT_ERROR_UNSUPPORTED,
      "'custom'" },
    { "type-of-sparse-image", MAGIC "createType=\"monolithicSparse\"\n",
      SVIRT_ERROR_UNSUPPORTED, "'monolithicSparse'" },
    { "type-twice", MAGIC TYPE "RW 10 FLAT \"a\" 0\n" FLAT, SVIRT_ERROR_INVALID,
      "'createType' twice" },
    { "type-in-comment", MAGIC "# createType=\"vmfs\"\n", SVIRT_ERROR_INVALID,
      "'createType' twice or not as a key" },
    { "type-blank-around-equals", MAGIC "createType = \"vmfs\"\n",
      SVIRT_ERROR_INVALID, "not as a key" },
    { "type-with-tail", MAGIC "createType=\"vmfs\" x\n", SVIRT_ERROR_INVALID,
      "text after a value" },
    { "parent-in-comment",
      MAGIC TYPE "RW 10 FLAT \"a\" 0\n# parentFileNameHint=\"/etc/shadow\"\n",
      SVIRT_ERROR_INVALID, "'parentFileNameHint' twice or not as a key" },
    { "parent-in-value",
      MAGIC TYPE "RW 10 FLAT \"a\" 0\nx=parentFileNameHint=\"/etc/shadow\"\n",
      SVIRT_ERROR_INVALID, "not as a key" },
    { "parent-in-extent-name",
      MAGIC TYPE "RW 10 FLAT \"parentFileNameHint==/etc/shadow\" 0\n",
      SVIRT_ERROR_INVALID, "not as a key" },
    { "parent-longer-key",
      MAGIC TYPE "RW 10 FLAT \"a\" 0\nparentFileNameHintX=\"b\"\n",
      SVIRT_ERROR_INVALID, "not as a key" },
    { "parent-twice",
      MAGIC TYPE "parentFileNameHint=\"a\"\nparentFileNameHint=\"b\"\n",
      SVIRT_ERROR_INVALID, "twice" },
    { "parent-unquoted", MAGIC "parentFileNameHint=a\n", SVIRT_ERROR_INVALID,
      "missing quotation mark" },
    { "parent-over-line-end", MAGIC "parentFileNameHint=\"a\nb\"\n",
      SVIRT_ERROR_INVALID, "missing quotation mark" },
    { "parent-empty", MAGIC "parentFileNameHint=\"\"\n", SVIRT_ERROR_INVALID,
      "has 0 bytes" },
    { "parent-not-utf8", MAGIC "parentFileNameHint=\"\xff\"\n",
      SVIRT_ERROR_UNSUPPORTED, "not UTF-8" },
    { "version-9", MAGIC "version=9\n", SVIRT_ERROR_INVALID,
      "unknown version" },
    { "extent-after-empty-line", MAGIC TYPE "\nRW 10 FLAT \"a\" 0\n",
      SVIRT_ERROR_INVALID, "after an empty line" },
    { "extent-over-line-ends", MAGIC TYPE "RW\n10 FLAT \"/etc/shadow\" 0\n",
      SVIRT_ERROR_INVALID, "line of no known form" },
    { "extent-behind-form-feed", MAGIC TYPE "\fRW 10 FLAT \"a\" 0\n",
      SVIRT_ERROR_INVALID, "line of no known form" },
    { "extent-indented", MAGIC TYPE " RW 10 FLAT \"a\" 0\n",
      SVIRT_ERROR_INVALID, "line of no known form" },
    { "extent-size-0", MAGIC TYPE "RW 0 FLAT \"a\" 0\n", SVIRT_ERROR_INVALID,
      "bad size" },
    { "extent-size-negative", MAGIC TYPE "RW -1 FLAT \"a\" 0\n",
      SVIRT_ERROR_INVALID, "bad size" },
    { "extent-size-huge", MAGIC TYPE "RW 99999999999999999999 FLAT \"a\" 0\n",
      SVIRT_ERROR_INVALID, "bad size" },
    { "extents-size-huge",
      MAGIC TYPE "RW 18014398509481984 FLAT \"a\" 0\nRW 1 FLAT \"b\" 0\n",
      SVIRT_ERROR_INVALID, "bad size of extents" },
    { "extent-kind-zero", MAGIC TYPE "RW 10 ZERO\n", SVIRT_ERROR_UNSUPPORTED,
      "kind of extent" },
    { "extent-kind-sesparse", MAGIC TYPE "RW 10 SESPARSE \"a\"\n",
      SVIRT_ERROR_UNSUPPORTED, "kind of extent" },
    { "extent-flat-without-offset", MAGIC TYPE "RW 10 FLAT \"a\"\n",
      SVIRT_ERROR_INVALID, "bad offset" },
    { "extent-sparse-with-offset", MAGIC TYPE "RW 10 SPARSE \"a\" 0\n",
      SVIRT_ERROR_INVALID, "bad offset" },
    { "extent-with-second-name", MAGIC TYPE "RW 10 SPARSE \"a\" \"b\"\n",
      SVIRT_ERROR_INVALID, "bad offset" },
    { "extent-unquoted", MAGIC TYPE "RW 10 FLAT a 0\n", SVIRT_ERROR_INVALID,
      "missing quotation mark" },
    { "extent-read-only", MAGIC TYPE "RDONLY 10 FLAT \"a\" 0\n",
      SVIRT_ERROR_UNSUPPORTED, "access of extent" },
    { "extent-no-access", MAGIC TYPE "NOACCESS 10 FLAT \"a\" 0\n",
      SVIRT_ERROR_UNSUPPORTED, "access of extent" },
    { "garbage", MAGIC TYPE "hello\n", SVIRT_ERROR_INVALID,
      "line of no known form" },
};

static bool
text_read(const char *text, size_t size, SvirtImageHeader **ret, GError **error)
{
    g_auto(Lab) lab = { 0 };

    lab_init(&lab);
    lab_write(&lab, "image", text, size);
    return lab_read(&lab, "image", SVIRT_IMAGE_FORMAT_VMDK, ret, error);
}

static void
message_check(const GError *error, SvirtErrorCode code, const char *message)
{
    g_assert_error(error, SVIRT_ERROR, (int)code);
    if (strstr(error->message, message) == NULL) {
        g_error("'%s' does not say '%s'", error->message, message);
    }
}

static void
test_row(gconstpointer number)
{
    unsigned row = GPOINTER_TO_UINT(number);
    g_autoptr(SvirtImageHeader) header = NULL;
    g_autoptr(GError) error = NULL;

    text_read(rows[row].text, strlen(rows[row].text), &header, &error);
    if (rows[row].code == 0) {
        const SvirtImageExtent *extent;

        g_assert_no_error(error);
        g_assert_cmpuint(header->extents->len, ==, 1);
        extent = header->extents->pdata[0];
        g_assert_cmpstr(extent->name, ==, rows[row].message);
        g_assert_cmpuint(header->virtual_size_bytes, ==, 5120);
    } else {
        g_assert_null(header);
        message_check(error, rows[row].code, rows[row].message);
    }
}

/* The same text inside a sparse image, where extent lines mean nothing. */
static void
test_parent_of_embedded_descriptor(void)
{
    static const char text[] =
        MAGIC "version=1\nparentCID=5\ncreateType=\"monolithicSparse\"\n"
              "parentFileNameHint=\"up.vmdk\"\nRW 10 SPARSE \"self.vmdk\"\n";
    g_autoptr(GByteArray) bytes = base_make(BASE_VMDK_SPARSE);
    g_autoptr(SvirtImageHeader) header = NULL;
    g_autoptr(GError) error = NULL;

    put_bytes(bytes, 512, text, sizeof(text));
    base_read(bytes, BASE_VMDK_SPARSE, &header, &error);
    g_assert_no_error(error);
    g_assert_cmpstr(header->backing_name, ==, "up.vmdk");
    g_assert_true(header->backing_format_known);
    g_assert_cmpint(header->backing_format, ==, SVIRT_IMAGE_FORMAT_VMDK);
    g_assert_null(header->extents);
}

static void
test_nul_inside_text(void)
{
    static const char text[] =
        MAGIC TYPE "RW 10 FLAT \"a\" 0\n\0parentFileNameHint=\"b\"\n";
    g_autoptr(SvirtImageHeader) header = NULL;
    g_autoptr(GError) error = NULL;

    g_assert_false(text_read(text, sizeof(text), &header, &error));
    message_check(error, SVIRT_ERROR_INVALID, "NUL inside");
}

static void
test_text_is_bounded(void)
{
    g_autofree char *text = g_strnfill(200 * 1024, '#');
    g_autoptr(SvirtImageHeader) header = NULL;
    g_autoptr(GError) error = NULL;

    memcpy(text, MAGIC, strlen(MAGIC));
    g_assert_false(text_read(text, strlen(text), &header, &error));
    message_check(error, SVIRT_ERROR_INVALID, "longer than");
}

/* QEMU's scan cuts a name at 511 bytes: that would be another file. */
static void
test_extent_names_are_bounded(void)
{
    for (unsigned length = 511; length <= 512; length++) {
        g_autofree char *name = g_strnfill(length, 'n');
        g_autofree char *text =
            g_strdup_printf(MAGIC TYPE "RW 10 SPARSE \"%s\"\n", name);
        g_autoptr(SvirtImageHeader) header = NULL;
        g_autoptr(GError) error = NULL;

        if (text_read(text, strlen(text), &header, &error)) {
            g_assert_cmpuint(length, ==, 511);
        } else {
            g_assert_cmpuint(length, ==, 512);
            message_check(error, SVIRT_ERROR_INVALID, "too long");
        }
    }
}

static void
test_extents_are_counted(void)
{
    for (unsigned count = 256; count <= 257; count++) {
        g_autoptr(GString) text = g_string_new(MAGIC TYPE);
        g_autoptr(SvirtImageHeader) header = NULL;
        g_autoptr(GError) error = NULL;

        for (unsigned i = 0; i < count; i++) {
            g_string_append(text, "RW 10 SPARSE \"a\"\n");
        }
        if (text_read(text->str, text->len, &header, &error)) {
            g_assert_cmpuint(count, ==, 256);
        } else {
            g_assert_cmpuint(count, ==, 257);
            message_check(error, SVIRT_ERROR_INVALID, "too many extents");
        }
    }
}

static void
test_lone_cowd_is_refused(void)
{
    g_autoptr(SvirtImageHeader) header = NULL;
    g_autoptr(GError) error = NULL;

    g_assert_false(text_read("COWD", 4, &header, &error));
    message_check(error, SVIRT_ERROR_UNSUPPORTED, "COWD");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path = g_strdup_printf(
            "/image/vmdk/%s/%s", rows[i].code == 0 ? "accepts" : "refuses",
            rows[i].name);

        g_test_add_data_func(path, GUINT_TO_POINTER(i), test_row);
    }
    g_test_add_func("/image/vmdk/parent-of-embedded-descriptor",
                    test_parent_of_embedded_descriptor);
    g_test_add_func("/image/vmdk/refuses/nul-inside", test_nul_inside_text);
    g_test_add_func("/image/vmdk/text-is-bounded", test_text_is_bounded);
    g_test_add_func("/image/vmdk/extent-names-are-bounded",
                    test_extent_names_are_bounded);
    g_test_add_func("/image/vmdk/extents-are-counted",
                    test_extents_are_counted);
    g_test_add_func("/image/vmdk/lone-cowd-is-refused",
                    test_lone_cowd_is_refused);
    return g_test_run();
}
