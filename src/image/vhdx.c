/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "image/readers.h"

#include <string.h>

#include "base/error.h"
#include "image/crc32c.h"
#include "image/quote.h"

/* [MS-VHDX]. Little endian. */
#define KIB 1024U
#define HEADER_OFFSET(i) ((i) == 0 ? 64 * KIB : 128 * KIB)
#define HEADER_SIZE 4096
#define REGION_TABLE_OFFSET (192 * KIB)
#define TABLE_SIZE (64 * KIB)
#define ENTRY_SIZE 32
#define REGIONS_MAX 2047
#define METADATA_MAX 2047
#define ENTRY_REQUIRED_REGION 1U
#define ENTRY_REQUIRED_ITEM 4U
#define PARAMETERS_HAS_PARENT 2U
#define LOCATOR_SIZE_MAX (64 * KIB)

static const uint8_t guid_block_table[16] = {
    0x66, 0x77, 0xc2, 0x2d, 0x23, 0xf6, 0x00, 0x42,
    0x9d, 0x64, 0x11, 0x5e, 0x9b, 0xfd, 0x4a, 0x08,
};
static const uint8_t guid_metadata[16] = {
    0x06, 0xa2, 0x7c, 0x8b, 0x90, 0x47, 0x9a, 0x4b,
    0xb8, 0xfe, 0x57, 0x5f, 0x05, 0x0f, 0x88, 0x6e,
};

enum {
    ITEM_PARAMETERS,
    ITEM_VIRTUAL_SIZE,
    ITEM_PAGE_83,
    ITEM_LOGICAL_SECTOR,
    ITEM_PHYSICAL_SECTOR,
    ITEM_PARENT,
    ITEM_MAX,
};

static const uint8_t item_guids[ITEM_MAX][16] = {
    [ITEM_PARAMETERS] = { 0x37, 0x67, 0xa1, 0xca, 0x36, 0xfa, 0x43, 0x4d, 0xb3,
                          0xb6, 0x33, 0xf0, 0xaa, 0x44, 0xe7, 0x6b },
    [ITEM_VIRTUAL_SIZE] = { 0x24, 0x42, 0xa5, 0x2f, 0x1b, 0xcd, 0x76, 0x48,
                            0xb2, 0x11, 0x5d, 0xbe, 0xd8, 0x3b, 0xf4, 0xb8 },
    [ITEM_PAGE_83] = { 0xab, 0x12, 0xca, 0xbe, 0xe6, 0xb2, 0x23, 0x45, 0x93,
                       0xef, 0xc3, 0x09, 0xe0, 0x00, 0xc7, 0x46 },
    [ITEM_LOGICAL_SECTOR] = { 0x1d, 0xbf, 0x41, 0x81, 0x6f, 0xa9, 0x09, 0x47,
                              0xba, 0x47, 0xf2, 0x33, 0xa8, 0xfa, 0xab, 0x5f },
    [ITEM_PHYSICAL_SECTOR] = { 0xc7, 0x48, 0xa3, 0xcd, 0x5d, 0x44, 0x71, 0x44,
                               0x9c, 0xc9, 0xe9, 0x88, 0x52, 0x51, 0xc5, 0x56 },
    [ITEM_PARENT] = { 0x2d, 0x5f, 0xd3, 0xa8, 0x0b, 0xb3, 0x4d, 0x45, 0xab,
                      0xf7, 0xd3, 0xd8, 0x48, 0x34, 0xab, 0x0c },
};

typedef struct VhdxMetadata {
    uint64_t offset; /* of the region in the file */
    uint32_t size;
    uint64_t item_offset[ITEM_MAX]; /* in the file; 0 absent */
    uint32_t item_size[ITEM_MAX];
} VhdxMetadata;

static bool
invalid(const SvirtImageWindow *window, GError **error, const char *what)
{
    return svirt_raise(error, SVIRT_ERROR_INVALID, NULL, NULL,
                       "%s in vhdx image '%s'", what, window->shown_path);
}

static bool
checksum_right(const uint8_t *bytes, size_t size)
{
    return svirt_crc32c_skip(bytes, size, 4) == svirt_le32(bytes + 4);
}

