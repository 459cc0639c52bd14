/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "broken.h"

#define REGI (192 << 10)

/* clang-format off */
static const BrokenRow rows[] = {
    /* qcow */
    ROW("no-magic", QCOW, INVALID, "is not a qcow image", 0, { 0, 4, 0 }),
    ROW("version-2", QCOW, INVALID, "is not a qcow image", 0, { 4, 4, 2 }),
    ROW("truncated", QCOW, INVALID, "truncated", 47, NO_CHANGE),
    ROW("size-1", QCOW, INVALID, "virtual size 1", 0, { 24, 8, 1 }),
    ROW("cluster-bits-8", QCOW, INVALID, "cluster bits 8", 0, { 32, 1, 8 }),
    ROW("table-bits-14", QCOW, INVALID, "table bits 14", 0, { 33, 1, 14 }),
    ROW("encryption-2", QCOW, INVALID, "encryption method 2", 0, { 36, 4, 2 }),
    ROW("backing-inside-header", QCOW, INVALID, "offset", 0, { 8, 8, 40 }),
    ROW("backing-beyond-file", QCOW, INVALID, "truncated", 0, { 8, 8, 4090 }),
    ROW("backing-offset-huge", QCOW, INVALID, "truncated", 0, { 8, 8,
        UINT64_MAX - 4 }),
    ROW("backing-name-1024", QCOW, INVALID, "length of the backing name", 0,
        { 16, 4, 1024 }),
    ROW("backing-name-nul", QCOW, INVALID, "NUL inside", 0, { 16, 4, 9 }),
    /* qed */
    ROW("no-magic", QED, INVALID, "is not a qed image", 0, { 0, 4, 0 }),
    ROW("truncated", QED, INVALID, "truncated", 63, NO_CHANGE),
    ROW("cluster-size-3", QED, INVALID, "cluster size 3", 0, { 4, 4, 3 }),
    ROW("cluster-size-128-mib", QED, INVALID, "cluster size", 0, { 4, 4,
        128 << 20 }),
    ROW("table-size-32", QED, INVALID, "table size 32", 0, { 8, 4, 32 }),
    ROW("header-size-0", QED, INVALID, "header size 0", 0, { 12, 4, 0 }),
    ROW("unknown-feature", QED, UNSUPPORTED, "feature bit 3", 0, { 16, 8, 8 }),
    ROW("backing-inside-header", QED, INVALID, "offset", 0, { 56, 4, 60 }),
    ROW("backing-beyond-header", QED, INVALID, "offset", 0, { 56, 4,
        0x10000 - 7 }),
    ROW("backing-offset-wraps", QED, INVALID, "offset", 0, { 56, 4,
        UINT32_MAX }),
    ROW("backing-name-empty", QED, INVALID, "length of the backing name", 0,
        { 60, 4, 0 }),
    ROW("backing-name-1024", QED, INVALID, "length of the backing name", 0,
        { 60, 4, 1024 }),
    ROW("backing-name-nul", QED, INVALID, "NUL inside", 0, { 60, 4, 9 }),
    /* vmdk: the texts have a test of their own */
    ROW("capacity-0-names-extents", VMDK_SPARSE, INVALID, "capacity 0", 0, { 12,
        8, 0 }),
    ROW("capacity-huge", VMDK_SPARSE, INVALID, "capacity", 0, { 12, 8,
        UINT64_MAX }),
    ROW("version-4", VMDK_SPARSE, UNSUPPORTED, "version 4", 0, { 4, 4, 4 }),
    ROW("descriptor-elsewhere", VMDK_SPARSE, INVALID, "sector 2", 0, { 28, 8,
        2 }),
    ROW("no-descriptor", VMDK_SPARSE, INVALID, "has no createType", 0, { 512, 1,
        0 }),
    ROW("truncated", VMDK_SPARSE, INVALID, "no end", 600, NO_CHANGE),
    /* vpc */
    ROW("no-magic", VPC_DYNAMIC, INVALID, "is not a vpc image", 0, { 0, 4, 0 }),
    ROW("truncated", VPC_DYNAMIC, INVALID, "truncated", 511, NO_CHANGE),
    ROW("truncated-in-header", VPC_DYNAMIC, INVALID, "truncated", 1024,
        NO_CHANGE),
    ROW("header-beyond-file", VPC_DYNAMIC, INVALID, "truncated", 0, { 16, 8,
        UINT64_MAX }),
    ROW("header-elsewhere", VPC_DYNAMIC, INVALID, "no dynamic disk header", 0,
        { 16, 8, 1024 }),
    ROW("type-fixed-at-start", VPC_DYNAMIC, INVALID, "disk type", 0, { 60, 4,
        2 }),
    ROW("differencing", VPC_DYNAMIC, UNSUPPORTED, "'par.vhd'", 0, { 60, 4, 4 }),
    ROW("type-dynamic-at-end", VPC_FIXED, INVALID, "disk type", 0,
        { (5 << 20) + 60, 4, 3 }),
    /* vhdx */
    ROW("no-magic", VHDX, INVALID, "is not a vhdx image", 0, { 0, 1, 0 }),
    ROW("no-headers", VHDX, INVALID, "no valid header", 0, { 64 << 10, 4, 0 },
        { 128 << 10, 4, 0 }),
    ROW("header-version-2", VHDX, INVALID, "no valid header", 0,
        { (64 << 10) + 66, 2, 2 }, { (128 << 10) + 66, 2, 2 }),
    ROW("truncated-headers", VHDX, INVALID, "truncated", 100000, NO_CHANGE),
    ROW("truncated-regions", VHDX, INVALID, "truncated", REGI + 100, NO_CHANGE),
    ROW("truncated-metadata", VHDX, INVALID, "truncated", VHDX_METADATA + 100,
        NO_CHANGE),
    ROW("regions-2048", VHDX, INVALID, "region table", 0, { REGI + 8, 4,
        2048 }),
    ROW("no-metadata-region", VHDX, INVALID, "no metadata region", 0,
        { REGI + 8, 4, 0 }),
    ROW("metadata-low", VHDX, INVALID, "out of place", 0, { REGI + 32, 8,
        65536 }),
    ROW("metadata-offset-huge", VHDX, INVALID, "out of place", 0, { REGI + 32,
        8, UINT64_MAX }),
    ROW("metadata-beyond-file", VHDX, INVALID, "truncated", 0, { REGI + 32, 8,
        INT64_MAX }),
    ROW("metadata-small", VHDX, INVALID, "out of place", 0, { REGI + 40, 4,
        65535 }),
    ROW("unknown-required-region", VHDX, UNSUPPORTED, "region", 0, { REGI + 16,
        1, 0 }),
    ROW("metadata-count-2048", VHDX, INVALID, "metadata table", 0,
        { VHDX_METADATA + 10, 2, 2048 }),
    ROW("item-in-table", VHDX, INVALID, "item out of place", 0,
        { VHDX_METADATA + 48, 4, 100 }),
    ROW("item-beyond-region", VHDX, INVALID, "item out of place", 0,
        { VHDX_METADATA + 52, 4, UINT32_MAX }),
    ROW("unknown-required-item", VHDX, UNSUPPORTED, "metadata", 0,
        { VHDX_METADATA + 32, 1, 0 }),
    ROW("no-file-parameters", VHDX, INVALID, "file parameters", 0,
        { VHDX_METADATA + 32, 1, 0 }, { VHDX_METADATA + 56, 4, 0 }),
    ROW("differencing", VHDX, UNSUPPORTED, "'par.vhdx'", 0, { VHDX_ITEMS + 4, 4,
        2 }),
    ROW("differencing-key-outside", VHDX, UNSUPPORTED, "unnamed", 0,
        { VHDX_ITEMS + 4, 4, 2 }, { VHDX_ITEMS + 84, 4, UINT32_MAX }),
    ROW("differencing-value-outside", VHDX, UNSUPPORTED, "unnamed", 0,
        { VHDX_ITEMS + 4, 4, 2 }, { VHDX_ITEMS + 94, 2, 0xfffe }),
    /* leaves */
    ROW("no-magic", VDI, INVALID, "is not a vdi image", 0, { 64, 4, 0 }),
    ROW("truncated", VDI, INVALID, "truncated", 200, NO_CHANGE),
    ROW("version", VDI, UNSUPPORTED, "version 2", 0, { 68, 4, 2 }),
    ROW("differencing", VDI, UNSUPPORTED, "type 4", 0, { 76, 4, 4 }),
    ROW("no-magic", LUKS, INVALID, "is not a luks image", 0, { 0, 4, 0 }),
    ROW("version-2", LUKS, UNSUPPORTED, "version 2", 0, { 6, 2, 2 }),
    ROW("payload-beyond-file", LUKS, INVALID, "lies outside", 0, { 104, 4, 9 }),
    ROW("no-magic", PARALLELS, INVALID, "is not a parallels image", 0, { 0, 4,
        0 }),
    ROW("version-3", PARALLELS, UNSUPPORTED, "version 3", 0, { 16, 4, 3 }),
    ROW("size-huge", PARALLELS, INVALID, "absurd", 0, { 36, 8, UINT64_MAX }),
    ROW("no-magic", DMG, INVALID, "is not a dmg image", 0, { 512, 4, 0 }),
    ROW("no-magic", BOCHS, INVALID, "is not a bochs image", 0, { 0, 4, 0 }),
    ROW("no-magic", CLOOP, INVALID, "is not a cloop image", 0, { 0, 4, 0 }),
};
/* clang-format on */

