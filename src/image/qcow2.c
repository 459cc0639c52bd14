/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "image/readers.h"

#include <string.h>

#include "base/error.h"
#include "image/quote.h"

/* QEMU docs/interop/qcow2.txt, "Header" and "Header extensions". */
#define MAGIC 0x514649fbU
#define V2_HEADER_SIZE 72
#define V3_HEADER_SIZE 104
#define CLUSTER_BITS_MIN 9
#define CLUSTER_BITS_MAX 21
#define EXTENDED_L2_CLUSTER_BITS_MIN 14
#define REFCOUNT_ORDER_MAX 6

#define INCOMPATIBLE_DIRTY (1U << 0)
#define INCOMPATIBLE_CORRUPT (1U << 1)
#define INCOMPATIBLE_DATA_FILE (1U << 2)
#define INCOMPATIBLE_COMPRESSION (1U << 3)
#define INCOMPATIBLE_EXTENDED_L2 (1U << 4)
#define INCOMPATIBLE_KNOWN 0x1fU
#define AUTOCLEAR_DATA_FILE_RAW (1U << 1)

#define EXTENSION_END 0U
#define EXTENSION_BACKING_FORMAT 0xe2792acaU
#define EXTENSION_DATA_FILE 0x44415441U
#define EXTENSION_ENCRYPTION 0x0537be77U
#define EXTENSION_BITMAPS 0x23852875U
#define EXTENSIONS_MAX 64

/*
 * Header, extensions and names lie in the first cluster. Real ones fill a
 * few kilobytes; what lies further in is refused rather than read.
 */
#define REGION_SIZE (64 * 1024)

typedef struct Qcow2Region {
    const char *shown_path; /* borrowed */
    SvirtImageHeader *header;
    uint8_t *bytes; /* owned: the start of the image */
    size_t size;
    uint32_t header_size;
    uint64_t cluster_size;
    uint32_t crypt_method;
    uint64_t names_offset; /* of the backing name; 0 none */
    /* Extensions seen, of those that must be unique. */
    bool backing_format_seen;
    bool encryption_seen;
    bool bitmaps_seen;
} Qcow2Region;

static bool
invalid(const Qcow2Region *region, GError **error, const char *what,
        uint64_t value)
{
    return svirt_raise(error, SVIRT_ERROR_INVALID, NULL, NULL,
                       "%s %" G_GUINT64_FORMAT " in qcow2 image '%s'", what,
                       value, region->shown_path);
}

static bool
version_check(const Qcow2Region *region, GError **error)
{
    if (region->size < V2_HEADER_SIZE || svirt_be32(region->bytes) != MAGIC) {
        return svirt_raise(error, SVIRT_ERROR_INVALID, NULL,
                           "give the image's real format",
                           "'%s' is not a qcow2 image", region->shown_path);
    }
    if (region->header->version == 1) {
        return svirt_raise(
            error, SVIRT_ERROR_INVALID, NULL, "declare it as 'qcow'",
            "'%s' is a qcow image of version 1, not qcow2", region->shown_path);
    }
    if (region->header->version != 2 && region->header->version != 3) {
        return svirt_raise(error, SVIRT_ERROR_UNSUPPORTED, NULL,
                           "convert it with 'qemu-img convert -O qcow2'",
                           "version %u of qcow2 image '%s' is not 2 or 3",
                           region->header->version, region->shown_path);
    }
    return true;
}

static bool
features_check(const Qcow2Region *region, GError **error)
{
    uint64_t unknown =
        region->header->incompatible_features & ~(uint64_t)INCOMPATIBLE_KNOWN;

    if (unknown != 0) {
        return svirt_raise(
            error, SVIRT_ERROR_UNSUPPORTED, NULL,
            "convert it with 'qemu-img convert -O qcow2'",
            "incompatible feature bit %d of qcow2 image '%s' is not known",
            __builtin_ctzll(unknown), region->shown_path);
    }
    if ((region->header->incompatible_features & INCOMPATIBLE_COMPRESSION) !=
        0) {
        if (region->header_size <= V3_HEADER_SIZE) {
            return invalid(region, error,
                           "compression type lies outside header of length",
                           region->header_size);
        }
        /* 0 is zlib, which must not set the bit; 1 is zstd. */
        if (region->bytes[V3_HEADER_SIZE] != 1) {
            return svirt_raise(error, SVIRT_ERROR_UNSUPPORTED, NULL, NULL,
                               "compression type %u of qcow2 image '%s' is "
                               "not known",
                               region->bytes[V3_HEADER_SIZE],
                               region->shown_path);
        }
    }
    return true;
}

