/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "compartment/object-bounded.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/resolve-bounded.h"

/* A disk that sleeps is awake by then. */
#define LOOKUP_MS 4000
/* When one was given up: of a path nobody has in mind, and how many such. */
#define LATER_MS 100
#define STALLS_MAX 16

bool
svirt_mount_is_fuse(const SvirtMount *mount)
{
    return mount == NULL || g_str_has_prefix(mount->type, "fuse");
}

static const SvirtMount *
mount_of_device(const SvirtMounts *mounts, dev_t device)
{
    for (unsigned i = 0; i < mounts->rows->len; i++) {
        const SvirtMount *mount = mounts->rows->pdata[i];

        if (mount->device == device) {
            return mount;
        }
    }
    return NULL;
}

/*
 * Asked of the kernel alone: with no attribute wanted, and what it has of the
 * others taken, FUSE sends its server nothing. statx(2).
 */
static bool
is_of_fuse(const SvirtMounts *mounts, int fd)
{
    struct statx stx;

    if (statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_MNT_ID,
              &stx) < 0) {
        return true;
    }
    return svirt_mount_is_fuse(
        (stx.stx_mask & STATX_MNT_ID) != 0
            ? svirt_mounts_by_id(mounts, stx.stx_mnt_id)
            : mount_of_device(mounts, makedev(stx.stx_dev_major,
                                              stx.stx_dev_minor)));
}

static bool
open_path(SvirtMounts *mounts, const char *path,
          const SvirtCredentials *author, int *ret_fd, GError **error)
{
    SVIRT_AUTO_FD fd = -1;
    g_autoptr(GError) problem = NULL;

    unsigned timeout_ms = mounts->stalls == 0           ? LOOKUP_MS
                          : mounts->stalls < STALLS_MAX ? LATER_MS
                                                        : 0;

    if (!svirt_resolve_bounded(path, author, timeout_ms, &fd, &problem)) {
        mounts->stalls +=
            g_error_matches(problem, SVIRT_ERROR, SVIRT_ERROR_TIMEOUT);
        g_propagate_error(error, g_steal_pointer(&problem));
        return false;
    }
    if (is_of_fuse(mounts, fd)) {
        return svirt_raise(error, SVIRT_ERROR_TIMEOUT, NULL, NULL,
                           "'%s' lies on FUSE, whose server may never answer",
                           path);
    }
    *ret_fd = svirt_fd_steal(&fd);
    return true;
}

bool
svirt_object_open_bounded(SvirtMounts *mounts, const char *path,
                          const SvirtCredentials *author, unsigned want,
                          SvirtObject **ret, GError **error)
{
    SVIRT_AUTO_FD fd = -1;

    return open_path(mounts, path, author, &fd, error) &&
           svirt_object_from_fd(fd, path, want, 0, ret, error);
}

int
svirt_mount_open_bounded(SvirtMounts *mounts, const SvirtMount *mount)
{
    SVIRT_AUTO_FD fd = -1;

    if (!open_path(mounts, mount->mountpoint, NULL, &fd, NULL)) {
        return -1;
    }
    return openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}
