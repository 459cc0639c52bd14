/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launch/confine.h"

#include <errno.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "launch/credential.h"
#include "launch/filter.h"
#include "launch/landlock.h"

/* No Landlock limit: the selftest's pretence is for VMMs. */
#define NO_LIMIT (-1)

bool
svirt_confine_self_monitor(SvirtConfined *ret,
                           SvirtLaunchFailure *ret_failure)
{
    static const SvirtLandlockPorts no_network;
    SvirtConfined confined = { 0 };

    /* Started by hand or by another launch: nothing it says can be trusted. */
    if (!svirt_credential_is_bare() ||
        prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1) {
        errno = EPERM;
        return svirt_launch_fail(ret_failure, SVIRT_STEP_IDENTITY,
                                 "started with rights that it must not have");
    }
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0) {
        return svirt_launch_fail(ret_failure, SVIRT_STEP_IDENTITY,
                                 "dump of memory");
    }
    if (!svirt_landlock_restrict(NULL, 0, &no_network, NO_LIMIT,
                                 &confined.landlock_abi, ret_failure) ||
        !svirt_filter_install(SVIRT_FILTER_MONITOR, 0, NULL, ret_failure)) {
        return false;
    }
    if (confined.landlock_abi == 0) {
        confined.missing_layers |= SVIRT_LAYER_LANDLOCK;
    }
    *ret = confined;
    return true;
}
