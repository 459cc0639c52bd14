/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "selftest/victim-process.h"

#include "base/error.h"
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#define REPORT_FD SVIRT_SELFTEST_FIRST_FD
#define HOLD_FD (SVIRT_SELFTEST_FIRST_FD + 1)
#define READY_MS 10000

struct SvirtSelftestVictim {
    const SvirtSelftestRunner *runner; /* borrowed */
    pid_t pid;
    gint64 address;
    int hold_fd; /* fd; the victim ends when it is closed */
};

static bool
report_read(int fd, gint64 *ret_address, GError **error)
{
    struct pollfd wait = { .fd = fd, .events = POLLIN };
    char text[64];
    ssize_t got;

    if (poll(&wait, 1, READY_MS) <= 0) {
        return svirt_raise(error, SVIRT_ERROR_TIMEOUT, NULL, NULL,
                           "the other VM's stand-in is not ready after %d "
                           "seconds",
                           READY_MS / 1000);
    }
    got = svirt_read_full(fd, text, sizeof(text) - 1);
    if (got <= 0) {
        return svirt_raise(error, SVIRT_ERROR_CORRUPT, NULL, NULL,
                           "the other VM's stand-in ended before it was "
                           "ready");
    }
    text[got] = '\0';
    /* Its pid is its own namespace's: the runner knows the host's. */
    if (sscanf(text, "%*d %" SCNd64, ret_address) != 1) {
        return svirt_raise(error, SVIRT_ERROR_CORRUPT, NULL, NULL,
                           "the other VM's stand-in reports '%s'", text);
    }
    return true;
}

bool
svirt_selftest_victim_start(const SvirtSelftestRunner *runner,
                            SvirtSelftestVictim **ret, GError **error)
{
    static const char *const arguments[] = { "victim", "--report-fd", "12",
                                             "--hold-fd", "13", NULL };
    g_autoptr(SvirtSelftestVictim) victim = NULL;
    SVIRT_AUTO_FD report_read_fd = -1;
    SVIRT_AUTO_FD report_write_fd = -1;
    SVIRT_AUTO_FD hold_read_fd = -1;
    SVIRT_AUTO_FD hold_write_fd = -1;
    int report[2];
    int hold[2];
    pid_t pid;

    G_STATIC_ASSERT(REPORT_FD == 12 && HOLD_FD == 13);
    if (pipe2(report, O_CLOEXEC) < 0) {
        return svirt_raise_errno(error, errno, NULL, "cannot make a pipe");
    }
    report_read_fd = report[0];
    report_write_fd = report[1];
    if (pipe2(hold, O_CLOEXEC) < 0) {
        return svirt_raise_errno(error, errno, NULL, "cannot make a pipe");
    }
    hold_read_fd = hold[0];
    hold_write_fd = hold[1];
    const SvirtSelftestDescriptor fds[] = { { report_write_fd, REPORT_FD },
                                            { hold_read_fd, HOLD_FD } };
    const SvirtSelftestRun run = { arguments, fds, G_N_ELEMENTS(fds) };
    if (!runner->start(runner->data, &run, &pid, error)) {
        return false;
    }
    victim = g_new0(SvirtSelftestVictim, 1);
    victim->runner = runner;
    victim->pid = pid;
    victim->hold_fd = svirt_fd_steal(&hold_write_fd);
    svirt_fd_close(&report_write_fd);
    if (!report_read(report_read_fd, &victim->address, error)) {
        return false;
    }
    *ret = g_steal_pointer(&victim);
    return true;
}

void
svirt_selftest_victim_free(SvirtSelftestVictim *victim)
{
    int status;

    if (!victim) {
        return;
    }
    svirt_fd_close(&victim->hold_fd);
    (void)victim->runner->finish(victim->runner->data, victim->pid, true,
                                 &status, NULL);
    g_free(victim);
}

pid_t
svirt_selftest_victim_pid(const SvirtSelftestVictim *victim)
{
    return victim->pid;
}

gint64
svirt_selftest_victim_address(const SvirtSelftestVictim *victim)
{
    return victim->address;
}
