/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>
#include <time.h>

#include "base/error.h"
#include "cli/command.h"
#include "cli/console.h"
#include "cli/notices.h"
#include "hypervisor/define.h"
#include "hypervisor/start.h"
#include "hypervisor/transient.h"
#include "hypervisor/volume.h"

/* A redefinition would end with this run. */
static bool
refuse_defined(const SvirtCli *cli, const SvirtDomain *domain, GError **error)
{
    SvirtState *state =
        svirt_manager_state(cli->manager, SVIRT_STATE_WRITE, error);
    g_autoptr(SvirtDefinition) former = NULL;

    if (state == NULL) {
        return false;
    }
    return !domain->uuid_given ||
           !svirt_definitions_by_uuid(state, &domain->uuid, &former, NULL) ||
           svirt_raise(error, SVIRT_ERROR_EXISTS, NULL,
                       "svirt start starts it",
                       "domain '%s' is defined already", former->name);
}

static bool
start(const SvirtCli *cli, const SvirtDefinition *definition,
      GPtrArray **ret_warnings, GError **error)
{
    const SvirtStartOptions options = {
        .paused = svirt_arguments_flag(cli->args, "paused"),
        .transient = true,
    };
    SvirtStartReport report;

    if (!svirt_start(cli->manager, definition, &options, &report, error)) {
        return false;
    }
    *ret_warnings = g_steal_pointer(&report.warnings);
    svirt_start_report_clear(&report);
    return svirt_transient_mark(cli->manager, definition, error);
}

/* What was defined for this run alone. */
static bool
take_back(const SvirtCli *cli, const SvirtDefinition *definition)
{
    g_autoptr(GPtrArray) rows = NULL;

    (void)svirt_undefine(cli->manager, definition, SVIRT_UNDEFINE_WHOLLY,
                         &rows, NULL);
    return false;
}

/* Of somebody who defined it meanwhile nothing is taken back. */
static bool
check_new(const SvirtDomain *domain, SvirtDefined outcome, GError **error)
{
    return outcome == SVIRT_DEFINED_NEW ||
           svirt_raise(error, SVIRT_ERROR_EXISTS, NULL, "svirt start",
                       "domain '%s' was defined meanwhile", domain->name);
}

bool
svirt_cmd_create(const SvirtCli *cli, int *ret_exit, GError **error)
{
    const char *file = svirt_arguments_text(cli->args, "file");
    const char *shown = strcmp(file, "-") == 0 ? "standard input" : file;
    g_autoptr(SvirtDefinition) definition = NULL;
    g_autoptr(GPtrArray) warnings = NULL;
    g_autoptr(GPtrArray) reaped = NULL;
    g_autoptr(SvirtDomain) domain = NULL;
    g_autofree char *text = NULL;
    SvirtDefined outcome;
    size_t length = 0;

    (void)ret_exit;
    if (!svirt_cli_read_input(file, &text, &length, error) ||
        !svirt_domain_parse(text, length, shown, &domain, error) ||
        !svirt_volumes_complete(svirt_manager_connection(cli->manager),
                                domain, error) ||
        !svirt_domain_is_startable(domain, error) ||
        !svirt_transient_reap(cli->manager, &reaped, error) ||
        !refuse_defined(cli, domain, error) ||
        !svirt_define(cli->manager, &domain, 0, time(NULL), &outcome, NULL,
                      error) ||
        !check_new(domain, outcome, error) ||
        !svirt_manager_find(cli->manager, domain->name, &definition, error)) {
        return false;
    }
    if (!start(cli, definition, &warnings, error)) {
        return take_back(cli, definition);
    }
    svirt_notices_print(warnings);
    svirt_cli_done(cli, domain->name, "Domain '%s' created from %s",
                   domain->name, shown);
    return !svirt_arguments_flag(cli->args, "console") ||
           svirt_console_attach(cli->manager, definition, 0, false, false,
                                error);
}
