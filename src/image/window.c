/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "image/window.h"

#include <errno.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/fd.h"

bool
svirt_image_window_open(int fd, const char *shown_path, SvirtImageWindow *ret,
                        GError **error)
{
    struct stat st;
    uint64_t size_bytes;

    if (fstat(fd, &st) != 0) {
        return svirt_raise_errno(error, errno, NULL, "cannot examine '%s'",
                                 shown_path);
    }
    if (S_ISREG(st.st_mode)) {
        size_bytes = (uint64_t)st.st_size;
    } else if (S_ISBLK(st.st_mode)) {
        if (ioctl(fd, BLKGETSIZE64, &size_bytes) != 0) {
            return svirt_raise_errno(
                error, errno, NULL, "cannot read the size of '%s'", shown_path);
        }
    } else {
        return svirt_raise(error, SVIRT_ERROR_REFUSED, NULL,
                           "name a disk image or a block device",
                           "'%s' is neither a regular file nor a block device",
                           shown_path);
    }
    *ret = (SvirtImageWindow){
        .fd = fd,
        .shown_path = shown_path,
        .size_bytes = size_bytes,
    };
    return true;
}

bool
svirt_image_window_read_some(const SvirtImageWindow *window, uint64_t offset,
                             void *buffer, size_t size, size_t *ret_size,
                             GError **error)
{
    ssize_t got;

    g_assert(size <= SVIRT_IMAGE_READ_MAX);
    if (offset > INT64_MAX - SVIRT_IMAGE_READ_MAX) {
        *ret_size = 0;
        return true;
    }
    got = svirt_pread_full(window->fd, buffer, size, (off_t)offset);
    if (got < 0) {
        return svirt_raise_errno(error, errno, NULL, "cannot read '%s'",
                                 window->shown_path);
    }
    *ret_size = (size_t)got;
    return true;
}

bool
svirt_image_window_read(const SvirtImageWindow *window, uint64_t offset,
                        void *buffer, size_t size, GError **error)
{
    size_t got = 0;

    if (!svirt_image_window_read_some(window, offset, buffer, size, &got,
                                      error)) {
        return false;
    }
    if (got < size) {
        return svirt_raise(error, SVIRT_ERROR_INVALID, NULL, NULL,
                           "image '%s' is truncated: %zu bytes at offset "
                           "%" G_GUINT64_FORMAT " lie outside it",
                           window->shown_path, size, offset);
    }
    return true;
}

uint16_t
svirt_be16(const uint8_t *bytes)
{
    uint16_t value;

    memcpy(&value, bytes, sizeof(value));
    return GUINT16_FROM_BE(value);
}

uint32_t
svirt_be32(const uint8_t *bytes)
{
    uint32_t value;

    memcpy(&value, bytes, sizeof(value));
    return GUINT32_FROM_BE(value);
}

uint64_t
svirt_be64(const uint8_t *bytes)
{
    uint64_t value;

    memcpy(&value, bytes, sizeof(value));
    return GUINT64_FROM_BE(value);
}

uint16_t
svirt_le16(const uint8_t *bytes)
{
    uint16_t value;

    memcpy(&value, bytes, sizeof(value));
    return GUINT16_FROM_LE(value);
}

uint32_t
svirt_le32(const uint8_t *bytes)
{
    uint32_t value;

    memcpy(&value, bytes, sizeof(value));
    return GUINT32_FROM_LE(value);
}

uint64_t
svirt_le64(const uint8_t *bytes)
{
    uint64_t value;

    memcpy(&value, bytes, sizeof(value));
    return GUINT64_FROM_LE(value);
}
