/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "launch/spec.h"

#include <glib.h>
#include <sys/types.h>

/*
 * A small host of its own for passt to stand in: a network namespace with a
 * loopback, an uplink and the cloud's metadata address, and listeners on all
 * of them that answer. The real host's addresses are left alone.
 */
typedef struct SvirtSelftestNetwork SvirtSelftestNetwork;

/* Errors: SYSTEM; UNSUPPORTED: the host has no passt or no tun device. */
bool svirt_selftest_network_new(SvirtSelftestNetwork **ret, GError **error);
void svirt_selftest_network_free(SvirtSelftestNetwork *network);
/* Of every listener, TCP and UDP. */
int svirt_selftest_network_port(const SvirtSelftestNetwork *network);

/* One passt and the guest's end of its socket. */
typedef struct SvirtSelftestPasst {
    pid_t pid;
    int fd; /* owned, -1 unset */
} SvirtSelftestPasst;

/* passt as its manual starts it: for the control. Errors: LAUNCH. */
bool svirt_selftest_passt_start(SvirtSelftestNetwork *network,
                                SvirtSelftestPasst *ret, GError **error);
/*
 * passt as svirt starts it, as user `ids` in cgroup `cgroup_fd`, whose address
 * filter this sets. Errors: LAUNCH, SYSTEM.
 */
bool svirt_selftest_passt_launch(SvirtSelftestNetwork *network,
                                 SvirtSpecIds ids, int cgroup_fd,
                                 SvirtSelftestPasst *ret, GError **error);
/* Ends it; what is unset already is left. */
void svirt_selftest_passt_stop(SvirtSelftestPasst *passt);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(SvirtSelftestNetwork,
                              svirt_selftest_network_free)
