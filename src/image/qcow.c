/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "image/readers.h"

#include "base/error.h"

/* Version 1, as QEMU's block/qcow.c reads it. Big endian. */
#define MAGIC 0x514649fbU
#define HEADER_SIZE 48

static bool
invalid(const SvirtImageWindow *window, GError **error, const char *what,
        uint64_t value)
{
    return svirt_raise(error, SVIRT_ERROR_INVALID, NULL, NULL,
                       "%s %" G_GUINT64_FORMAT " in qcow image '%s'", what,
                       value, window->shown_path);
}

static bool
backing_name_read(const SvirtImageWindow *window, uint64_t offset,
                  uint32_t size, SvirtImageHeader *header, GError **error)
{
    uint8_t name[SVIRT_IMAGE_NAME_MAX];

    if (offset == 0 && size == 0) {
        return true;
    }
    if (offset < HEADER_SIZE) {
        return invalid(window, error, "invalid offset of the backing name",
                       offset);
    }
    if (size == 0 || size > sizeof(name)) {
        return invalid(window, error, "invalid length of the backing name",
                       size);
    }
    return svirt_image_window_read(window, offset, name, size, error) &&
           svirt_image_name_take(name, size, "backing file", window->shown_path,
                                 &header->backing_name, error);
}

bool
svirt_image_qcow_read(const SvirtImageWindow *window, SvirtImageHeader *header,
                      GError **error)
{
    uint8_t bytes[HEADER_SIZE];
    uint8_t cluster_bits, l2_bits;
    uint32_t crypt_method;

    if (!svirt_image_window_read(window, 0, bytes, sizeof(bytes), error)) {
        return false;
    }
    header->version = svirt_be32(bytes + 4);
    if (svirt_be32(bytes) != MAGIC || header->version != 1) {
        return svirt_raise(
            error, SVIRT_ERROR_INVALID, NULL, "give the image's real format",
            "'%s' is not a qcow image of version 1", window->shown_path);
    }
    header->virtual_size_bytes = svirt_be64(bytes + 24);
    cluster_bits = bytes[32];
    l2_bits = bytes[33];
    crypt_method = svirt_be32(bytes + 36);
    if (header->virtual_size_bytes <= 1 ||
        header->virtual_size_bytes > INT64_MAX) {
        return invalid(window, error, "invalid virtual size",
                       header->virtual_size_bytes);
    }
    if (cluster_bits < 9 || cluster_bits > 16) {
        return invalid(window, error, "invalid number of cluster bits",
                       cluster_bits);
    }
    if (l2_bits < 6 || l2_bits > 13) {
        return invalid(window, error, "invalid number of table bits", l2_bits);
    }
    if (crypt_method > SVIRT_IMAGE_ENCRYPTION_AES) {
        return invalid(window, error, "unknown encryption method",
                       crypt_method);
    }
    header->encryption = (SvirtImageEncryption)crypt_method;
    return backing_name_read(window, svirt_be64(bytes + 8),
                             svirt_be32(bytes + 16), header, error);
}
