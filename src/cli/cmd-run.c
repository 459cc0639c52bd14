/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "cli/command.h"
#include "cli/notices.h"
#include "hypervisor/life.h"
#include "hypervisor/recover.h"
#include "hypervisor/start.h"

/* Blocked from before the start, so that none is lost. */
static bool
catch_signals(int *ret_fd, GError **error)
{
    sigset_t wanted;

    (void)sigemptyset(&wanted);
    (void)sigaddset(&wanted, SIGTERM);
    (void)sigaddset(&wanted, SIGINT);
    (void)sigaddset(&wanted, SIGHUP);
    (void)sigprocmask(SIG_BLOCK, &wanted, NULL);
    *ret_fd = signalfd(-1, &wanted, SFD_CLOEXEC);
    return *ret_fd >= 0 ||
           svirt_raise_errno(error, errno, NULL, "cannot wait for signals");
}

static bool
start(const SvirtCli *cli, const SvirtDefinition *definition, GError **error)
{
    const SvirtStartOptions options = { .foreground = true };
    SvirtStartReport report;

    if (!svirt_start(cli->manager, definition, &options, &report, error)) {
        return false;
    }
    svirt_notices_print(report.warnings);
    svirt_cli_say(cli, "Domain '%s' started", definition->name);
    (void)fflush(stdout);
    svirt_start_report_clear(&report);
    return true;
}

/* A keeper that died: the guest has not, and gets another. */
static bool
give_keeper(const SvirtCli *cli, const SvirtDefinition *definition,
            GError **error)
{
    g_autoptr(GPtrArray) rows = NULL;

    (void)fprintf(stderr, "warning: domain '%s' lost its keeper\n",
                  definition->name);
    return svirt_recover(cli->manager, &rows, error);
}

/* One look: true in *ret when a signal came, else its keeper ended. */
static bool
wait_for_something(int signals, const SvirtRunStatus *run, bool *ret,
                   GError **error)
{
    SVIRT_AUTO_FD keeper = svirt_run_process_open(&run->keeper);
    struct pollfd fds[2] = { { signals, POLLIN, 0 }, { keeper, POLLIN, 0 } };

    *ret = false;
    if (keeper < 0) {
        return true; /* it ended a moment ago */
    }
    while (poll(fds, 2, -1) < 0) {
        if (errno != EINTR) {
            return svirt_raise_errno(error, errno, NULL,
                                     "cannot wait for the domain");
        }
    }
    *ret = fds[0].revents != 0;
    return true;
}

bool
svirt_cmd_run(const SvirtCli *cli, int *ret_exit, GError **error)
{
    const SvirtConfig *config = svirt_manager_config(cli->manager, error);
    g_autoptr(SvirtDefinition) definition = NULL;
    SVIRT_AUTO_FD signals = -1;
    SvirtRunStatus run;
    bool asked = false;

    (void)ret_exit;
    if (config == NULL || !svirt_cli_domain(cli, &definition, error) ||
        !catch_signals(&signals, error) ||
        !start(cli, definition, error)) {
        return false;
    }
    for (bool first = true;; first = false) {
        if (!svirt_manager_run_status(cli->manager, &definition->uuid, &run,
                                      error)) {
            return false;
        }
        if (!svirt_run_status_is_active(&run)) {
            svirt_cli_say(cli, "Domain '%s' is shut off", definition->name);
            return true;
        }
        if (!first && !svirt_run_process_alive(&run.keeper) &&
            !give_keeper(cli, definition, error)) {
            return false;
        }
        if (!wait_for_something(signals, &run, &asked, error)) {
            return false;
        }
        if (asked) {
            return svirt_life_stop(cli->manager, definition,
                                   (int)config->shutdown_timeout_s * 1000,
                                   error);
        }
    }
}
