/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "image/readers.h"

#include <string.h>

#include "base/error.h"

/* QEMU docs/interop/qed_spec.txt. Little endian. */
#define HEADER_SIZE 64
#define CLUSTER_SIZE_MIN 4096U
#define CLUSTER_SIZE_MAX (64U * 1024 * 1024)
#define TABLE_SIZE_MAX 16U

#define FEATURE_BACKING_FILE 1U
#define FEATURE_NEED_CHECK 2U
#define FEATURE_BACKING_RAW 4U
#define FEATURES_KNOWN 7U

static bool
is_power_of_two(uint32_t value)
{
    return value != 0 && (value & (value - 1)) == 0;
}

static bool
invalid(const SvirtImageWindow *window, GError **error, const char *what,
        uint64_t value)
{
    return svirt_raise(error, SVIRT_ERROR_INVALID, NULL, NULL,
                       "%s %" G_GUINT64_FORMAT " in qed image '%s'", what,
                       value, window->shown_path);
}

static bool
layout_check(const SvirtImageWindow *window, const uint8_t *bytes,
             SvirtImageHeader *header, GError **error)
{
    uint32_t cluster_size = svirt_le32(bytes + 4);
    uint32_t table_size = svirt_le32(bytes + 8);
    uint32_t header_size = svirt_le32(bytes + 12);
    uint64_t unknown =
        header->incompatible_features & ~(uint64_t)FEATURES_KNOWN;

    if (!is_power_of_two(cluster_size) || cluster_size < CLUSTER_SIZE_MIN ||
        cluster_size > CLUSTER_SIZE_MAX) {
        return invalid(window, error, "invalid cluster size", cluster_size);
    }
    if (!is_power_of_two(table_size) || table_size > TABLE_SIZE_MAX) {
        return invalid(window, error, "invalid table size", table_size);
    }
    if (header_size == 0) {
        return invalid(window, error, "invalid header size", header_size);
    }
    if (header->virtual_size_bytes > INT64_MAX) {
        return invalid(window, error, "invalid virtual size",
                       header->virtual_size_bytes);
    }
    if (unknown != 0) {
        return svirt_raise(error, SVIRT_ERROR_UNSUPPORTED, NULL,
                           "convert it with 'qemu-img convert -O qcow2'",
                           "feature bit %d of qed image '%s' is not known",
                           __builtin_ctzll(unknown), window->shown_path);
    }
    return true;
}

static bool
backing_name_read(const SvirtImageWindow *window, const uint8_t *bytes,
                  SvirtImageHeader *header, GError **error)
{
    uint64_t header_bytes =
        (uint64_t)svirt_le32(bytes + 4) * svirt_le32(bytes + 12);
    uint32_t offset = svirt_le32(bytes + 56);
    uint32_t size = svirt_le32(bytes + 60);
    uint8_t name[SVIRT_IMAGE_NAME_MAX];

    if ((header->incompatible_features & FEATURE_BACKING_FILE) == 0) {
        return true;
    }
    if (offset < HEADER_SIZE || (uint64_t)offset + size > header_bytes) {
        return invalid(window, error, "invalid offset of the backing name",
                       offset);
    }
    if (size == 0 || size > sizeof(name)) {
        return invalid(window, error, "invalid length of the backing name",
                       size);
    }
    if ((header->incompatible_features & FEATURE_BACKING_RAW) != 0) {
        header->backing_format = SVIRT_IMAGE_FORMAT_RAW;
        header->backing_format_known = true;
    }
    return svirt_image_window_read(window, offset, name, size, error) &&
           svirt_image_name_take(name, size, "backing file", window->shown_path,
                                 &header->backing_name, error);
}

bool
svirt_image_qed_read(const SvirtImageWindow *window, SvirtImageHeader *header,
                     GError **error)
{
    uint8_t bytes[HEADER_SIZE];

    if (!svirt_image_window_read(window, 0, bytes, sizeof(bytes), error)) {
        return false;
    }
    if (memcmp(bytes, "QED\0", 4) != 0) {
        return svirt_raise(error, SVIRT_ERROR_INVALID, NULL,
                           "give the image's real format",
                           "'%s' is not a qed image", window->shown_path);
    }
    header->incompatible_features = svirt_le64(bytes + 16);
    header->compatible_features = svirt_le64(bytes + 24);
    header->autoclear_features = svirt_le64(bytes + 32);
    header->virtual_size_bytes = svirt_le64(bytes + 48);
    header->dirty = (header->incompatible_features & FEATURE_NEED_CHECK) != 0;
    return layout_check(window, bytes, header, error) &&
           backing_name_read(window, bytes, header, error);
}