/* Checksums are left wrong on purpose here. */
static void
test_checksum(gconstpointer number)
{
    Base base = (Base)GPOINTER_TO_UINT(number);
    g_autoptr(GByteArray) bytes = base_make(base);
    g_autoptr(SvirtImageHeader) header = NULL;
    g_autoptr(GError) error = NULL;

    bytes->data[base == BASE_VHDX ? REGI + 100 : 100] ^= 1;
    g_assert_false(base_read(bytes, base, &header, &error));
    g_assert_error(error, SVIRT_ERROR, SVIRT_ERROR_INVALID);
}

/* The newer of two headers counts: the one with a log makes it dirty. */
static void
test_vhdx_newer_header_counts(void)
{
    for (int newer = 0; newer < 2; newer++) {
        g_autoptr(GByteArray) bytes = base_make(BASE_VHDX);
        g_autoptr(SvirtImageHeader) header = NULL;
        g_autoptr(GError) error = NULL;

        /* The second one is the newer in the base. */
        put_le(bytes, (newer != 0 ? 128 << 10 : 64 << 10) + 48, 1, 1);
        base_seal(bytes, BASE_VHDX);
        base_read(bytes, BASE_VHDX, &header, &error);
        g_assert_no_error(error);
        g_assert_cmpint(header->dirty, ==, newer);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    accepted_add(BASE_QCOW, BASE_CLOOP);
    broken_add(rows, G_N_ELEMENTS(rows));
    g_test_add_data_func("/image/vpc-dynamic/refuses/checksum",
                         GUINT_TO_POINTER(BASE_VPC_DYNAMIC), test_checksum);
    g_test_add_data_func("/image/vhdx/refuses/region-checksum",
                         GUINT_TO_POINTER(BASE_VHDX), test_checksum);
    g_test_add_func("/image/vhdx/newer-header-counts",
                    test_vhdx_newer_header_counts);
    return g_test_run();
}
