/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "exec/guard.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "launch/cgroup.h"

#define END_MS 5000

static void
stand_guard(int told, int cgroup_fd, SvirtRelay *relay)
{
    char nothing;
    ssize_t got;

    (void)setsid();
    /* Pipes end for the program when svirt's ends do. */
    for (int i = 0; i < 3; i++) {
        svirt_fd_close(&relay->fd[i]);
    }
    for (int i = 0; i < 4; i++) {
        svirt_fd_close(&relay->owned[i]);
    }
    do {
        got = read(told, &nothing, 1);
    } while (got < 0 && errno == EINTR);
    (void)svirt_cgroup_kill(cgroup_fd, END_MS);
    _exit(0);
}

bool
svirt_exec_guard_start(SvirtExecGuard *guard, int cgroup_fd,
                       SvirtRelay *relay, GError **error)
{
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) < 0) {
        return svirt_raise_errno(error, errno, NULL, "cannot make a pipe");
    }
    guard->fd = ends[1];
    guard->pid = fork();
    if (guard->pid == 0) {
        svirt_fd_close(&guard->fd);
        stand_guard(ends[0], cgroup_fd, relay);
    }
    (void)close(ends[0]);
    return guard->pid > 0 ||
           svirt_raise_errno(error, errno, NULL, "cannot make a process");
}

void
svirt_exec_guard_dismiss(const SvirtExecGuard *guard)
{
    if (guard->pid > 0) {
        (void)kill(guard->pid, SIGKILL);
    }
}

void
svirt_exec_guard_end(SvirtExecGuard *guard)
{
    svirt_fd_close(&guard->fd);
    if (guard->pid > 0) {
        (void)waitpid(guard->pid, NULL, 0);
    }
    guard->pid = 0;
}
