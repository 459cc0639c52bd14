/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "image/readers.h"

#include <string.h>

#include "base/error.h"

/* VMware Virtual Disk Format 5.0, as far as QEMU's block/vmdk.c reads it. */
#define SECTOR_SIZE 512U
#define SPARSE_HEADER_SIZE 72
#define SECTORS_MAX (UINT64_C(1) << 54)

/*
 * QEMU reads the embedded descriptor here whatever the header says, and at
 * most this much of it.
 */
#define EMBEDDED_OFFSET 512U
#define EMBEDDED_SIZE (20 * SECTOR_SIZE)

#define TEXT_MAGIC "# Disk DescriptorFile"
/* 256 extent lines with names of 400 bytes; real ones have a few hundred. */
#define TEXT_SIZE_MAX (128 * 1024)

static bool
invalid(const SvirtImageWindow *window, GError **error, const char *what,
        uint64_t value)
{
    return svirt_raise(error, SVIRT_ERROR_INVALID, NULL, NULL,
                       "%s %" G_GUINT64_FORMAT " in vmdk image '%s'", what,
                       value, window->shown_path);
}

/* The header of a sparse file, after its magic was seen. */
static bool
sparse_header_parse(const SvirtImageWindow *window, const uint8_t *bytes,
                    SvirtImageHeader *header, GError **error)
{
    uint64_t capacity = svirt_le64(bytes + 12);

    header->version = svirt_le32(bytes + 4);
    if (header->version < 1 || header->version > 3) {
        return svirt_raise(error, SVIRT_ERROR_UNSUPPORTED, NULL,
                           "convert it with 'qemu-img convert -O qcow2'",
                           "version %u of vmdk image '%s' is not known",
                           header->version, window->shown_path);
    }
    /*
     * With a capacity of 0 QEMU takes the embedded descriptor for a list of
     * extent files and opens them: a way to name files that no honest sparse
     * image uses.
     */
    if (capacity == 0 || capacity > SECTORS_MAX) {
        return invalid(window, error, "invalid capacity", capacity);
    }
    header->virtual_size_bytes = capacity * SECTOR_SIZE;
    return true;
}

static bool
sparse_read(const SvirtImageWindow *window, const uint8_t *bytes,
            SvirtImageHeader *header, GError **error)
{
    g_autofree char *text = g_malloc0(EMBEDDED_SIZE + 1);
    uint64_t desc_offset = svirt_le64(bytes + 28);
    size_t got;

    if (!sparse_header_parse(window, bytes, header, error)) {
        return false;
    }
    if (desc_offset != EMBEDDED_OFFSET / SECTOR_SIZE) {
        return invalid(window, error, "descriptor at unexpected sector",
                       desc_offset);
    }
    if (!svirt_image_window_read_some(window, EMBEDDED_OFFSET, text,
                                      EMBEDDED_SIZE, &got, error)) {
        return false;
    }
    if (memchr(text, '\0', got) == NULL) {
        return invalid(
            window, error,
            "embedded descriptor has no end in its first bytes:", got);
    }
    return svirt_image_vmdk_descriptor_parse(text, strlen(text), true,
                                             window->shown_path, header, error);
}

static bool
text_read(const SvirtImageWindow *window, SvirtImageHeader *header,
          GError **error)
{
    g_autofree char *text = g_malloc0(TEXT_SIZE_MAX + 1);
    size_t got, length;

    if (!svirt_image_window_read_some(window, 0, text, TEXT_SIZE_MAX, &got,
                                      error)) {
        return false;
    }
    if (got < strlen(TEXT_MAGIC) ||
        memcmp(text, TEXT_MAGIC, strlen(TEXT_MAGIC)) != 0) {
        return svirt_raise(error, SVIRT_ERROR_INVALID, NULL,
                           "give the image's real format",
                           "'%s' is not a vmdk image", window->shown_path);
    }
    if (got == TEXT_SIZE_MAX) {
        return invalid(window, error, "descriptor is longer than",
                       TEXT_SIZE_MAX);
    }
    length = strlen(text);
    for (size_t i = length; i < got; i++) {
        if (text[i] != '\0') {
            return invalid(window, error, "NUL inside the descriptor at",
                           length);
        }
    }
    return svirt_image_vmdk_descriptor_parse(text, length, false,
                                             window->shown_path, header, error);
}

bool
svirt_image_vmdk_read(const SvirtImageWindow *window, SvirtImageHeader *header,
                      GError **error)
{
    uint8_t bytes[SPARSE_HEADER_SIZE];
    size_t got;

    if (!svirt_image_window_read_some(window, 0, bytes, sizeof(bytes), &got,
                                      error)) {
        return false;
    }
    if (got == sizeof(bytes) && memcmp(bytes, "KDMV", 4) == 0) {
        return sparse_read(window, bytes, header, error);
    }
    if (got >= 4 && memcmp(bytes, "COWD", 4) == 0) {
        return svirt_raise(error, SVIRT_ERROR_UNSUPPORTED, NULL,
                           "convert it with 'qemu-img convert -O qcow2'",
                           "vmdk image '%s' is a COWD extent without its "
                           "descriptor",
                           window->shown_path);
    }
    return text_read(window, header, error);
}

bool
svirt_image_vmdk_read_extent(const SvirtImageWindow *window,
                             SvirtImageHeader *header, GError **error)
{
    uint8_t bytes[SPARSE_HEADER_SIZE];

    if (!svirt_image_window_read(window, 0, bytes, sizeof(bytes), error)) {
        return false;
    }
    if (memcmp(bytes, "KDMV", 4) == 0) {
        return sparse_header_parse(window, bytes, header, error);
    }
    if (memcmp(bytes, "COWD", 4) == 0) {
        /* Holds its size in sectors and no descriptor that QEMU reads. */
        header->version = svirt_le32(bytes + 4);
        header->virtual_size_bytes =
            (uint64_t)svirt_le32(bytes + 12) * SECTOR_SIZE;
        return true;
    }
    return svirt_raise(error, SVIRT_ERROR_INVALID, NULL, NULL,
                       "'%s' is not a sparse vmdk extent", window->shown_path);
}