/* Of the two headers the valid one with the higher number counts. */
static bool
log_state_read(const SvirtImageWindow *window, SvirtImageHeader *header,
               GError **error)
{
    static const uint8_t no_log[16];
    uint8_t bytes[HEADER_SIZE];
    uint64_t best = 0;
    bool found = false;

    for (int i = 0; i < 2; i++) {
        if (!svirt_image_window_read(window, HEADER_OFFSET(i), bytes,
                                     sizeof(bytes), error)) {
            return false;
        }
        if (memcmp(bytes, "head", 4) != 0 ||
            !checksum_right(bytes, sizeof(bytes)) ||
            svirt_le16(bytes + 66) != 1 ||
            (found && svirt_le64(bytes + 8) <= best)) {
            continue;
        }
        found = true;
        best = svirt_le64(bytes + 8);
        header->version = svirt_le16(bytes + 66);
        header->dirty = memcmp(bytes + 48, no_log, sizeof(no_log)) != 0;
    }
    return found || invalid(window, error, "no valid header");
}

static bool
region_entry_take(const SvirtImageWindow *window, const uint8_t *entry,
                  VhdxMetadata *metadata, GError **error)
{
    if (memcmp(entry, guid_metadata, 16) == 0) {
        if (metadata->size != 0) {
            return invalid(window, error, "second metadata region");
        }
        metadata->offset = svirt_le64(entry + 16);
        metadata->size = svirt_le32(entry + 24);
        if (metadata->offset < 1024 * KIB || metadata->offset > INT64_MAX ||
            metadata->size < TABLE_SIZE) {
            return invalid(window, error, "metadata region out of place");
        }
        return true;
    }
    if (memcmp(entry, guid_block_table, 16) != 0 &&
        (svirt_le32(entry + 28) & ENTRY_REQUIRED_REGION) != 0) {
        return svirt_raise(error, SVIRT_ERROR_UNSUPPORTED, NULL, NULL,
                           "vhdx image '%s' needs a region that is not known",
                           window->shown_path);
    }
    return true;
}

static bool
region_table_read(const SvirtImageWindow *window, VhdxMetadata *metadata,
                  GError **error)
{
    g_autofree uint8_t *bytes = g_malloc(TABLE_SIZE);
    uint32_t count;

    if (!svirt_image_window_read(window, REGION_TABLE_OFFSET, bytes, TABLE_SIZE,
                                 error)) {
        return false;
    }
    count = svirt_le32(bytes + 8);
    if (memcmp(bytes, "regi", 4) != 0 || count > REGIONS_MAX ||
        !checksum_right(bytes, TABLE_SIZE)) {
        return invalid(window, error, "damaged region table");
    }
    for (uint32_t i = 0; i < count; i++) {
        if (!region_entry_take(window, bytes + 16 + i * ENTRY_SIZE, metadata,
                               error)) {
            return false;
        }
    }
    return metadata->size != 0 || invalid(window, error, "no metadata region");
}

static bool
item_take(const SvirtImageWindow *window, const uint8_t *entry,
          VhdxMetadata *metadata, GError **error)
{
    uint32_t offset = svirt_le32(entry + 16);
    uint32_t size = svirt_le32(entry + 20);

    for (int i = 0; i < ITEM_MAX; i++) {
        if (memcmp(entry, item_guids[i], 16) != 0) {
            continue;
        }
        if (metadata->item_offset[i] != 0 || offset < TABLE_SIZE ||
            offset > metadata->size || size > metadata->size - offset) {
            return invalid(window, error, "metadata item out of place");
        }
        metadata->item_offset[i] = metadata->offset + offset;
        metadata->item_size[i] = size;
        return true;
    }
    if ((svirt_le32(entry + 24) & ENTRY_REQUIRED_ITEM) != 0) {
        return svirt_raise(error, SVIRT_ERROR_UNSUPPORTED, NULL, NULL,
                           "vhdx image '%s' needs metadata that are not "
                           "known",
                           window->shown_path);
    }
    return true;
}

static bool
metadata_table_read(const SvirtImageWindow *window, VhdxMetadata *metadata,
                    GError **error)
{
    g_autofree uint8_t *bytes = g_malloc(TABLE_SIZE);
    uint16_t count;

    if (!svirt_image_window_read(window, metadata->offset, bytes, TABLE_SIZE,
                                 error)) {
        return false;
    }
    count = svirt_le16(bytes + 10);
    if (memcmp(bytes, "metadata", 8) != 0 || count > METADATA_MAX) {
        return invalid(window, error, "damaged metadata table");
    }
    for (unsigned i = 0; i < count; i++) {
        if (!item_take(window, bytes + 32 + i * ENTRY_SIZE, metadata, error)) {
            return false;
        }
    }
    return true;
}

