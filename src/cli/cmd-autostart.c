/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <unistd.h>

#include "base/error.h"
#include "cli/command.h"
#include "cli/notices.h"
#include "hypervisor/start.h"
#include "state/autostart.h"

static bool
read_number(const SvirtCli *cli, const char *name, guint64 max, unsigned *ret,
            GError **error)
{
    const char *text = svirt_arguments_text(cli->args, name);
    guint64 number;

    if (text == NULL) {
        return true;
    }
    if (!g_ascii_string_to_unsigned(text, 10, 0, max, &number, NULL)) {
        g_autofree char *hint =
            g_strdup_printf("give 0 to %" G_GUINT64_FORMAT, max);

        return svirt_raise(error, SVIRT_ERROR_USAGE, NULL, hint,
                           "--%s '%s' is no number", name, text);
    }
    *ret = (unsigned)number;
    return true;
}

static bool
check_startable(const SvirtDefinition *definition, GError **error)
{
    g_autoptr(SvirtDomain) domain = NULL;

    return svirt_manager_parse(definition, &domain, error) &&
           svirt_domain_is_startable(domain, error);
}

static bool
mark(const SvirtCli *cli, GError **error)
{
    const SvirtConnection *connection =
        svirt_manager_connection(cli->manager);
    g_autoptr(SvirtDefinition) definition = NULL;
    SvirtAutostart mark;
    bool transient;

    if (!svirt_cli_domain(cli, &definition, error) ||
        !svirt_autostart_read(connection, &definition->uuid, &mark, error) ||
        !svirt_transient_read(connection, &definition->uuid, &transient,
                              error) ||
        !read_number(cli, "order", SVIRT_AUTOSTART_ORDER_MAX, &mark.order,
                     error) ||
        !read_number(cli, "delay", SVIRT_AUTOSTART_DELAY_MAX, &mark.delay_s,
                     error)) {
        return false;
    }
    mark.on = !svirt_arguments_flag(cli->args, "disable");
    if (transient && mark.on) {
        return svirt_raise(error, SVIRT_ERROR_STATE, NULL, "define it",
                           "domain '%s' is transient and cannot be started "
                           "at boot", definition->name);
    }
    if ((mark.on && !check_startable(definition, error)) ||
        !svirt_autostart_write(connection, &mark, error)) {
        return false;
    }
    svirt_cli_say(cli, "Domain '%s' %s as autostarted", definition->name,
                  mark.on ? "marked" : "unmarked");
    return true;
}

/* NULL in *ret: it is not defined any more. */
static bool
find(const SvirtCli *cli, const SvirtUuid *uuid, SvirtDefinition **ret,
     GError **error)
{
    SvirtState *state =
        svirt_manager_state(cli->manager, SVIRT_STATE_READ, error);
    GError *problem = NULL;

    *ret = NULL;
    if (state == NULL) {
        return false;
    }
    if (svirt_definitions_by_uuid(state, uuid, ret, &problem)) {
        return true;
    }
    if (g_error_matches(problem, SVIRT_ERROR, SVIRT_ERROR_NOT_FOUND)) {
        g_error_free(problem);
        return true;
    }
    g_propagate_error(error, problem);
    return false;
}

static bool
start_one(const SvirtCli *cli, const SvirtAutostart *mark, GError **error)
{
    const SvirtStartOptions options = { 0 };
    g_autoptr(SvirtDefinition) definition = NULL;
    SvirtStartReport report;
    SvirtRunStatus run;

    if (!find(cli, &mark->uuid, &definition, error)) {
        return false;
    }
    if (definition == NULL) {
        return true;
    }
    if (!svirt_manager_run_status(cli->manager, &mark->uuid, &run, error)) {
        return false;
    }
    if (svirt_run_status_is_active(&run)) {
        return true;
    }
    if (!svirt_start(cli->manager, definition, &options, &report, error)) {
        g_prefix_error(error, "domain '%s': ", definition->name);
        return false;
    }
    svirt_notices_print(report.warnings);
    svirt_cli_say(cli, "Domain '%s' started", definition->name);
    (void)fflush(stdout);
    svirt_start_report_clear(&report);
    (void)sleep(mark->delay_s);
    return true;
}

/* One that does not start is no reason for the others not to. */
static bool
start_all(const SvirtCli *cli, GError **error)
{
    g_autoptr(GArray) marks = NULL;
    GError *last = NULL;

    if (!svirt_autostart_list(svirt_manager_connection(cli->manager), &marks,
                              error)) {
        return false;
    }
    for (unsigned i = 0; i < marks->len; i++) {
        GError *problem = NULL;

        if (start_one(cli, &g_array_index(marks, SvirtAutostart, i),
                      &problem)) {
            continue;
        }
        if (last != NULL) {
            g_autofree char *text = svirt_error_render(last);

            (void)fputs(text, stderr);
            g_error_free(last);
        }
        last = problem;
    }
    if (last != NULL) {
        g_propagate_error(error, last);
    }
    return last == NULL;
}

bool
svirt_cmd_autostart(const SvirtCli *cli, int *ret_exit, GError **error)
{
    bool all = svirt_arguments_flag(cli->args, "start");

    (void)ret_exit;
    if (all == (svirt_arguments_text(cli->args, "domain") != NULL)) {
        return svirt_raise(error, SVIRT_ERROR_USAGE, NULL,
                           "svirt autostart DOMAIN, or svirt autostart "
                           "--start",
                           all ? "--start takes no domain"
                               : "no domain is named");
    }
    return all ? start_all(cli, error) : mark(cli, error);
}