static bool
version_3_parse(Qcow2Region *region, GError **error)
{
    SvirtImageHeader *header = region->header;
    uint32_t refcount_order;

    if (region->size < V3_HEADER_SIZE) {
        return invalid(region, error, "truncated header of size", region->size);
    }
    header->incompatible_features = svirt_be64(region->bytes + 72);
    header->compatible_features = svirt_be64(region->bytes + 80);
    header->autoclear_features = svirt_be64(region->bytes + 88);
    refcount_order = svirt_be32(region->bytes + 96);
    region->header_size = svirt_be32(region->bytes + 100);
    if (region->header_size < V3_HEADER_SIZE || region->header_size % 8 != 0 ||
        region->header_size > region->cluster_size ||
        region->header_size > region->size) {
        return invalid(region, error, "invalid header length",
                       region->header_size);
    }
    if (refcount_order > REFCOUNT_ORDER_MAX) {
        return invalid(region, error, "invalid refcount order", refcount_order);
    }
    return features_check(region, error);
}

static bool
fixed_fields_parse(Qcow2Region *region, GError **error)
{
    SvirtImageHeader *header = region->header;
    uint32_t cluster_bits = svirt_be32(region->bytes + 20);
    uint64_t features;

    if (cluster_bits < CLUSTER_BITS_MIN || cluster_bits > CLUSTER_BITS_MAX) {
        return invalid(region, error, "invalid number of cluster bits",
                       cluster_bits);
    }
    region->cluster_size = UINT64_C(1) << cluster_bits;
    header->virtual_size_bytes = svirt_be64(region->bytes + 24);
    if (header->virtual_size_bytes > INT64_MAX) {
        return invalid(region, error, "invalid virtual size",
                       header->virtual_size_bytes);
    }
    region->crypt_method = svirt_be32(region->bytes + 32);
    if (region->crypt_method >= SVIRT_IMAGE_ENCRYPTION_MAX) {
        return invalid(region, error, "unknown encryption method",
                       region->crypt_method);
    }
    /* 0, 1 and 2 on disk are the values of the enum. */
    header->encryption = (SvirtImageEncryption)region->crypt_method;
    region->header_size = V2_HEADER_SIZE;
    if (header->version == 3 && !version_3_parse(region, error)) {
        return false;
    }
    features = header->incompatible_features;
    header->dirty = (features & INCOMPATIBLE_DIRTY) != 0;
    header->corrupt = (features & INCOMPATIBLE_CORRUPT) != 0;
    header->data_file = (features & INCOMPATIBLE_DATA_FILE) != 0;
    header->data_file_raw =
        (header->autoclear_features & AUTOCLEAR_DATA_FILE_RAW) != 0;
    if (header->data_file_raw && !header->data_file) {
        return svirt_raise(error, SVIRT_ERROR_INVALID, NULL, NULL,
                           "qcow2 image '%s' has a raw data file and no "
                           "data file",
                           region->shown_path);
    }
    if ((features & INCOMPATIBLE_EXTENDED_L2) != 0 &&
        cluster_bits < EXTENDED_L2_CLUSTER_BITS_MIN) {
        return invalid(region, error,
                       "extended L2 entries with number of cluster bits",
                       cluster_bits);
    }
    return true;
}

static bool
backing_name_parse(Qcow2Region *region, GError **error)
{
    uint64_t offset = svirt_be64(region->bytes + 8);
    uint32_t size = svirt_be32(region->bytes + 16);

    if (offset == 0 && size == 0) {
        return true;
    }
    /* One without the other is no header that QEMU ever writes. */
    if (offset == 0 || offset < region->header_size ||
        offset > region->cluster_size) {
        return invalid(region, error, "invalid offset of the backing name",
                       offset);
    }
    if (size > region->cluster_size - offset || offset > region->size ||
        size > region->size - offset) {
        return invalid(region, error,
                       "backing name reaches outside the header: length", size);
    }
    region->names_offset = offset;
    return svirt_image_name_take(region->bytes + offset, size, "backing file",
                                 region->shown_path,
                                 &region->header->backing_name, error);
}

static bool
once(const Qcow2Region *region, bool *seen, const char *what, GError **error)
{
    if (*seen) {
        return svirt_raise(error, SVIRT_ERROR_INVALID, NULL, NULL,
                           "qcow2 image '%s' has a second %s extension",
                           region->shown_path, what);
    }
    *seen = true;
    return true;
}

