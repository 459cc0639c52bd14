/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "broken.h"

#define EXT QCOW2_EXTENSIONS

/* clang-format off */
static const BrokenRow rows[] = {
    ROW("no-magic", QCOW2_V3, INVALID, "is not a qcow2 image", 0, { 0, 4, 0 }),
    ROW("version-0", QCOW2_V3, UNSUPPORTED, "version 0", 0, { 4, 4, 0 }),
    ROW("version-1", QCOW2_V3, INVALID, "version 1, not qcow2", 0, { 4, 4, 1 }),
    ROW("version-4", QCOW2_V3, UNSUPPORTED, "version 4", 0, { 4, 4, 4 }),
    ROW("empty", QCOW2_V3, INVALID, "is not a qcow2 image", 1, NO_CHANGE),
    ROW("truncated-v2-header", QCOW2_V2, INVALID, "is not a qcow2 image", 71,
        NO_CHANGE),
    ROW("truncated-v3-header", QCOW2_V3, INVALID, "truncated header", 103,
        NO_CHANGE),
    ROW("truncated-in-extension", QCOW2_DATA, INVALID,
        "reaches outside the header", EXT + 10, NO_CHANGE),
    ROW("truncated-before-extension-end", QCOW2_DATA, INVALID, "no end",
        EXT + 16, NO_CHANGE),
    ROW("truncated-in-name", QCOW2_V3, INVALID, "reaches outside the header",
        QCOW2_NAME + 4, NO_CHANGE),
    ROW("cluster-bits-8", QCOW2_V3, INVALID, "cluster bits 8", 0, { 20, 4, 8 }),
    ROW("cluster-bits-22", QCOW2_V3, INVALID, "cluster bits 22", 0, { 20, 4,
        22 }),
    ROW("cluster-bits-huge", QCOW2_V3, INVALID, "cluster bits", 0, { 20, 4,
        UINT32_MAX }),
    ROW("size-negative", QCOW2_V3, INVALID, "virtual size", 0, { 24, 8,
        UINT64_C(1) << 63 }),
    ROW("encryption-3", QCOW2_V3, INVALID, "encryption method 3", 0, { 32, 4,
        3 }),
    ROW("luks-without-extension", QCOW2_V3, INVALID,
        "without an encryption extension", 0, { 32, 4, 2 }),
    ROW("luks-extension-without-luks", QCOW2_LUKS, INVALID,
        "encryption extension does not fit", 0, { 32, 4, 0 }),
    ROW("luks-extension-short", QCOW2_LUKS, INVALID,
        "encryption extension does not fit", 0, { EXT + 4, 4, 8 }),
    ROW("luks-header-unaligned", QCOW2_LUKS, INVALID,
        "encryption extension does not fit", 0, { EXT + 8, 8, 0x40001 }),
    ROW("unknown-incompatible-bit-5", QCOW2_V3, UNSUPPORTED, "bit 5", 0, { 72,
        8, 1 << 5 }),
    ROW("unknown-incompatible-bit-63", QCOW2_V3, UNSUPPORTED, "bit 63", 0, { 72,
        8, UINT64_C(1) << 63 }),
    ROW("compression-bit-without-field", QCOW2_V3, INVALID,
        "compression type lies outside", 0, { 72, 8, 1 << 3 }, { 100, 4, 104 }),
    ROW("compression-type-0-with-bit", QCOW2_V3, UNSUPPORTED,
        "compression type 0", 0, { 72, 8, 1 << 3 }),
    ROW("compression-type-2", QCOW2_V3, UNSUPPORTED, "compression type 2", 0,
        { 72, 8, 1 << 3 }, { 104, 1, 2 }),
    ROW("extended-l2-small-clusters", QCOW2_V3, INVALID, "extended L2", 0, { 72,
        8, 1 << 4 }, { 20, 4, 13 }),
    ROW("data-raw-without-data-file", QCOW2_V3, INVALID,
        "raw data file and no data file", 0, { 88, 8, 1 << 1 }),
    ROW("data-name-without-bit", QCOW2_DATA, INVALID, "without its feature bit",
        0, { 72, 8, 0 }),
    ROW("header-length-short", QCOW2_V3, INVALID, "header length 96", 0, { 100,
        4, 96 }),
    ROW("header-length-unaligned", QCOW2_V3, INVALID, "header length 107", 0,
        { 100, 4, 107 }),
    ROW("header-length-over-cluster", QCOW2_V3, INVALID, "header length 1024",
        0, { 20, 4, 9 }, { 100, 4, 1024 }),
    ROW("header-length-over-file", QCOW2_V3, INVALID, "header length 65536",
        0x8000, { 100, 4, 65536 }),
    ROW("header-length-huge", QCOW2_V3, INVALID, "header length", 0, { 100, 4,
        UINT32_MAX - 7 }),
    ROW("refcount-order-7", QCOW2_V3, INVALID, "refcount order 7", 0, { 96, 4,
        7 }),
    ROW("extension-over-names", QCOW2_V3, INVALID, "reaches outside the header",
        0, { EXT + 4, 4, QCOW2_NAME }),
    ROW("extension-huge", QCOW2_V3, INVALID, "reaches outside the header", 0,
        { EXT + 4, 4, UINT32_MAX }),
    ROW("extensions-without-end", QCOW2_DATA, INVALID,
        "reaches outside the header", 0, { EXT, 4, 0x11111111 }, { EXT + 4, 4,
        0x10000 - EXT - 8 + 1 }),
    ROW("bitmaps-of-odd-length", QCOW2_DATA, INVALID,
        "bitmaps extension of length 5", 0, { EXT, 4, 0x23852875 }),
    ROW("data-name-empty", QCOW2_DATA, INVALID, "has 0 bytes", 0, { EXT + 4, 4,
        0 }),
    ROW("data-name-1024", QCOW2_DATA, INVALID, "has 1024 bytes", 0, { EXT + 4,
        4, 1024 }),
    ROW("data-name-nul", QCOW2_DATA, INVALID, "NUL inside", 0, { EXT + 4, 4,
        6 }),
    ROW("data-name-twice", QCOW2_DATA, INVALID, "second data file", 0,
        { EXT + 16, 4, 0x44415441 }, { EXT + 20, 4, 1 }, { EXT + 24, 1, 'x' }),
    ROW("backing-format-unknown", QCOW2_V3, UNSUPPORTED, "backing format 'rax'",
        0, { EXT + 8, 3, 0x726178 }),
    ROW("backing-format-file", QCOW2_V3, UNSUPPORTED, "backing format 'file'",
        0, { EXT + 4, 4, 4 }, { EXT + 8, 4, 0x66696c65 }),
    ROW("backing-format-empty", QCOW2_V3, INVALID, "has 0 bytes", 0, { EXT + 4,
        4, 0 }),
    ROW("backing-format-nul", QCOW2_V3, INVALID, "NUL inside", 0, { EXT + 4, 4,
        4 }),
    ROW("backing-format-twice", QCOW2_V3, INVALID, "second backing format", 0,
        { EXT + 16, 4, 0xe2792aca }, { EXT + 20, 4, 3 }, { EXT + 24, 3,
        0x726177 }),
    ROW("backing-inside-header", QCOW2_V3, INVALID,
        "offset of the backing name 104", 0, { 8, 8, 104 }),
    ROW("backing-beyond-cluster", QCOW2_V3, INVALID,
        "offset of the backing name 65537", 0, { 8, 8, 65537 }),
    ROW("backing-offset-huge", QCOW2_V3, INVALID, "offset of the backing name",
        0, { 8, 8, UINT64_MAX }),
    ROW("backing-offset-without-length", QCOW2_V3, INVALID, "has 0 bytes", 0,
        { 16, 4, 0 }),
    ROW("backing-length-without-offset", QCOW2_V3, INVALID,
        "offset of the backing name 0", 0, { 8, 8, 0 }),
    ROW("backing-name-1024", QCOW2_V3, INVALID, "has 1024 bytes", 0, { 16, 4,
        1024 }),
    ROW("backing-name-huge", QCOW2_V3, INVALID, "reaches outside the header", 0,
        { 16, 4, UINT32_MAX }),
    ROW("backing-name-nul", QCOW2_V3, INVALID, "NUL inside", 0, { 16, 4, 9 }),
    ROW("backing-name-escape", QCOW2_V3, UNSUPPORTED, "control characters", 0,
        { QCOW2_NAME, 1, 0x1b }),
    ROW("backing-name-right-to-left", QCOW2_V3, UNSUPPORTED,
        "control characters", 0, { QCOW2_NAME, 3, 0xe280ae }),
    ROW("backing-name-not-utf8", QCOW2_V3, UNSUPPORTED, "not UTF-8", 0,
        { QCOW2_NAME, 1, 0xff }),
    ROW("v2-backing-name-nul", QCOW2_V2, INVALID, "NUL inside", 0,
        { QCOW2_NAME + 3, 1, 0 }),
};
/* clang-format on */

static void
test_counts_extensions(void)
{
    for (unsigned count = 64; count <= 65; count++) {
        g_autoptr(GByteArray) bytes = base_make(BASE_QCOW2_V3);
        g_autoptr(SvirtImageHeader) header = NULL;
        g_autoptr(GError) error = NULL;

        put_be(bytes, 8, 8, 0);
        put_be(bytes, 16, 4, 0);
        for (unsigned i = 0; i < count; i++) {
            put_be(bytes, EXT + i * 8, 8, UINT64_C(0x22222222) << 32);
        }
        put_be(bytes, EXT + count * 8, 8, 0);
        base_read(bytes, BASE_QCOW2_V3, &header, &error);
        if (count == 64) {
            g_assert_no_error(error);
        } else {
            g_assert_error(error, SVIRT_ERROR, SVIRT_ERROR_INVALID);
        }
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    accepted_add(BASE_QCOW2_V3, BASE_QCOW2_LUKS);
    broken_add(rows, G_N_ELEMENTS(rows));
    g_test_add_func("/image/qcow2/extensions-are-counted",
                    test_counts_extensions);
    return g_test_run();
}
