/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launch/credential.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <signal.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LAST_CAP_POSSIBLE 63
#define LOCKED_BITS                                                          \
    (SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP_LOCKED |  \
     SECBIT_KEEP_CAPS_LOCKED | SECBIT_NO_CAP_AMBIENT_RAISE |                 \
     SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED)

typedef struct CapabilitySets {
    struct __user_cap_data_struct data[2];
} CapabilitySets;

/*
 * System calls, not libc's functions: those tell every thread libc knows of,
 * and in this child those threads of the caller do not exist.
 */
static bool
capabilities_read(CapabilitySets *ret)
{
    struct __user_cap_header_struct header = {
        .version = _LINUX_CAPABILITY_VERSION_3, .pid = 0,
    };

    return syscall(SYS_capget, &header, ret->data) == 0;
}

static bool
capabilities_clear(void)
{
    struct __user_cap_header_struct header = {
        .version = _LINUX_CAPABILITY_VERSION_3, .pid = 0,
    };
    static const CapabilitySets none;

    return syscall(SYS_capset, &header, none.data) == 0;
}

static bool
capabilities_are_empty(const CapabilitySets *sets)
{
    for (size_t i = 0; i < 2; i++) {
        if (sets->data[i].effective != 0 || sets->data[i].permitted != 0 ||
            sets->data[i].inheritable != 0) {
            return false;
        }
    }
    return true;
}

bool
svirt_credential_bound(SvirtLaunchFailure *failure)
{
    CapabilitySets now;

    if (!capabilities_read(&now)) {
        return svirt_launch_fail(failure, SVIRT_STEP_CAPABILITIES, "capget");
    }
    if (capabilities_are_empty(&now)) {
        return true;
    }
    /* One by one until the kernel knows no more (EINVAL at the first). */
    for (unsigned long cap = 0; cap <= LAST_CAP_POSSIBLE; cap++) {
        int has = prctl(PR_CAPBSET_READ, cap, 0, 0, 0);

        if (has < 0) {
            break;
        }
        if (has > 0 && prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0) {
            return svirt_launch_fail(failure, SVIRT_STEP_CAPABILITIES,
                                     "bounding set: capability %lu", cap);
        }
    }
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0) {
        return svirt_launch_fail(failure, SVIRT_STEP_CAPABILITIES,
                                 "ambient set");
    }
    if (prctl(PR_SET_SECUREBITS, LOCKED_BITS, 0, 0, 0) < 0 ||
        prctl(PR_GET_SECUREBITS, 0, 0, 0, 0) != LOCKED_BITS) {
        return svirt_launch_fail(failure, SVIRT_STEP_CAPABILITIES,
                                 "securebits");
    }
    return true;
}

/* CVE-2013-4291: what was asked for is not what is in force until read. */
bool
svirt_credential_is_bare(void)
{
    CapabilitySets caps;

    return capabilities_read(&caps) && capabilities_are_empty(&caps);
}

static bool
read_back(uid_t uid, gid_t gid, bool groups, SvirtLaunchFailure *failure)
{
    uid_t uids[3];
    gid_t gids[3];
    errno = 0;
    if (getresuid(&uids[0], &uids[1], &uids[2]) < 0 || uids[0] != uid ||
        uids[1] != uid || uids[2] != uid ||
        setfsuid((uid_t)-1) != (int)uid) {
        return svirt_launch_fail(failure, SVIRT_STEP_IDENTITY,
                                 "the user is not %u after setresuid", uid);
    }
    if (getresgid(&gids[0], &gids[1], &gids[2]) < 0 || gids[0] != gid ||
        gids[1] != gid || gids[2] != gid ||
        setfsgid((gid_t)-1) != (int)gid) {
        return svirt_launch_fail(failure, SVIRT_STEP_IDENTITY,
                                 "the group is not %u after setresgid", gid);
    }
    if (!groups && getgroups(0, NULL) != 0) {
        return svirt_launch_fail(failure, SVIRT_STEP_IDENTITY,
                                 "supplementary groups are left");
    }
    if (!svirt_credential_is_bare()) {
        return svirt_launch_fail(failure, SVIRT_STEP_IDENTITY,
                                 "capabilities are left");
    }
    return true;
}

bool
svirt_credential_take(const SvirtSpecIds *ids, bool keep_ids,
                      uint32_t exec, SvirtLaunchFailure *failure)
{
    const bool keep_groups = keep_ids && (exec & SVIRT_EXEC_OWN_IDS) != 0;
    uid_t uid = keep_ids ? getuid() : ids->uid;
    gid_t gid = keep_ids ? getgid() : ids->gid;

    /* Groups while the right is still there; uid last, it ends every right. */
    if (!keep_groups && getgroups(0, NULL) != 0 &&
        syscall(SYS_setgroups, 0, NULL) < 0) {
        return svirt_launch_fail(failure, SVIRT_STEP_IDENTITY, "setgroups");
    }
    if (syscall(SYS_setresgid, gid, gid, gid) < 0) {
        return svirt_launch_fail(failure, SVIRT_STEP_IDENTITY, "group %u",
                                 gid);
    }
    if (syscall(SYS_setresuid, uid, uid, uid) < 0) {
        return svirt_launch_fail(failure, SVIRT_STEP_IDENTITY, "user %u",
                                 uid);
    }
    /* Inheritable sets survive a change of uid. */
    if (!capabilities_clear()) {
        return svirt_launch_fail(failure, SVIRT_STEP_IDENTITY, "capset");
    }
    return read_back(uid, gid, keep_groups, failure);
}

bool
svirt_credential_no_new_privs(SvirtLaunchFailure *failure)
{
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
        prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1) {
        return svirt_launch_fail(failure, SVIRT_STEP_NO_NEW_PRIVS,
                                 "no_new_privs");
    }
    return true;
}

bool
svirt_credential_tie(SvirtLaunchFailure *failure)
{
    return prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0 ||
           svirt_launch_fail(failure, SVIRT_STEP_NO_NEW_PRIVS,
                             "tie it to svirt");
}
