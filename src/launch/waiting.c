/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "launch/child-private.h"
#include "launch/hand-over.h"
#include "launch/process-private.h"

/* Numbers the child has for itself while it waits; a spec's lie above. */
#define CHILD_FD_STATUS 3
#define CHILD_FD_CGROUP 5

/* Whoever decides takes milliseconds, or a network file system's minutes. */
#define WAIT_MS (10 * 60 * 1000)

/* Nothing of the caller is kept open by a process that only waits. */
static bool
keep_two(int *status_fd, int *cgroup_fd)
{
    int numbers[2] = { CHILD_FD_STATUS, CHILD_FD_CGROUP };
    int *fds[2] = { status_fd, cgroup_fd };

    if (*cgroup_fd == CHILD_FD_STATUS) {
        *cgroup_fd = dup(*cgroup_fd);
        if (*cgroup_fd < 0) {
            return false; /* -1 would mean that it is entered already */
        }
    }
    for (int i = 0; i < 2; i++) {
        if (*fds[i] >= 0 && *fds[i] != numbers[i]) {
            if (dup2(*fds[i], numbers[i]) < 0) {
                return false;
            }
            *fds[i] = numbers[i];
        }
    }
    (void)close(SVIRT_CHILD_FD_SPEC);
    if (*cgroup_fd < 0) {
        (void)close(CHILD_FD_CGROUP);
    }
    return syscall(SYS_close_range, CHILD_FD_CGROUP + 1, UINT32_MAX, 0) == 0;
}

void
svirt_child_wait(SvirtProcess which, int cgroup_fd, int status_fd)
{
    const SvirtLaunchSpec *spec;
    SvirtHandOver kind;
    const char *why;

    if (!keep_two(&status_fd, &cgroup_fd)) {
        _exit(127);
    }
    do {
        if (!svirt_hand_over_receive(status_fd, WAIT_MS, &kind)) {
            _exit(errno == 0 ? 0 : 127);
        }
    } while (kind == SVIRT_HAND_OVER_PART);
    spec = svirt_spec_map(SVIRT_CHILD_FD_SPEC, &why);
    if (spec == NULL) {
        _exit(127);
    }
    svirt_child_run(spec, which, cgroup_fd, status_fd);
}

bool
svirt_launch_wait(SvirtProcess which, int cgroup_fd, SvirtWaiting *ret,
                  SvirtLaunchFailure *ret_failure)
{
    SvirtWaiting waiting = SVIRT_WAITING_INIT;
    int status[2];
    bool enter;

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, status) < 0) {
        return svirt_launch_fail(ret_failure, SVIRT_STEP_CLONE,
                                 "status socket");
    }
    waiting.namespaces = svirt_process_namespaces(0, 0, which);
    waiting.pid = svirt_process_clone(waiting.namespaces, cgroup_fd,
                                      &waiting.pidfd, &enter);
    if (waiting.pid == 0) {
        svirt_child_wait(which, enter ? cgroup_fd : -1, status[1]);
    }
    svirt_fd_close(&status[1]);
    if (waiting.pid < 0) {
        svirt_launch_fail(ret_failure, SVIRT_STEP_CLONE,
                          "clone into namespaces");
        svirt_fd_close(&status[0]);
        return false;
    }
    waiting.socket = status[0];
    *ret = waiting;
    return true;
}

void
svirt_launch_wait_end(SvirtWaiting *waiting)
{
    siginfo_t info;

    if (waiting->pid != 0) {
        svirt_process_kill(waiting->pidfd, &info);
    }
    svirt_fd_close(&waiting->pidfd);
    svirt_fd_close(&waiting->socket);
    waiting->pid = 0;
}

/* The spec's own numbers are the waiting process's too. */
static bool
give_descriptors(const SvirtWaiting *waiting, const SvirtLaunchSpec *spec,
                 int spec_fd, SvirtProcess which)
{
    SvirtNumberedFd *fds = calloc(spec->n_fds + 1, sizeof(*fds));
    uint8_t given[SVIRT_SPEC_MAX_FD_NUMBER / 8] = { 0 };
    size_t count = 0;
    bool ok;

    if (fds == NULL) {
        return false;
    }
    fds[count++] = (SvirtNumberedFd){ spec_fd, SVIRT_CHILD_FD_SPEC };
    for (uint32_t i = 0; i < spec->n_fds; i++) {
        int source = spec->fds[i].source;

        if ((spec->fds[i].to & (1u << which)) == 0) {
            continue;
        }
        if (source <= CHILD_FD_CGROUP) {
            free(fds);
            errno = EBADF;
            return false;
        }
        /* One that is named twice goes once: a number has one descriptor. */
        if ((given[source / 8] & (1u << (source % 8))) == 0) {
            given[source / 8] |= (uint8_t)(1u << (source % 8));
            fds[count++] = (SvirtNumberedFd){ source, source };
        }
    }
    ok = svirt_hand_over_send(waiting->socket, SVIRT_HAND_OVER_ALL, fds,
                              count);
    free(fds);
    return ok;
}

bool
svirt_launch_waiting(SvirtWaiting *waiting, const SvirtLaunchSpec *spec,
                     int spec_fd, SvirtProcess which, int cgroup_fd,
                     SvirtLaunched *ret, SvirtLaunchFailure *ret_failure)
{
    SvirtLaunched launched = SVIRT_LAUNCHED_INIT;
    int64_t before_ns = svirt_process_now_ns();

    if (waiting->pid == 0 ||
        waiting->namespaces !=
            svirt_process_namespaces(spec->waived_layers, spec->exec,
                                     which)) {
        svirt_launch_wait_end(waiting);
        return svirt_launch_process(spec, which, cgroup_fd, ret, ret_failure);
    }
    if (!svirt_process_check(spec, which, cgroup_fd, ret_failure)) {
        svirt_launch_wait_end(waiting);
        return false;
    }
    if (!give_descriptors(waiting, spec, spec_fd, which)) {
        svirt_launch_fail(ret_failure, SVIRT_STEP_DESCRIPTORS,
                          "hand over to the waiting process");
        svirt_launch_wait_end(waiting);
        return false;
    }
    launched.pid = waiting->pid;
    launched.pidfd = svirt_fd_steal(&waiting->pidfd);
    waiting->pid = 0;
    return svirt_process_await(&launched, svirt_fd_steal(&waiting->socket),
                               cgroup_fd, before_ns, ret, ret_failure);
}
