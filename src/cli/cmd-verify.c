/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>

#include "base/error.h"
#include "cli/command.h"
#include "hypervisor/run-spec.h"
#include "verify/verify.h"

static const char *const columns[] = { "Domain", "Process", "Check", "Result",
                                       "Found", NULL };

static bool
verify_one(const SvirtCli *cli, const SvirtRunStatus *run, SvirtTable *table,
           int *ret_exit, GError **error)
{
    g_autoptr(SvirtRunSpec) spec = NULL;
    g_autoptr(GPtrArray) rows = NULL;

    if (!svirt_run_spec_open(cli->manager, &run->uuid, run->name, &spec,
                             error) ||
        !svirt_verify_run(run, svirt_run_spec_view(spec), &rows, error)) {
        return false;
    }
    for (unsigned i = 0; i < rows->len; i++) {
        const SvirtVerifyRow *row = rows->pdata[i];
        const char *const cells[] = { run->name,
                                      svirt_verify_process_word(row->process),
                                      row->what, row->ok ? "ok" : "WRONG",
                                      row->found };

        svirt_table_add_row(table, cells);
    }
    if (!svirt_verify_rows_ok(rows)) {
        *ret_exit = SVIRT_ERROR_UNVERIFIED;
    }
    return true;
}

static bool
verify_named(const SvirtCli *cli, char **names, SvirtTable *table,
             int *ret_exit, GError **error)
{
    for (char **name = names; *name != NULL; name++) {
        g_autoptr(SvirtDefinition) definition = NULL;
        SvirtRunStatus run;

        if (!svirt_manager_find(cli->manager, *name, &definition, error) ||
            !svirt_manager_run_status(cli->manager, &definition->uuid, &run,
                                      error)) {
            return false;
        }
        if (!svirt_run_status_is_active(&run)) {
            return svirt_raise(error, SVIRT_ERROR_STATE, NULL, NULL,
                               "domain '%s' is not running",
                               definition->name);
        }
        if (!verify_one(cli, &run, table, ret_exit, error)) {
            return false;
        }
    }
    return true;
}

bool
svirt_cmd_verify(const SvirtCli *cli, int *ret_exit, GError **error)
{
    char **names = svirt_arguments_rest(cli->args);
    g_autoptr(SvirtTable) table = svirt_table_new(columns);
    g_autoptr(GPtrArray) runs = NULL;

    if (names[0] != NULL) {
        if (!verify_named(cli, names, table, ret_exit, error)) {
            return false;
        }
    } else {
        if (!svirt_manager_list_runs(cli->manager, &runs, error)) {
            return false;
        }
        for (unsigned i = 0; i < runs->len; i++) {
            if (!verify_one(cli, runs->pdata[i], table, ret_exit, error)) {
                return false;
            }
        }
    }
    svirt_cli_print_table(cli, table);
    return true;
}
