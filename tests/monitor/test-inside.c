/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "attempts.h"

#include <fcntl.h>
#include <glib.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "launch/confine.h"
#include "launch/credential.h"
#include "launch/root.h"

/*
 * An attacker who owns the monitor: each attempt runs in a process of its own,
 * confined as the monitor's launch and then svirt-monitor itself do it. Its
 * control is the same call by a process that is not confined, and must
 * succeed, or the attempt proves nothing.
 */

#define MONITOR_UID 2900001u

enum { REFUSED = 10, DONE = 11, UNCONFINED = 12 };

static bool
confine(void)
{
    static const SvirtRootPlan empty;
    const SvirtSpecIds ids = { MONITOR_UID, MONITOR_UID };
    SvirtLaunchFailure failure;
    SvirtConfined result;

    return unshare(CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC |
                   CLONE_NEWUTS) == 0 &&
           svirt_root_make_private(&failure) &&
           svirt_root_build(&empty, &failure) && svirt_root_enter(&failure) &&
           svirt_credential_bound(&failure) &&
           svirt_credential_take(&ids, false, 0, &failure) &&
           svirt_credential_no_new_privs(&failure) &&
           svirt_confine_self_monitor(&result, &failure);
}

/* How the attempt ended; a process that was killed was refused. */
static int
run(long (*attempt)(void), bool confined)
{
    pid_t child = fork();
    int status = 0;

    g_assert_cmpint(child, >=, 0);
    if (child == 0) {
        if (confined && !confine()) {
            _exit(UNCONFINED);
        }
        _exit(attempt() >= 0 ? DONE : REFUSED);
    }
    g_assert_cmpint(waitpid(child, &status, 0), ==, child);
    if (WIFSIGNALED(status)) {
        return WTERMSIG(status) == SIGSYS ? REFUSED : -WTERMSIG(status);
    }
    /* exec succeeded: the new program's status. */
    return WEXITSTATUS(status) == 0 ? DONE : WEXITSTATUS(status);
}

static void
test_row(gconstpointer data)
{
    unsigned row = GPOINTER_TO_UINT(data);

    if (geteuid() != 0) {
        g_test_skip("needs root: the control is a process that may do it");
        return;
    }
    if (run(attempts[row].attempt, false) != DONE) {
        g_test_skip("the control fails on this kernel");
        return;
    }
    g_assert_cmpint(run(attempts[row].attempt, true), ==, REFUSED);
}

/* What a monitor lives by still works. */
static long
try_work(void)
{
    char byte = 'x';
    int flags = fcntl(2, F_GETFL);

    return flags >= 0 && fcntl(2, F_SETFL, flags) == 0 &&
           write(2, &byte, 0) >= 0 && malloc(100000) != NULL ? 0 : -1;
}

static void
test_a_confined_monitor_can_work(void)
{
    if (geteuid() != 0) {
        g_test_skip("needs root");
        return;
    }
    g_assert_cmpint(run(try_work, true), ==, DONE);
}

/* Somebody to talk to, on a number that is not QMP's. */
static void
make_connection(void)
{
    int ends[2];

    g_assert_no_errno(socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
    connection_fd = fcntl(ends[0], F_DUPFD, 100);
    g_assert_no_errno(connection_fd);
}

static void
start_victim(void)
{
    victim = fork();
    if (victim == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
        for (;;) {
            (void)pause();
        }
    }
    victim_pidfd = (int)syscall(SYS_pidfd_open, victim, 0);
    g_assert_cmpint(victim_pidfd, >=, 0);
}

int
main(int argc, char **argv)
{
    int failed;

    g_test_init(&argc, &argv, NULL);
    start_victim();
    make_connection();
    for (unsigned i = 0; i < n_attempts; i++) {
        g_autofree char *path =
            g_strdup_printf("/monitor/inside/%s", attempts[i].name);

        g_test_add_data_func(path, GUINT_TO_POINTER(i), test_row);
    }
    g_test_add_func("/monitor/inside/a-confined-monitor-can-work",
                    test_a_confined_monitor_can_work);
    failed = g_test_run();
    (void)kill(victim, SIGKILL);
    (void)waitpid(victim, NULL, 0);
    return failed;
}
