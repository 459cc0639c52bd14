/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "image/readers.h"

#include <string.h>

#include "base/error.h"
#include "image/quote.h"

/* Microsoft VHD Image Format Specification 1.0. Big endian. */
#define FOOTER_SIZE 512
#define DYNAMIC_HEADER_SIZE 1024
#define CHECKSUM_OFFSET 64
#define PARENT_NAME_OFFSET 64
#define PARENT_NAME_UNITS 256
#define SECTOR_SIZE 512U
/* Largest geometry: the size in the footer then tells more. */
#define GEOMETRY_SECTORS_MAX (65535U * 16 * 255)

enum {
    TYPE_FIXED = 2,
    TYPE_DYNAMIC = 3,
    TYPE_DIFFERENCING = 4,
};

static bool
invalid(const SvirtImageWindow *window, GError **error, const char *what)
{
    return svirt_raise(error, SVIRT_ERROR_INVALID, NULL, NULL,
                       "%s in vpc image '%s'", what, window->shown_path);
}

static bool
checksum_right(const uint8_t *footer)
{
    uint32_t sum = 0;

    for (int i = 0; i < FOOTER_SIZE; i++) {
        if (i < CHECKSUM_OFFSET || i >= CHECKSUM_OFFSET + 4) {
            sum += footer[i];
        }
    }
    return ~sum == svirt_be32(footer + CHECKSUM_OFFSET);
}

/* The size QEMU shows: by who made the image, as block/vpc.c decides. */
static uint64_t
virtual_size(const uint8_t *footer)
{
    static const char by_footer[][5] = { "win ", "qem2", "d2v ", "tap\0",
                                         "CTXS" };
    const char *creator = (const char *)footer + 28;
    uint64_t sectors =
        (uint64_t)svirt_be16(footer + 56) * footer[58] * footer[59];

    for (unsigned i = 0; i < G_N_ELEMENTS(by_footer); i++) {
        if (memcmp(creator, by_footer[i], 4) == 0) {
            return svirt_be64(footer + 48);
        }
    }
    if (sectors == GEOMETRY_SECTORS_MAX) {
        return svirt_be64(footer + 48);
    }
    return sectors * SECTOR_SIZE;
}

static bool
parent_refuse(const SvirtImageWindow *window, const uint8_t *dynamic,
              GError **error)
{
    gunichar2 units[PARENT_NAME_UNITS + 1] = { 0 };
    g_autofree char *name = NULL;
    g_autofree char *shown = NULL;

    for (int i = 0; i < PARENT_NAME_UNITS; i++) {
        units[i] = svirt_be16(dynamic + PARENT_NAME_OFFSET + i * 2);
    }
    name = g_utf16_to_utf8(units, -1, NULL, NULL, NULL);
    shown = svirt_image_quote(name);
    return svirt_raise(error, SVIRT_ERROR_UNSUPPORTED, NULL,
                       "merge it with its parent where it was made",
                       "vpc image '%s' is a difference to a parent (%s): QEMU "
                       "reads no parents of vpc images",
                       window->shown_path, name != NULL ? shown : "unnamed");
}

static bool
dynamic_check(const SvirtImageWindow *window, const uint8_t *footer,
              GError **error)
{
    uint8_t dynamic[DYNAMIC_HEADER_SIZE];
    uint32_t type = svirt_be32(footer + 60);

    if (type != TYPE_DYNAMIC && type != TYPE_DIFFERENCING) {
        return invalid(window, error, "unknown disk type");
    }
    if (!svirt_image_window_read(window, svirt_be64(footer + 16), dynamic,
                                 sizeof(dynamic), error)) {
        return false;
    }
    if (memcmp(dynamic, "cxsparse", 8) != 0) {
        return invalid(window, error, "no dynamic disk header");
    }
    return type == TYPE_DYNAMIC || parent_refuse(window, dynamic, error);
}

static bool
is_footer(const uint8_t *bytes)
{
    return memcmp(bytes, "conectix", 8) == 0;
}

bool
svirt_image_vpc_read(const SvirtImageWindow *window, SvirtImageHeader *header,
                     GError **error)
{
    uint8_t footer[FOOTER_SIZE];
    bool at_start;

    if (!svirt_image_window_read(window, 0, footer, sizeof(footer), error)) {
        return false;
    }
    /* QEMU's order: a copy at the start makes the image a dynamic one. */
    at_start = is_footer(footer);
    if (!at_start &&
        !svirt_image_window_read(window, window->size_bytes - FOOTER_SIZE,
                                 footer, sizeof(footer), error)) {
        return false;
    }
    if (!is_footer(footer)) {
        return svirt_raise(error, SVIRT_ERROR_INVALID, NULL,
                           "give the image's real format",
                           "'%s' is not a vpc image", window->shown_path);
    }
    if (!checksum_right(footer)) {
        return invalid(window, error, "wrong checksum");
    }
    header->version = svirt_be32(footer + 12) >> 16;
    header->virtual_size_bytes = virtual_size(footer);
    if (at_start) {
        return dynamic_check(window, footer, error);
    }
    return svirt_be32(footer + 60) == TYPE_FIXED ||
           invalid(window, error, "unknown disk type");
}
