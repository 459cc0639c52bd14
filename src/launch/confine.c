/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launch/confine.h"

#include <sched.h>
#include <unistd.h>

#include "launch/credential.h"
#include "launch/filter.h"
#include "launch/landlock.h"
#include "launch/root.h"
#include "launch/session.h"

/* No Landlock limit: the selftest's pretence is for VMMs. */
#define NO_LIMIT (-1)

/* A root with nothing in it, and no network, IPC or host name of the host. */
static bool
leave_the_host(SvirtLaunchFailure *failure)
{
    static const SvirtRootPlan empty;

    if (unshare(CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC |
                CLONE_NEWUTS) < 0) {
        return svirt_launch_fail(failure, SVIRT_STEP_CLONE,
                                 "namespaces of the monitor");
    }
    return svirt_root_make_private(failure) &&
           svirt_root_build(&empty, failure) &&
           svirt_root_enter(failure) &&
           svirt_session_name_host("monitor", failure);
}

bool
svirt_confine_self_monitor(const SvirtSpecIds *ids, SvirtConfined *ret,
                           SvirtLaunchFailure *ret_failure)
{
    SvirtConfined confined = { 0 };

    /* The order is child.c's, for the reasons given there. */
    if (geteuid() != 0) {
        confined.missing_layers = SVIRT_LAYER_ROOT | SVIRT_LAYER_NAMESPACES;
    } else if (!leave_the_host(ret_failure)) {
        return false;
    }
    if (!svirt_credential_bound(ret_failure) ||
        !svirt_credential_take(ids, false, ret_failure) ||
        !svirt_credential_no_new_privs(ret_failure) ||
        !svirt_landlock_restrict(NULL, 0, true, NO_LIMIT,
                                 &confined.landlock_abi, ret_failure) ||
        !svirt_filter_install(SVIRT_FILTER_MONITOR, NULL, ret_failure)) {
        return false;
    }
    if (confined.landlock_abi == 0) {
        confined.missing_layers |= SVIRT_LAYER_LANDLOCK;
    }
    *ret = confined;
    return true;
}
