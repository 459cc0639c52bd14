/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hypervisor/image-lock.h"

#include <errno.h>

#include "base/error.h"

/* QEMU's BLK_PERM_* by bit. */
enum {
    PERM_CONSISTENT_READ = 1 << 0,
    PERM_WRITE = 1 << 1,
    PERM_WRITE_UNCHANGED = 1 << 2,
    PERM_RESIZE = 1 << 3,
};

SvirtLockBytes
svirt_image_lock_bytes(SvirtImageLock lock)
{
    uint16_t used = PERM_CONSISTENT_READ | PERM_WRITE | PERM_WRITE_UNCHANGED;
    uint16_t shared = PERM_CONSISTENT_READ | PERM_WRITE_UNCHANGED;

    switch (lock) {
    case SVIRT_IMAGE_LOCK_READ:
        used = PERM_CONSISTENT_READ;
        break;
    case SVIRT_IMAGE_LOCK_SHARED:
        shared |= PERM_WRITE | PERM_RESIZE;
        break;
    case SVIRT_IMAGE_LOCK_EXCLUSIVE:
        used |= PERM_RESIZE;
        break;
    }
    return (SvirtLockBytes){ used, (uint16_t)(~shared & SVIRT_LOCK_ALL) };
}

bool
svirt_image_lock_take(int fd, SvirtImageLock lock, const char *shown_path,
                      GError **error)
{
    switch (svirt_lock_bytes_take(fd, svirt_image_lock_bytes(lock))) {
    case SVIRT_LOCK_TAKEN:
        return true;
    case SVIRT_LOCK_BUSY:
        return svirt_raise(error, SVIRT_ERROR_BUSY, NULL, NULL,
                           "image '%s' is in use", shown_path);
    case SVIRT_LOCK_FAILED:
        break;
    }
    if (errno == ENOLCK || errno == EINVAL || errno == EOPNOTSUPP) {
        return svirt_raise_errno(error, errno,
                                 "move the image to a file system with locks",
                                 "cannot lock image '%s'", shown_path);
    }
    return svirt_raise_errno(error, errno, NULL, "cannot lock image '%s'",
                             shown_path);
}
