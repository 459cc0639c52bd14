/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "launch/spec.h"
#include "selftest/selftest.h"

/* All that `svirt selftest` does before it prints. Pointers are borrowed. */
typedef struct SvirtSelftestRequest {
    const char *probe; /* absolute path of svirt-probe */
    SvirtSelftestPlaces places;
    SvirtSpecIds attacker; /* users nobody else has */
    SvirtSpecIds other;
    SvirtSpecIds helper; /* passt's; 0: of the attacker's block of uids */
    const char *cgroup_parent;  /* as svirt_cgroup_create's; NULL: none */
    int32_t landlock_abi_limit; /* -1: what the kernel has */
    uint32_t waived_layers;     /* SVIRT_LAYER_*: not a whole compartment */
    SvirtSelftestTell tell;     /* NULL: nobody waits */
    bool user;  /* an ordinary user's: what the control, who is the same user,
                   may not do either is absent */
    bool exec;  /* a compartment of `svirt exec` in place of a VM's */
    bool alone; /* find out which layer stops which attempt on its own */
} SvirtSelftestRequest;

/*
 * Makes the targets, two compartments with the probe in each, the control, the
 * attempts inside and, when asked for, the attempts with one layer at a time;
 * removes all of it. What this host lacks for a layer becomes the reason of
 * the rows that stay open for it. `ret` is owned by the caller. Errors: those
 * of the parts.
 */
bool svirt_selftest_perform(const SvirtSelftestRequest *request,
                            SvirtSelftest **ret, GError **error);
