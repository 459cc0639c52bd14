/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "image/readers.h"

#include "base/error.h"
#include "image/magic.h"

/*
 * Formats with no room for another file's name: the magic is checked, so that
 * a wrong declaration is found at define, and the size read where it is one
 * field. Sources: QEMU's block/{vdi,luks,parallels,dmg,bochs,cloop}.c.
 */
#define VDI_VERSION_OFFSET 68
#define VDI_VERSION 0x00010001U
#define VDI_TYPE_OFFSET 76
#define VDI_SIZE_OFFSET 368
#define PARALLELS_VERSION_OFFSET 16
#define PARALLELS_VERSION 2
#define PARALLELS_SECTORS_OFFSET 36
#define LUKS_VERSION_OFFSET 6
#define LUKS_PAYLOAD_OFFSET 104
#define SECTOR_SIZE 512U

static bool
unsupported(const SvirtImageWindow *window, const SvirtImageHeader *header,
            const char *what, uint32_t value, GError **error)
{
    return svirt_raise(error, SVIRT_ERROR_UNSUPPORTED, NULL,
                       "convert it with 'qemu-img convert -O qcow2'",
                       "%s %u of %s image '%s' is not supported", what, value,
                       svirt_image_format_to_string(header->format),
                       window->shown_path);
}

static bool
vdi_read(const SvirtImageWindow *window, SvirtImageHeader *header,
         GError **error)
{
    uint8_t bytes[VDI_SIZE_OFFSET + 8];
    uint32_t type;

    if (!svirt_image_window_read(window, 0, bytes, sizeof(bytes), error)) {
        return false;
    }
    header->version = svirt_le32(bytes + VDI_VERSION_OFFSET);
    type = svirt_le32(bytes + VDI_TYPE_OFFSET);
    if (header->version != VDI_VERSION) {
        return unsupported(window, header, "version", header->version, error);
    }
    /* 1 dynamic, 2 static; 3 and 4 depend on another image. */
    if (type != 1 && type != 2) {
        return unsupported(window, header, "type", type, error);
    }
    header->virtual_size_bytes = svirt_le64(bytes + VDI_SIZE_OFFSET);
    return true;
}

static bool
luks_read(const SvirtImageWindow *window, SvirtImageHeader *header,
          GError **error)
{
    uint8_t bytes[LUKS_PAYLOAD_OFFSET + 4];
    uint64_t payload;

    if (!svirt_image_window_read(window, 0, bytes, sizeof(bytes), error)) {
        return false;
    }
    header->version = svirt_be16(bytes + LUKS_VERSION_OFFSET);
    if (header->version != 1) {
        return unsupported(window, header, "version", header->version, error);
    }
    payload = (uint64_t)svirt_be32(bytes + LUKS_PAYLOAD_OFFSET) * SECTOR_SIZE;
    if (payload > window->size_bytes) {
        return svirt_raise(error, SVIRT_ERROR_INVALID, NULL, NULL,
                           "payload of luks image '%s' lies outside it",
                           window->shown_path);
    }
    header->encryption = SVIRT_IMAGE_ENCRYPTION_LUKS;
    header->virtual_size_bytes = window->size_bytes - payload;
    return true;
}

static bool
parallels_read(const SvirtImageWindow *window, SvirtImageHeader *header,
               GError **error)
{
    uint8_t bytes[64];

    if (!svirt_image_window_read(window, 0, bytes, sizeof(bytes), error)) {
        return false;
    }
    header->version = svirt_le32(bytes + PARALLELS_VERSION_OFFSET);
    if (header->version != PARALLELS_VERSION) {
        return unsupported(window, header, "version", header->version, error);
    }
    /* The older magic has 32 bits here and no zeroes above them. */
    header->virtual_size_bytes =
        bytes[15] == 't' ? svirt_le64(bytes + PARALLELS_SECTORS_OFFSET)
                         : svirt_le32(bytes + PARALLELS_SECTORS_OFFSET);
    if (header->virtual_size_bytes > INT64_MAX / SECTOR_SIZE) {
        return svirt_raise(error, SVIRT_ERROR_INVALID, NULL, NULL,
                           "size of parallels image '%s' is absurd",
                           window->shown_path);
    }
    header->virtual_size_bytes *= SECTOR_SIZE;
    return true;
}

bool
svirt_image_leaf_read(const SvirtImageWindow *window, SvirtImageHeader *header,
                      GError **error)
{
    const char *word = svirt_image_format_to_string(header->format);

    if (!svirt_image_magic_present(window, header->format)) {
        return svirt_raise(error, SVIRT_ERROR_INVALID, NULL,
                           "give the image's real format",
                           "'%s' is not a %s image", window->shown_path, word);
    }
    if (header->format == SVIRT_IMAGE_FORMAT_VDI) {
        return vdi_read(window, header, error);
    }
    if (header->format == SVIRT_IMAGE_FORMAT_LUKS) {
        return luks_read(window, header, error);
    }
    if (header->format == SVIRT_IMAGE_FORMAT_PARALLELS) {
        return parallels_read(window, header, error);
    }
    return true;
}