/* UTF-16LE at [offset, offset + size) of the locator as UTF-8, or NULL. */
static char *
locator_text(const uint8_t *locator, size_t locator_size, uint32_t offset,
             uint16_t size)
{
    g_autofree gunichar2 *units = NULL;

    if (size % 2 != 0 || offset > locator_size ||
        size > locator_size - offset) {
        return NULL;
    }
    units = g_new0(gunichar2, size / 2 + 1);
    for (unsigned i = 0; i < size / 2U; i++) {
        units[i] = svirt_le16(locator + offset + i * 2);
    }
    return g_utf16_to_utf8(units, size / 2, NULL, NULL, NULL);
}

/* A name of the parent for the message; NULL when none can be read. */
static char *
parent_name_read(const SvirtImageWindow *window, const VhdxMetadata *metadata)
{
    size_t size = MIN(metadata->item_size[ITEM_PARENT], LOCATOR_SIZE_MAX);
    g_autofree uint8_t *bytes = g_malloc(size + 1);
    unsigned count;

    if (size < 20 ||
        !svirt_image_window_read(window, metadata->item_offset[ITEM_PARENT],
                                 bytes, size, NULL)) {
        return NULL;
    }
    count = MIN(svirt_le16(bytes + 18), (unsigned)(size - 20) / 12);
    for (unsigned i = 0; i < count; i++) {
        const uint8_t *entry = bytes + 20 + i * 12;
        g_autofree char *key =
            locator_text(bytes, size, svirt_le32(entry), svirt_le16(entry + 8));

        if (g_strcmp0(key, "relative_path") == 0 ||
            g_strcmp0(key, "absolute_win32_path") == 0) {
            return locator_text(bytes, size, svirt_le32(entry + 4),
                                svirt_le16(entry + 10));
        }
    }
    return NULL;
}

static bool
parent_refuse(const SvirtImageWindow *window, const VhdxMetadata *metadata,
              GError **error)
{
    g_autofree char *name = parent_name_read(window, metadata);
    g_autofree char *shown = svirt_image_quote(name);

    return svirt_raise(error, SVIRT_ERROR_UNSUPPORTED, NULL,
                       "merge it with its parent where it was made",
                       "vhdx image '%s' is a difference to a parent (%s): "
                       "QEMU reads no parents of vhdx images",
                       window->shown_path, name != NULL ? shown : "unnamed");
}

bool
svirt_image_vhdx_read(const SvirtImageWindow *window, SvirtImageHeader *header,
                      GError **error)
{
    VhdxMetadata metadata = { 0 };
    uint8_t bytes[8];

    if (!svirt_image_window_read(window, 0, bytes, sizeof(bytes), error)) {
        return false;
    }
    if (memcmp(bytes, "vhdxfile", 8) != 0) {
        return svirt_raise(error, SVIRT_ERROR_INVALID, NULL,
                           "give the image's real format",
                           "'%s' is not a vhdx image", window->shown_path);
    }
    if (!log_state_read(window, header, error) ||
        !region_table_read(window, &metadata, error) ||
        !metadata_table_read(window, &metadata, error)) {
        return false;
    }
    if (metadata.item_size[ITEM_PARAMETERS] < 8 ||
        metadata.item_size[ITEM_VIRTUAL_SIZE] < 8) {
        return invalid(window, error, "missing file parameters or size");
    }
    if (!svirt_image_window_read(window, metadata.item_offset[ITEM_PARAMETERS],
                                 bytes, 8, error)) {
        return false;
    }
    if ((svirt_le32(bytes + 4) & PARAMETERS_HAS_PARENT) != 0) {
        return parent_refuse(window, &metadata, error);
    }
    if (!svirt_image_window_read(
            window, metadata.item_offset[ITEM_VIRTUAL_SIZE], bytes, 8, error)) {
        return false;
    }
    header->virtual_size_bytes = svirt_le64(bytes);
    return true;
}
