/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hypervisor/launch-fds.h"

#include <errno.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/fd.h"
#include "keeper/layout.h"

SvirtLaunchFds *
svirt_launch_fds_new(void)
{
    SvirtLaunchFds *fds = g_new0(SvirtLaunchFds, 1);

    fds->entries = g_array_new(FALSE, TRUE, sizeof(SvirtSpecFd));
    fds->locks = g_array_new(FALSE, TRUE, sizeof(SvirtSpecLock));
    fds->fds = g_array_new(FALSE, TRUE, sizeof(int));
    fds->next_vmm = SVIRT_VMM_FIRST_FD;
    return fds;
}

void
svirt_launch_fds_free(SvirtLaunchFds *fds)
{
    if (fds == NULL) {
        return;
    }
    for (unsigned i = 0; i < fds->fds->len; i++) {
        svirt_fd_close(&g_array_index(fds->fds, int, i));
    }
    g_array_unref(fds->fds);
    g_array_unref(fds->entries);
    g_array_unref(fds->locks);
    g_free(fds);
}

int
svirt_launch_fds_next(SvirtLaunchFds *fds)
{
    return fds->next_vmm++;
}

bool
svirt_launch_fds_take(SvirtLaunchFds *fds, int *fd, const SvirtSpecFd *entry,
                      GError **error)
{
    SvirtSpecFd taken = *entry;

    if (fds->entries->len >= SVIRT_SPEC_MAX_FDS) {
        return svirt_raise(error, SVIRT_ERROR_UNSUPPORTED, NULL,
                           "give the domain fewer disks",
                           "the domain needs more than %d descriptors",
                           SVIRT_SPEC_MAX_FDS);
    }
    taken.source = SVIRT_KEEPER_FIRST_SOURCE + (int)fds->entries->len;
    g_array_append_val(fds->entries, taken);
    g_array_append_val(fds->fds, *fd);
    *fd = -1;
    return true;
}

bool
svirt_launch_fds_take_lock(SvirtLaunchFds *fds, int *fd, SvirtLockBytes bytes,
                           GError **error)
{
    const SvirtSpecFd entry = {
        .to = SVIRT_TO_VMM | SVIRT_TO_KEEPER,
        .vmm = svirt_launch_fds_next(fds),
        .monitor = -1,
        .passt = -1,
        .role = SVIRT_FD_LOCK,
    };
    SvirtSpecLock lock = { .bytes = bytes };
    struct stat st;

    if (fstat(*fd, &st) < 0) {
        return svirt_raise_errno(error, errno, NULL,
                                 "cannot examine a locked image");
    }
    if (!svirt_launch_fds_take(fds, fd, &entry, error)) {
        return false;
    }
    lock.device = st.st_dev;
    lock.inode = st.st_ino;
    lock.source =
        g_array_index(fds->entries, SvirtSpecFd, fds->entries->len - 1).source;
    g_array_append_val(fds->locks, lock);
    return true;
}
