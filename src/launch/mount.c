/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launch/mount.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"

/* <linux/mount.h> and <sys/mount.h> cannot both be included with old libcs. */
#ifndef OPEN_TREE_CLONE
#define OPEN_TREE_CLONE 1
#endif
#ifndef OPEN_TREE_CLOEXEC
#define OPEN_TREE_CLOEXEC O_CLOEXEC
#endif
#ifndef MOVE_MOUNT_F_EMPTY_PATH
#define MOVE_MOUNT_F_EMPTY_PATH 0x04
#endif
#define MOVE_EMPTY_TO_EMPTY (MOVE_MOUNT_F_EMPTY_PATH | 0x40)
#ifndef MOUNT_ATTR_RDONLY
#define MOUNT_ATTR_RDONLY 0x1
#define MOUNT_ATTR_NOSUID 0x2
#define MOUNT_ATTR_NODEV 0x4
#define MOUNT_ATTR_NOEXEC 0x8
#endif
#ifndef MOUNT_ATTR_IDMAP
#define MOUNT_ATTR_IDMAP 0x00100000
#endif

/* struct mount_attr of mount_setattr(2), MOUNT_ATTR_SIZE_VER0. */
typedef struct MountAttr {
    uint64_t set;
    uint64_t clear;
    uint64_t propagation;
    uint64_t userns_fd;
} MountAttr;

static uint64_t
attributes(unsigned flags)
{
    return MOUNT_ATTR_NOSUID |
        ((flags & SVIRT_MOUNT_READ_ONLY) != 0 ? MOUNT_ATTR_RDONLY : 0) |
        ((flags & SVIRT_MOUNT_NO_DEVICES) != 0 ? MOUNT_ATTR_NODEV : 0) |
        ((flags & SVIRT_MOUNT_NO_EXEC) != 0 ? MOUNT_ATTR_NOEXEC : 0);
}

static unsigned long
old_flags(unsigned flags)
{
    return MS_BIND | MS_REMOUNT | MS_NOSUID |
        ((flags & SVIRT_MOUNT_READ_ONLY) != 0 ? MS_RDONLY : 0) |
        ((flags & SVIRT_MOUNT_NO_DEVICES) != 0 ? MS_NODEV : 0) |
        ((flags & SVIRT_MOUNT_NO_EXEC) != 0 ? MS_NOEXEC : 0);
}

static bool
kind_ok(const struct stat *st, const SvirtMountBind *bind)
{
    const bool device = (bind->flags & SVIRT_MOUNT_NO_DEVICES) == 0;

    if (bind->tree && !S_ISDIR(st->st_mode)) {
        errno = ENOTDIR;
        return false;
    }
    if (!bind->tree && S_ISDIR(st->st_mode)) {
        errno = EISDIR;
        return false;
    }
    if (!bind->tree && !(device ? S_ISCHR(st->st_mode)
                                : S_ISREG(st->st_mode))) {
        errno = EINVAL;
        return false;
    }
    return true;
}

/* Kernels before 5.12: the flags follow once the mount is in its place. */
static bool
set_old_flags(int tree, unsigned flags)
{
    char path[64];

    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", tree);
    return mount(NULL, path, NULL, old_flags(flags), NULL) == 0;
}

bool
svirt_mount_bind(const SvirtMountBind *bind)
{
    const MountAttr attr = { .set = attributes(bind->flags) };
    struct stat st;
    bool old = false;
    SVIRT_AUTO_FD tree = (int)syscall(SYS_open_tree, AT_FDCWD, bind->source,
                                      OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

    if (tree < 0 || fstat(tree, &st) < 0 || !kind_ok(&st, bind)) {
        return false;
    }
    if (syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH, &attr,
                sizeof(attr)) < 0) {
        old = errno == ENOSYS;
        if (!old) {
            return false;
        }
    }
    return svirt_mount_move(tree, bind->target) &&
           (!old || set_old_flags(tree, bind->flags));
}

bool
svirt_mount_move(int mount, int target)
{
    return syscall(SYS_move_mount, mount, "", target, "",
                   MOVE_EMPTY_TO_EMPTY) == 0;
}

int
svirt_mount_detach(int fd, unsigned flags, int userns)
{
    const MountAttr attr = {
        .set = attributes(flags) | (userns >= 0 ? MOUNT_ATTR_IDMAP : 0),
        .userns_fd = userns >= 0 ? (uint64_t)userns : 0,
    };
    SVIRT_AUTO_FD tree = (int)syscall(SYS_open_tree, fd, "",
                                      OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC |
                                      AT_EMPTY_PATH);

    if (tree < 0 || syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH, &attr,
                            sizeof(attr)) < 0) {
        return -1;
    }
    return svirt_fd_steal(&tree);
}

bool
svirt_mount_set_flags(const char *path, unsigned flags)
{
    const MountAttr attr = { .set = attributes(flags) };

    if (syscall(SYS_mount_setattr, AT_FDCWD, path, 0, &attr,
                sizeof(attr)) == 0) {
        return true;
    }
    return errno == ENOSYS &&
           mount(NULL, path, NULL, old_flags(flags), NULL) == 0;
}