static bool
backing_format_take(Qcow2Region *region, const uint8_t *bytes, size_t size,
                    GError **error)
{
    SvirtImageHeader *header = region->header;
    g_autofree char *word = NULL;
    g_autofree char *shown = NULL;

    if (!once(region, &region->backing_format_seen, "backing format", error) ||
        !svirt_image_name_take(bytes, size, "backing format",
                               region->shown_path, &word, error)) {
        return false;
    }
    if (!svirt_image_format_from_string(word, &header->backing_format)) {
        shown = svirt_image_quote(word);
        return svirt_raise(error, SVIRT_ERROR_UNSUPPORTED, NULL,
                           "rewrite it with 'qemu-img rebase -u -b NAME "
                           "-F FORMAT'",
                           "backing format %s in '%s' is not known", shown,
                           region->shown_path);
    }
    header->backing_format_known = true;
    return true;
}

static bool
encryption_take(Qcow2Region *region, const uint8_t *bytes, size_t size,
                GError **error)
{
    if (!once(region, &region->encryption_seen, "encryption", error)) {
        return false;
    }
    if (region->crypt_method != SVIRT_IMAGE_ENCRYPTION_LUKS || size != 16 ||
        svirt_be64(bytes) % region->cluster_size != 0) {
        return invalid(region, error,
                       "encryption extension does not fit: length", size);
    }
    return true;
}

static bool
extension_take(Qcow2Region *region, uint32_t magic, const uint8_t *bytes,
               size_t size, GError **error)
{
    bool seen = region->header->data_file_name != NULL;

    switch (magic) {
    case EXTENSION_BACKING_FORMAT:
        return backing_format_take(region, bytes, size, error);
    case EXTENSION_DATA_FILE:
        return once(region, &seen, "data file", error) &&
               svirt_image_name_take(bytes, size, "data file",
                                     region->shown_path,
                                     &region->header->data_file_name, error);
    case EXTENSION_ENCRYPTION:
        return encryption_take(region, bytes, size, error);
    case EXTENSION_BITMAPS:
        if (size != 24) {
            return invalid(region, error, "bitmaps extension of length", size);
        }
        return once(region, &region->bitmaps_seen, "bitmaps", error);
    default:
        /* Compatible by definition: QEMU passes over them too. */
        return true;
    }
}

static bool
extensions_parse(Qcow2Region *region, GError **error)
{
    uint64_t end =
        region->names_offset != 0 ? region->names_offset : region->cluster_size;
    uint64_t offset = region->header_size;

    for (unsigned count = 0; offset < end; count++) {
        uint32_t magic, size;

        if (end - offset < 8 || region->size < offset + 8) {
            return invalid(region, error,
                           "header extensions have no end at offset", offset);
        }
        magic = svirt_be32(region->bytes + offset);
        size = svirt_be32(region->bytes + offset + 4);
        offset += 8;
        if (magic == EXTENSION_END) {
            return true;
        }
        if (count >= EXTENSIONS_MAX) {
            return invalid(region, error, "number of header extensions over",
                           EXTENSIONS_MAX);
        }
        if (size > end - offset || size > region->size - offset) {
            return invalid(region, error,
                           "header extension reaches outside the header: "
                           "length",
                           size);
        }
        if (!extension_take(region, magic, region->bytes + offset, size,
                            error)) {
            return false;
        }
        offset += ((uint64_t)size + 7) & ~UINT64_C(7);
    }
    return true;
}

static bool
whole_check(const Qcow2Region *region, GError **error)
{
    SvirtImageHeader *header = region->header;
    const char *wrong = NULL;

    if (header->backing_name == NULL) {
        /* A format left over from a backing file that is gone. */
        header->backing_format_known = false;
    }
    if (header->data_file_name != NULL && !header->data_file) {
        wrong = "names a data file without its feature bit";
    } else if (header->encryption == SVIRT_IMAGE_ENCRYPTION_LUKS &&
               !region->encryption_seen) {
        wrong = "is LUKS encrypted without an encryption extension";
    }
    if (wrong != NULL) {
        return svirt_raise(error, SVIRT_ERROR_INVALID, NULL, NULL,
                           "qcow2 image '%s' %s", region->shown_path, wrong);
    }
    return true;
}

bool
svirt_image_qcow2_read(const SvirtImageWindow *window, SvirtImageHeader *header,
                       GError **error)
{
    g_autofree uint8_t *bytes = g_malloc(REGION_SIZE);
    Qcow2Region region = {
        .shown_path = window->shown_path,
        .header = header,
        .bytes = bytes,
    };

    if (!svirt_image_window_read_some(window, 0, bytes, REGION_SIZE,
                                      &region.size, error)) {
        return false;
    }
    header->version = region.size >= 8 ? svirt_be32(bytes + 4) : 0;
    return version_check(&region, error) &&
           fixed_fields_parse(&region, error) &&
           backing_name_parse(&region, error) &&
           extensions_parse(&region, error) && whole_check(&region, error);
}
