/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

#define SVIRT_MOUNT_PATH_MAX 4096

/* Set-user-id programs are refused on every mount made here. */
#define SVIRT_MOUNT_READ_ONLY 1u
#define SVIRT_MOUNT_NO_DEVICES 2u
#define SVIRT_MOUNT_NO_EXEC 4u

typedef struct SvirtMountBind {
    const char *source; /* borrowed, absolute path */
    bool tree;          /* must be a directory; else must not be one */
    int target;         /* borrowed: O_PATH descriptor of the mount point */
    unsigned flags;     /* SVIRT_MOUNT_* */
} SvirtMountBind;

/*
 * Binds `source`, without what is mounted below it, and sets the flags before
 * it becomes visible. Without mount_setattr(2) (before Linux 5.12: ENOSYS)
 * the flags follow by mount(2). False with errno: ENOTDIR or EISDIR for the
 * wrong kind, EINVAL for anything but a regular file, or, with NO_DEVICES
 * unset, anything but a character device.
 */
bool svirt_mount_bind(const SvirtMountBind *bind);

/* A mount made by svirt_mount_detach appears at `target`, as above. */
bool svirt_mount_move(int mount, int target);

/*
 * A detached mount of the one object that `fd` (O_PATH) leads to, with
 * `flags`, for a process with a root of its own; what is mounted below a
 * directory is left out. `userns` (-1: none): the file system shows its owners
 * as that user namespace maps them, MOUNT_ATTR_IDMAP of mount_setattr(2). The
 * descriptor (CLOEXEC) is the caller's; -1 with errno: EINVAL, EPERM,
 * EOPNOTSUPP or ENOSYS where kernel or file system has no such mounts.
 */
int svirt_mount_detach(int fd, unsigned flags, int userns);

/* Flags of the mount at `path`, a mount point. */
bool svirt_mount_set_flags(const char *path, unsigned flags);
