/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "base/object.h"
#include "launch/spec.h"

/*
 * The descriptors of a VM in the making: who gets each one under which number.
 * Owns them until the keeper has its copies. Numbers in the VMM are given out
 * here, from SVIRT_VMM_FIRST_FD on; 0 to 2 are null and the log.
 */
#define SVIRT_VMM_FIRST_FD 10

typedef struct SvirtLaunchSocket {
    SvirtSpecSocket socket;
    char *dir_path; /* owned */
    char *name;     /* owned */
} SvirtLaunchSocket;

typedef struct SvirtLaunchFds {
    GArray *entries; /* SvirtSpecFd; `source` is the number in the keeper */
    GArray *fds;     /* int, owned: the descriptor of each entry */
    GArray *locks;   /* SvirtSpecLock */
    GPtrArray *sockets; /* SvirtLaunchSocket */
    SvirtSpecAuthor author; /* of those */
    int next_vmm;
} SvirtLaunchFds;

SvirtLaunchFds *svirt_launch_fds_new(void);
/* Closes what it owns. */
void svirt_launch_fds_free(SvirtLaunchFds *fds);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SvirtLaunchFds, svirt_launch_fds_free)

/*
 * A socket file that was just made in `dir` for serial port `serial`: removed
 * with the VM, with the rights of `author` (NULL: root). One that is not there
 * any more needs nobody. SYSTEM, UNSUPPORTED as below.
 */
bool svirt_launch_fds_take_socket(SvirtLaunchFds *fds, const SvirtObject *dir,
                                  const char *name, uint32_t serial,
                                  const SvirtCredentials *author,
                                  GError **error);
/* Of a start that failed before a keeper could look after them. */
void svirt_launch_fds_remove_sockets(const SvirtLaunchFds *fds);
/* Adds descriptors, locks and socket files. False with errno: E2BIG. */
bool svirt_launch_fds_fill(const SvirtLaunchFds *fds, SvirtLaunchSpec **spec);

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
