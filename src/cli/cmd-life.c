/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "cli/command.h"
#include "cli/console.h"
#include "cli/notices.h"
#include "hypervisor/agent.h"
#include "hypervisor/life.h"
#include "hypervisor/transient.h"

static bool
ask(const SvirtCli *cli, SvirtLifeVerb verb, const char *done, GError **error)
{
    g_autoptr(SvirtDefinition) definition = NULL;

    if (!svirt_cli_domain(cli, &definition, error) ||
        !svirt_life_ask(cli->manager, definition, verb, error)) {
        return false;
    }
    svirt_cli_done(cli, definition->name, "Domain '%s' %s", definition->name,
                   done);
    return true;
}

static bool
stop(const SvirtCli *cli, const SvirtDefinition *definition, int seconds,
     GError **error)
{
    if (seconds == 0) {
        return svirt_raise(error, SVIRT_ERROR_USAGE, NULL,
                           "add --wait SECONDS",
                           "--or-destroy needs to know when");
    }
    if (!svirt_life_stop(cli->manager, definition, seconds * 1000, error) ||
        !svirt_transient_end(cli->manager, definition, error)) {
        return false;
    }
    svirt_cli_say(cli, "Domain '%s' is shut off", definition->name);
    return true;
}

static bool
check_mode(const char *mode, GError **error)
{
    return mode == NULL || strcmp(mode, "acpi") == 0 ||
           strcmp(mode, "agent") == 0 ||
           svirt_raise(error, SVIRT_ERROR_UNSUPPORTED, NULL,
                       "use --mode acpi or --mode agent",
                       "mode '%s' is not built", mode);
}

static bool
ask_by(const SvirtCli *cli, const SvirtDefinition *definition,
       SvirtLifeVerb verb, const char *mode, GError **error)
{
    if (g_strcmp0(mode, "agent") != 0) {
        return svirt_life_ask(cli->manager, definition, verb, error);
    }
    return svirt_agent_tell(
        cli->manager, definition, "guest-shutdown",
        json_pack("{s:s}", "mode",
                  verb == SVIRT_LIFE_REBOOT ? "reboot" : "powerdown"),
        error);
}

bool
svirt_cmd_shutdown(const SvirtCli *cli, int *ret_exit, GError **error)
{
    const char *mode = svirt_arguments_text(cli->args, "mode");
    const char *wait = svirt_arguments_text(cli->args, "wait");
    g_autoptr(SvirtDefinition) definition = NULL;
    guint64 seconds = 0;

    (void)ret_exit;
    if (!check_mode(mode, error)) {
        return false;
    }
    if (wait != NULL && !g_ascii_string_to_unsigned(wait, 10, 1, 86400,
                                                    &seconds, NULL)) {
        return svirt_raise(error, SVIRT_ERROR_USAGE, NULL,
                           "give 1 to 86400 seconds",
                           "--wait '%s' is no number of seconds", wait);
    }
    if (!svirt_cli_domain(cli, &definition, error)) {
        return false;
    }
    if (svirt_arguments_flag(cli->args, "or-destroy")) {
        return stop(cli, definition, (int)seconds, error);
    }
    if (!ask_by(cli, definition, SVIRT_LIFE_SHUTDOWN, mode, error)) {
        return false;
    }
    if (wait == NULL) {
        svirt_cli_done(cli, definition->name, "Domain '%s' is being shutdown",
                       definition->name);
        return true;
    }
    if (!svirt_life_wait_off(cli->manager, definition, (int)seconds * 1000,
                             error)) {
        return false;
    }
    svirt_cli_done(cli, definition->name, "Domain '%s' is shut off",
                   definition->name);
    return true;
}

bool
svirt_cmd_reboot(const SvirtCli *cli, int *ret_exit, GError **error)
{
    const char *mode = svirt_arguments_text(cli->args, "mode");
    g_autoptr(SvirtDefinition) definition = NULL;

    (void)ret_exit;
    if (!check_mode(mode, error) ||
        !svirt_cli_domain(cli, &definition, error) ||
        !ask_by(cli, definition, SVIRT_LIFE_REBOOT, mode, error)) {
        return false;
    }
    svirt_cli_done(cli, definition->name, "Domain '%s' is being rebooted",
                   definition->name);
    return true;
}

bool
svirt_cmd_suspend(const SvirtCli *cli, int *ret_exit, GError **error)
{
    (void)ret_exit;
    return ask(cli, SVIRT_LIFE_SUSPEND, "suspended", error);
}

bool
svirt_cmd_resume(const SvirtCli *cli, int *ret_exit, GError **error)
{
    (void)ret_exit;
    return ask(cli, SVIRT_LIFE_RESUME, "resumed", error);
}

bool
svirt_cmd_destroy(const SvirtCli *cli, int *ret_exit, GError **error)
{
    g_autoptr(SvirtDefinition) definition = NULL;

    (void)ret_exit;
    if (!svirt_cli_domain(cli, &definition, error) ||
        !svirt_life_destroy(cli->manager, definition,
                            svirt_arguments_flag(cli->args, "graceful"),
                            error)) {
        return false;
    }
    svirt_cli_done(cli, definition->name, "Domain '%s' destroyed",
                   definition->name);
    return true;
}
