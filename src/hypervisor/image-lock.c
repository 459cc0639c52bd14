/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hypervisor/image-lock.h"

#include <errno.h>
#include <fcntl.h>

#include "base/error.h"

/* QEMU's BLK_PERM_* by bit; GRAPH_MOD, bit 4, is never taken here. */
enum {
    PERM_CONSISTENT_READ = 1 << 0,
    PERM_WRITE = 1 << 1,
    PERM_WRITE_UNCHANGED = 1 << 2,
    PERM_RESIZE = 1 << 3,
    PERM_COUNT = 4,
};

#define USED_BASE 100
#define UNSHARED_BASE 200

typedef struct Permissions {
    unsigned used;
    unsigned shared;
} Permissions;

static Permissions
permissions_of(SvirtImageLock lock)
{
    switch (lock) {
    case SVIRT_IMAGE_LOCK_READ:
        return (Permissions){ PERM_CONSISTENT_READ,
                              PERM_CONSISTENT_READ | PERM_WRITE_UNCHANGED };
    case SVIRT_IMAGE_LOCK_SHARED:
        return (Permissions){ PERM_CONSISTENT_READ | PERM_WRITE |
                                  PERM_WRITE_UNCHANGED,
                              PERM_CONSISTENT_READ | PERM_WRITE |
                                  PERM_WRITE_UNCHANGED | PERM_RESIZE };
    case SVIRT_IMAGE_LOCK_EXCLUSIVE:
        break;
    }
    return (Permissions){ PERM_CONSISTENT_READ | PERM_WRITE |
                              PERM_WRITE_UNCHANGED | PERM_RESIZE,
                          PERM_CONSISTENT_READ | PERM_WRITE_UNCHANGED };
}

static bool
lock_byte(int fd, off_t byte)
{
    struct flock lock = {
        .l_type = F_RDLCK,
        .l_whence = SEEK_SET,
        .l_start = byte,
        .l_len = 1,
    };

    return fcntl(fd, F_OFD_SETLK, &lock) == 0;
}

/* Somebody else's lock of any kind there conflicts with what we mean. */
static bool
byte_is_free(int fd, off_t byte, bool *ret_free)
{
    struct flock lock = {
        .l_type = F_WRLCK,
        .l_whence = SEEK_SET,
        .l_start = byte,
        .l_len = 1,
    };

    if (fcntl(fd, F_OFD_GETLK, &lock) < 0) {
        return false;
    }
    *ret_free = lock.l_type == F_UNLCK;
    return true;
}

static bool
lock_failed(const char *shown_path, GError **error)
{
    if (errno == ENOLCK || errno == EINVAL || errno == EOPNOTSUPP) {
        return svirt_raise_errno(error, errno,
                                 "move the image to a file system with locks",
                                 "cannot lock image '%s'", shown_path);
    }
    return svirt_raise_errno(error, errno, NULL, "cannot lock image '%s'",
                             shown_path);
}

bool
svirt_image_lock_take(int fd, SvirtImageLock lock, const char *shown_path,
                      GError **error)
{
    Permissions permissions = permissions_of(lock);

    /* As QEMU: first announce, then look. Two that start at the same moment
       may both lose, but never both win. */
    for (unsigned i = 0; i < PERM_COUNT; i++) {
        if (((permissions.used >> i) & 1) != 0 &&
            !lock_byte(fd, USED_BASE + i)) {
            return lock_failed(shown_path, error);
        }
        if (((permissions.shared >> i) & 1) == 0 &&
            !lock_byte(fd, UNSHARED_BASE + i)) {
            return lock_failed(shown_path, error);
        }
    }
    for (unsigned i = 0; i < PERM_COUNT; i++) {
        bool unshared_free = true;
        bool used_free = true;

        if ((((permissions.used >> i) & 1) != 0 &&
             !byte_is_free(fd, UNSHARED_BASE + i, &unshared_free)) ||
            (((permissions.shared >> i) & 1) == 0 &&
             !byte_is_free(fd, USED_BASE + i, &used_free))) {
            return lock_failed(shown_path, error);
        }
        if (!unshared_free || !used_free) {
            return svirt_raise(error, SVIRT_ERROR_BUSY, NULL, NULL,
                               "image '%s' is in use", shown_path);
        }
    }
    return true;
}
