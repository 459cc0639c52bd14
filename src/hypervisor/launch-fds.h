/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "launch/spec.h"

/*
 * The descriptors of a VM in the making: who gets each one under which number.
 * Owns them until the keeper has its copies. Numbers in the VMM are given out
 * here, from SVIRT_VMM_FIRST_FD on; 0 to 2 are null and the log.
 */
#define SVIRT_VMM_FIRST_FD 10

typedef struct SvirtLaunchFds {
    GArray *entries; /* SvirtSpecFd; `source` is the number in the keeper */
    GArray *fds;     /* int, owned: the descriptor of each entry */
    GArray *locks;   /* SvirtSpecLock */
    int next_vmm;
} SvirtLaunchFds;

SvirtLaunchFds *svirt_launch_fds_new(void);
/* Closes what it owns. */
void svirt_launch_fds_free(SvirtLaunchFds *fds);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SvirtLaunchFds, svirt_launch_fds_free)

/* The number the VMM's next descriptor gets. */
int svirt_launch_fds_next(SvirtLaunchFds *fds);

/*
 * Takes *fd over (it becomes -1). `entry` says to whom it goes, as what; its
 * `source` is filled in. UNSUPPORTED: more than a spec holds.
 */
bool svirt_launch_fds_take(SvirtLaunchFds *fds, int *fd,
                           const SvirtSpecFd *entry, GError **error);
/*
 * The same for a description that holds `bytes` of an image's locks, for VMM
 * and keeper, recorded so that a later keeper knows it again.
 */
bool svirt_launch_fds_take_lock(SvirtLaunchFds *fds, int *fd,
                                SvirtLockBytes bytes, GError **error);
