/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "selftest/runner.h"

#include "base/error.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

static bool
plain_start(void *data, const SvirtSelftestRun *run, pid_t *ret_pid,
            GError **error)
{
    g_autoptr(GPtrArray) argv = g_ptr_array_new();
    g_autofree int *sources = g_new(int, run->fd_count);
    g_autofree int *numbers = g_new(int, run->fd_count);
    GError *cause = NULL;
    GPid pid;

    g_ptr_array_add(argv, data);
    for (size_t i = 0; run->arguments[i]; i++) {
        g_ptr_array_add(argv, (void *)run->arguments[i]);
    }
    g_ptr_array_add(argv, NULL);
    for (size_t i = 0; i < run->fd_count; i++) {
        sources[i] = run->fds[i].fd;
        numbers[i] = run->fds[i].as;
    }
    if (!g_spawn_async_with_pipes_and_fds(
            "/", (const char *const *)argv->pdata, NULL,
            G_SPAWN_DO_NOT_REAP_CHILD, NULL, NULL, -1, -1, -1, sources,
            numbers, run->fd_count, &pid, NULL, NULL, NULL, &cause)) {
        return svirt_raise(error, SVIRT_ERROR_LAUNCH, cause, NULL,
                           "cannot start '%s'", (const char *)data);
    }
    *ret_pid = pid;
    return true;
}

static bool
plain_finish(void *data, pid_t pid, bool must_kill, int *ret_status,
             GError **error)
{
    int status;

    if (must_kill) {
        (void)kill(pid, SIGKILL);
    }
    while (waitpid(pid, &status, 0) < 0) {
        if (errno != EINTR) {
            return svirt_raise_errno(error, errno, NULL,
                                     "cannot wait for the probe");
        }
    }
    *ret_status = status;
    return true;
}

void
svirt_selftest_runner_plain(const char *program, SvirtSelftestRunner *ret)
{
    *ret = (SvirtSelftestRunner){ plain_start, plain_finish,
                                  (void *)program };
}
