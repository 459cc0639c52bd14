/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Small positioned reads of an image that may be a petabyte long, and may
 * change while it is read: a reader takes each region once and decides on its
 * own copy.
 */
typedef struct SvirtImageWindow {
    int fd;                 /* borrowed */
    const char *shown_path; /* borrowed, for messages */
    uint64_t size_bytes;    /* of the file or block device when opened */
} SvirtImageWindow;

/* No reader takes more than this in one piece. */
#define SVIRT_IMAGE_READ_MAX (128 * 1024)

/*
 * `fd` must be open for reading. REFUSED for anything but a regular file and
 * a block device (a FIFO would block, a character device has side effects).
 */
bool svirt_image_window_open(int fd, const char *shown_path,
                             SvirtImageWindow *ret, GError **error);

/*
 * Exactly `size` bytes at `offset`, or INVALID: the image ends before, or
 * the range wraps; SYSTEM when the read fails.
 */
bool svirt_image_window_read(const SvirtImageWindow *window, uint64_t offset,
                             void *buffer, size_t size, GError **error);

/*
 * At most `size` bytes at `offset`: *ret_size is less where the image ends.
 */
bool svirt_image_window_read_some(const SvirtImageWindow *window,
                                  uint64_t offset, void *buffer, size_t size,
                                  size_t *ret_size, GError **error);

/* Unaligned integers of either byte order. */
uint16_t svirt_be16(const uint8_t *bytes);
uint32_t svirt_be32(const uint8_t *bytes);
uint64_t svirt_be64(const uint8_t *bytes);
uint16_t svirt_le16(const uint8_t *bytes);
uint32_t svirt_le32(const uint8_t *bytes);
uint64_t svirt_le64(const uint8_t *bytes);
