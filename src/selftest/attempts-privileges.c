/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Getting more rights than the compartment gave. */
#include "selftest/probe.h"

#include <grp.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define IDENTITY (L(FILTER) | L(CAPABILITY))
#define OWN_USER (L(FILTER) | L(DAC))
#define USERS_OFF                                                            \
    .switch_path = "/proc/sys/user/max_user_namespaces", .switch_value = 0
#define IOPRIO_WHO_PROCESS 1
#define IOPRIO_REALTIME (1 << 13)

static int
become_root(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
            SvirtProbeNote *note)
{
    return svirt_probe_result(setuid(0));
}

static int
become_root_group(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
                  SvirtProbeNote *note)
{
    return svirt_probe_result(setgid(0));
}

static int
join_group(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
           SvirtProbeNote *note)
{
    gid_t disk = 6;

    return svirt_probe_result(setgroups(1, &disk));
}

static int
file_identity(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
              SvirtProbeNote *note)
{
    /* setfsuid never fails: it answers with the value before. */
    (void)syscall(SYS_setfsuid, 0);
    return syscall(SYS_setfsuid, -1) == 0 ? 0 : EPERM;
}

static int
raise_capability(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
                 SvirtProbeNote *note)
{
    struct __user_cap_header_struct header = {
        .version = _LINUX_CAPABILITY_VERSION_3
    };
    struct __user_cap_data_struct data[2];

    if (syscall(SYS_capget, &header, data) < 0) {
        return errno;
    }
    data[0].permitted |= 1u << CAP_SYS_ADMIN;
    data[0].effective |= 1u << CAP_SYS_ADMIN;
    return svirt_probe_result(syscall(SYS_capset, &header, data));
}

static int
secure_bits(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
            SvirtProbeNote *note)
{
    int bits = prctl(PR_GET_SECUREBITS, 0, 0, 0, 0);

    return bits < 0 ? errno
                    : svirt_probe_result(
                          prctl(PR_SET_SECUREBITS, bits, 0, 0, 0));
}

static int
drop_bound(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
           SvirtProbeNote *note)
{
    /* No such capability: said after CAP_SETPCAP. */
    return svirt_probe_past(prctl(PR_CAPBSET_DROP, 63, 0, 0, 0), EINVAL);
}

static int
set_personality(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
                SvirtProbeNote *note)
{
    int before = personality(0xffffffff);

    if (before < 0 || personality((unsigned)before | ADDR_NO_RANDOMIZE) < 0) {
        return errno;
    }
    return svirt_probe_result(personality((unsigned)before));
}

static int
raise_nice(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
           SvirtProbeNote *note)
{
    if (setpriority(PRIO_PROCESS, 0, -5) < 0) {
        return errno;
    }
    return svirt_probe_result(setpriority(PRIO_PROCESS, 0, 0));
}

static int
realtime(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
         SvirtProbeNote *note)
{
    struct sched_param param = { .sched_priority = 1 };

    /* musl's own function says ENOSYS without asking the kernel. */
    if (syscall(SYS_sched_setscheduler, 0, SCHED_FIFO, &param) < 0) {
        return errno;
    }
    param.sched_priority = 0;
    return svirt_probe_result(
        syscall(SYS_sched_setscheduler, 0, SCHED_OTHER, &param));
}

static int
realtime_disk(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
              SvirtProbeNote *note)
{
    if (syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO_REALTIME) < 0) {
        return errno;
    }
    return svirt_probe_result(
        syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, 0));
}

static int
make_process(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
             SvirtProbeNote *note)
{
    long pid = syscall(SYS_clone, SIGCHLD | a->number, 0, 0, 0, 0);

    if (pid < 0) {
        return errno;
    }
    if (pid == 0) {
        _exit(0);
    }
    (void)waitpid((pid_t)pid, NULL, 0);
    return 0;
}

static int
unshare_user(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
             SvirtProbeNote *note)
{
    return svirt_probe_result(unshare(CLONE_NEWUSER));
}

static int
unshare_other(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
              SvirtProbeNote *note)
{
    static const struct {
        int flag;
        const char *name;
    } kinds[] = { { CLONE_NEWNS, "mount" },   { CLONE_NEWNET, "net" },
                  { CLONE_NEWPID, "pid" },    { CLONE_NEWIPC, "ipc" },
                  { CLONE_NEWUTS, "uts" },    { CLONE_NEWCGROUP, "cgroup" },
                  { 0x80 /* CLONE_NEWTIME */, "time" } };
    int error = EINVAL;

    /* One attempt: the first kind that works is the breach. */
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        error = svirt_probe_result(unshare(kinds[i].flag));
        if (!error) {
            (void)snprintf(note->text, sizeof(note->text), "%s namespace",
                           kinds[i].name);
            return 0;
        }
    }
    return error;
}

static int
unshare_files(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
              SvirtProbeNote *note)
{
    return svirt_probe_result(unshare(CLONE_FILES | CLONE_FS));
}

static int
enter_namespace(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
                SvirtProbeNote *note)
{
    int pidfd;
    int error;

    if (t->pid < 0) {
        return SVIRT_PROBE_UNAIMED;
    }
    pidfd = (int)syscall(SYS_pidfd_open, t->pid, 0);
    /* Without a pidfd the call itself is still tried. */
    error = svirt_probe_result(setns(pidfd, CLONE_NEWNET));
    if (pidfd >= 0) {
        (void)close(pidfd);
    }
    return error;
}

SVIRT_PROBE_ROWS(
    privileges,
    { "setuid", "become uid 0", OWN_USER, become_root,
      .flags = SVIRT_PROBE_FLAG_LAST },
    { "setgid", "become gid 0", OWN_USER, become_root_group,
      .flags = SVIRT_PROBE_FLAG_LAST },
    { "setgroups", "join the group of the host's disks", IDENTITY, join_group,
      .flags = SVIRT_PROBE_FLAG_LAST },
    { "setfsuid", "open files as uid 0", OWN_USER, file_identity,
      .flags = SVIRT_PROBE_FLAG_LAST },
    { "capset", "raise CAP_SYS_ADMIN", IDENTITY, raise_capability },
    { "securebits", "change how capabilities are inherited", IDENTITY,
      secure_bits },
    { "capbset", "change the capability bounding set", IDENTITY,
      drop_bound },
    { "personality", "switch address randomization off", L(FILTER),
      set_personality },
    { "nice", "raise its own priority", L(CAPABILITY) | L(FILTER),
      raise_nice },
    { "realtime", "run before every other process",
      L(CAPABILITY) | L(FILTER), realtime },
    { "ioprio-realtime", "use the disk before every other process",
      L(CAPABILITY) | L(FILTER), realtime_disk },
    { "fork", "start another process", L(FILTER), make_process },
    { "clone-user", "start a process in a new user namespace", L(FILTER),
      make_process, .number = CLONE_NEWUSER, USERS_OFF },
    { "unshare-user", "enter a new user namespace", L(FILTER), unshare_user,
      .flags = SVIRT_PROBE_FLAG_LAST, USERS_OFF },
    { "unshare-other", "enter a new namespace of any other kind",
      L(FILTER) | L(CAPABILITY), unshare_other,
      .flags = SVIRT_PROBE_FLAG_LAST },
    { "unshare-files", "leave the descriptor table of its threads",
      L(FILTER), unshare_files, .flags = SVIRT_PROBE_FLAG_LAST },
    { "setns", "enter the other VM's namespaces",
      L(FILTER) | L(CAPABILITY) | L(NAMESPACE), enter_namespace,
      .flags = SVIRT_PROBE_FLAG_LAST })
