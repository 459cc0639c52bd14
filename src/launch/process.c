/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launch/child.h"

#include <errno.h>
#include <linux/sched.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "launch/child-private.h"
#include "launch/filter.h"
#include "launch/process-private.h"

/* A launch takes 2 ms; what takes longer is a mount that hangs. */
#define LAUNCH_TIMEOUT_MS 30000

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

int64_t
svirt_process_now_ns(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* None of them is a user namespace. */
uint64_t
svirt_process_namespaces(uint32_t waived_layers, uint32_t exec,
                         SvirtProcess which)
{
    const uint64_t own[SVIRT_PROCESS_KINDS] = {
        [SVIRT_PROCESS_VMM] = CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS |
                              CLONE_NEWNET,
        [SVIRT_PROCESS_MONITOR] = CLONE_NEWPID | CLONE_NEWIPC |
                                  CLONE_NEWUTS | CLONE_NEWNET,
        /* It is the host's network that passt shares out. */
        [SVIRT_PROCESS_PASST] = CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS,
    };
    uint64_t flags = 0;

    /* Waivers are the VM's, not its monitor's. */
    if (which == SVIRT_PROCESS_MONITOR && (exec & SVIRT_EXEC_ALIKE) == 0) {
        waived_layers = 0;
    }
    if ((waived_layers & SVIRT_LAYER_NAMESPACES) == 0) {
        flags |= own[svirt_process_kind(which)];
    }
    /* It is the host's ports that it may connect to. */
    if (which == SVIRT_PROCESS_VMM && (exec & SVIRT_EXEC_CONNECT) != 0) {
        flags &= ~(uint64_t)CLONE_NEWNET;
    }
    if ((waived_layers & SVIRT_LAYER_ROOT) == 0) {
        flags |= CLONE_NEWNS;
    }
    return flags;
}

pid_t
svirt_process_clone(uint64_t namespaces, int cgroup_fd, int *ret_pidfd,
                    bool *ret_enter)
{
    struct clone_args args = {
        .flags = namespaces | CLONE_PIDFD,
        .pidfd = (uint64_t)(uintptr_t)ret_pidfd,
        .exit_signal = SIGCHLD,
    };
    pid_t pid;

    *ret_enter = false;
    if (cgroup_fd >= 0) {
        args.flags |= CLONE_INTO_CGROUP;
        args.cgroup = (uint64_t)cgroup_fd;
        pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
        if (pid >= 0) {
            return pid;
        }
        args.flags &= ~(uint64_t)CLONE_INTO_CGROUP;
        args.cgroup = 0;
        *ret_enter = true;
    }
    return (pid_t)syscall(SYS_clone3, &args, CLONE_ARGS_SIZE_VER0);
}

void
svirt_process_kill(int pidfd, siginfo_t *ret_info)
{
    (void)syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
    memset(ret_info, 0, sizeof(*ret_info));
    while (waitid(P_PIDFD, (id_t)pidfd, ret_info, WEXITED) < 0 &&
           errno == EINTR) {
    }
}

/* The last word of a child that failed; it is dead when this returns. */
static bool
collect_failure(int got, const SvirtChildReport *report, int pidfd,
                SvirtLaunchFailure *ret_failure)
{
    SvirtLaunchFailure failure = { 0 };
    int saved = errno;
    siginfo_t info;

    svirt_process_kill(pidfd, &info);
    errno = saved;
    if (got > 0) {
        failure = report->failure;
    } else if (got < 0) {
        svirt_launch_fail(&failure, SVIRT_STEP_EXEC,
                          "no word from the new process");
    } else {
        errno = 0;
        svirt_launch_fail(&failure, SVIRT_STEP_EXEC,
                          "the new process ended before exec (%s %d)",
                          info.si_code == CLD_EXITED ? "status" : "signal",
                          info.si_status);
    }
    if (ret_failure != NULL) {
        *ret_failure = failure;
    }
    errno = failure.errnum;
    return false;
}

/*
 * Waits for the armed report, lets the exec pass, waits for the end of file
 * that it makes.
 */
static bool
await_exec(int status_fd, SvirtLaunched *ret, SvirtLaunchFailure *ret_failure)
{
    SvirtChildReport report, second;
    SVIRT_AUTO_FD listener = -1;
    SVIRT_AUTO_FD none = -1;
    int64_t armed_ns;
    bool asked;
    int got = svirt_child_report_receive(status_fd, LAUNCH_TIMEOUT_MS,
                                         &report, &listener);

    if (got <= 0 || !report.armed) {
        return collect_failure(got, &report, ret->pidfd, ret_failure);
    }
    armed_ns = svirt_process_now_ns();
    /* A child that does not ask has failed before, and says why. */
    asked = listener < 0 ||
        svirt_filter_let_exec_pass(&listener, LAUNCH_TIMEOUT_MS);
    got = svirt_child_report_receive(status_fd, LAUNCH_TIMEOUT_MS, &second,
                                     &none);
    if (!asked || got != 0) {
        return collect_failure(got, &second, ret->pidfd, ret_failure);
    }
    ret->missing_layers = report.missing_layers;
    ret->landlock_abi = report.landlock_abi;
    memcpy(ret->words, report.words, sizeof(ret->words));
    ret->words[sizeof(ret->words) - 1] = '\0';
    memcpy(ret->step_ns, report.step_ns, sizeof(ret->step_ns));
    ret->step_ns[SVIRT_STEP_EXEC] =
        (uint32_t)(svirt_process_now_ns() - armed_ns);
    return true;
}

/* What no step took is the clone's, and the waiting for each other. */
static void
share_time(SvirtLaunched *launched, int64_t total_ns)
{
    uint32_t rest = (uint32_t)total_ns;

    launched->total_ns = (uint32_t)total_ns;
    for (int i = SVIRT_STEP_SESSION; i < SVIRT_STEP_MAX; i++) {
        rest -= rest > launched->step_ns[i] ? launched->step_ns[i] : rest;
    }
    launched->step_ns[SVIRT_STEP_CLONE] = rest;
}

bool
svirt_process_check(const SvirtLaunchSpec *spec, SvirtProcess which,
                    int cgroup_fd, SvirtLaunchFailure *ret_failure)
{
    if (which >= SVIRT_PROCESS_MAX || spec->argv[which].count == 0) {
        errno = EINVAL;
        return svirt_launch_fail(ret_failure, SVIRT_STEP_SPEC,
                                 "no such process is wanted");
    }
    if (cgroup_fd < 0 && which != SVIRT_PROCESS_MONITOR &&
        (spec->waived_layers & SVIRT_LAYER_CGROUP) == 0) {
        errno = ENOENT;
        return svirt_launch_fail(ret_failure, SVIRT_STEP_CLONE,
                                 "no cgroup for the %s",
                                 svirt_process_to_string(which));
    }
    return true;
}

bool
svirt_process_await(SvirtLaunched *launched, int status_fd, int cgroup_fd,
                    int64_t before_ns, SvirtLaunched *ret,
                    SvirtLaunchFailure *ret_failure)
{
    bool ok = await_exec(status_fd, launched, ret_failure);

    svirt_fd_close(&status_fd);
    if (!ok) {
        svirt_fd_close(&launched->pidfd);
        return false;
    }
    share_time(launched, svirt_process_now_ns() - before_ns);
    if (cgroup_fd < 0) {
        launched->missing_layers |= SVIRT_LAYER_CGROUP;
    }
    *ret = *launched;
    return true;
}

bool
svirt_launch_process(const SvirtLaunchSpec *spec, SvirtProcess which,
                     int cgroup_fd, SvirtLaunched *ret,
                     SvirtLaunchFailure *ret_failure)
{
    SvirtLaunched launched = SVIRT_LAUNCHED_INIT;
    int64_t before_ns = svirt_process_now_ns();
    int status[2];
    bool enter;

    if (!svirt_process_check(spec, which, cgroup_fd, ret_failure)) {
        return false;
    }
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, status) < 0) {
        return svirt_launch_fail(ret_failure, SVIRT_STEP_CLONE,
                                 "status socket");
    }
    launched.pid = svirt_process_clone(
        svirt_process_namespaces(spec->waived_layers, spec->exec, which),
        cgroup_fd,
        &launched.pidfd, &enter);
    if (launched.pid == 0) {
        svirt_child_run(spec, which, enter ? cgroup_fd : -1, status[1]);
    }
    svirt_fd_close(&status[1]);
    if (launched.pid < 0) {
        svirt_launch_fail(ret_failure, SVIRT_STEP_CLONE,
                          "clone into namespaces");
        svirt_fd_close(&status[0]);
        return false;
    }
    return svirt_process_await(&launched, status[0], cgroup_fd, before_ns,
                               ret, ret_failure);
}
