/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "cli/command.h"
#include "cli/console.h"
#include "cli/notices.h"
#include "hypervisor/life.h"
#include "hypervisor/start.h"

static void
print_dry_run_json(const SvirtStartReport *report)
{
    json_t *argv = json_array();

    for (char **arg = report->argv; *arg != NULL; arg++) {
        g_autofree char *valid = g_utf8_make_valid(*arg, -1);

        json_array_append_new(argv, json_string(valid));
    }
    svirt_json_print(json_pack("{s:o,s:o,s:o}", "labels",
                               json_loads(report->plan_json, 0, NULL), "argv",
                               argv, "warnings",
                               svirt_notices_to_json(report->warnings)));
}

static void
print_dry_run(const SvirtCli *cli, const SvirtStartReport *report)
{
    if (cli->json) {
        print_dry_run_json(report);
        return;
    }
    (void)fputs(report->plan[0] != '\0' ? report->plan
                                        : "No label has to be written.\n",
                stdout);
    (void)puts("The emulator would be run as:");
    for (char **arg = report->argv; *arg != NULL; arg++) {
        g_autofree char *safe = svirt_text_printable(*arg);

        (void)printf("  %s\n", safe);
    }
}

static void
print_started_json(const SvirtDefinition *definition,
                   const SvirtStartReport *report)
{
    json_t *consoles = json_array();
    json_t *waivers = json_array();

    for (char **pty = report->pty_paths; pty != NULL && *pty != NULL; pty++) {
        json_array_append_new(consoles, json_string(*pty));
    }
    for (unsigned i = 0; i < report->waivers->len; i++) {
        json_array_append_new(waivers,
                              json_string(report->waivers->pdata[i]));
    }
    svirt_json_print(json_pack(
        "{s:s,s:i,s:o,s:o,s:o}", "domain", definition->name, "id",
        (int)report->id, "consoles", consoles, "waivers", waivers, "warnings",
        svirt_notices_to_json(report->warnings)));
}

static void
print_started(const SvirtCli *cli, const SvirtDefinition *definition,
              const SvirtStartReport *report)
{
    for (unsigned i = 0; i < report->waivers->len; i++) {
        (void)fprintf(stderr, "warning: %s\n",
                      (const char *)report->waivers->pdata[i]);
    }
    if (cli->json) {
        print_started_json(definition, report);
        return;
    }
    svirt_cli_say(cli, "Domain '%s' started", definition->name);
    for (char **pty = report->pty_paths; pty != NULL && *pty != NULL; pty++) {
        svirt_cli_say(cli, "  %s", *pty);
    }
}

bool
svirt_cmd_start(const SvirtCli *cli, int *ret_exit, GError **error)
{
    g_autoptr(SvirtDefinition) definition = NULL;
    SvirtStartOptions options = {
        .paused = svirt_arguments_flag(cli->args, "paused"),
        .dry_run = svirt_arguments_flag(cli->args, "dry-run"),
    };
    SvirtStartReport report;
    bool ok;

    if (!svirt_cli_domain(cli, &definition, error) ||
        !svirt_start(cli->manager, definition, &options, &report, error)) {
        return false;
    }
    svirt_notices_print(report.warnings);
    if (options.dry_run) {
        print_dry_run(cli, &report);
    } else {
        print_started(cli, definition, &report);
    }
    ok = !svirt_arguments_flag(cli->args, "console") || options.dry_run ||
         svirt_console_attach(cli->manager, definition, 0, false, false,
                              error);
    svirt_start_report_clear(&report);
    (void)ret_exit;
    return ok;
}

static bool
ask(const SvirtCli *cli, SvirtLifeVerb verb, const char *done, GError **error)
{
    g_autoptr(SvirtDefinition) definition = NULL;

    if (!svirt_cli_domain(cli, &definition, error) ||
        !svirt_life_ask(cli->manager, definition, verb, error)) {
        return false;
    }
    svirt_cli_say(cli, "Domain '%s' %s", definition->name, done);
    return true;
}

bool
svirt_cmd_shutdown(const SvirtCli *cli, int *ret_exit, GError **error)
{
    const char *mode = svirt_arguments_text(cli->args, "mode");
    const char *wait = svirt_arguments_text(cli->args, "wait");
    g_autoptr(SvirtDefinition) definition = NULL;
    guint64 seconds = 0;

    (void)ret_exit;
    if (mode != NULL && strcmp(mode, "acpi") != 0) {
        return svirt_raise(error, SVIRT_ERROR_UNSUPPORTED, NULL,
                           "use --mode acpi", "shutdown mode '%s' is not "
                                              "built",
                           mode);
    }
    if (wait != NULL && !g_ascii_string_to_unsigned(wait, 10, 1, 86400,
                                                    &seconds, NULL)) {
        return svirt_raise(error, SVIRT_ERROR_USAGE, NULL,
                           "give 1 to 86400 seconds",
                           "--wait '%s' is no number of seconds", wait);
    }
    if (!svirt_cli_domain(cli, &definition, error) ||
        !svirt_life_ask(cli->manager, definition, SVIRT_LIFE_SHUTDOWN,
                        error)) {
        return false;
    }
    if (wait == NULL) {
        svirt_cli_say(cli, "Domain '%s' is being shutdown", definition->name);
        return true;
    }
    if (!svirt_life_wait_off(cli->manager, definition, (int)seconds * 1000,
                             error)) {
        return false;
    }
    svirt_cli_say(cli, "Domain '%s' is shut off", definition->name);
    return true;
}

bool
svirt_cmd_reboot(const SvirtCli *cli, int *ret_exit, GError **error)
{
    (void)ret_exit;
    return ask(cli, SVIRT_LIFE_REBOOT, "is being rebooted", error);
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
    svirt_cli_say(cli, "Domain '%s' destroyed", definition->name);
    return true;
}
