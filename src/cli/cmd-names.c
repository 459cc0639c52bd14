/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <stdio.h>

#include "base/error.h"
#include "cli/command.h"
#include "hypervisor/rename.h"

static void
print_text(const SvirtCli *cli, const char *text)
{
    g_autofree char *safe = svirt_text_printable(text);

    (void)printf(cli->json ? "\"%s\"\n" : "%s\n", safe);
}

bool
svirt_cmd_domid(const SvirtCli *cli, int *ret_exit, GError **error)
{
    g_autoptr(SvirtDefinition) definition = NULL;
    SvirtRunStatus run;
    bool damaged;

    (void)ret_exit;
    if (!svirt_cli_domain(cli, &definition, error) ||
        !svirt_cli_run_status(cli, &definition->uuid, &run, &damaged,
                              error)) {
        return false;
    }
    if (svirt_run_status_is_active(&run)) {
        (void)printf("%" PRIu32 "\n", run.id);
    } else {
        (void)puts(cli->json ? "null" : "-");
    }
    return true;
}

bool
svirt_cmd_domname(const SvirtCli *cli, int *ret_exit, GError **error)
{
    g_autoptr(SvirtDefinition) definition = NULL;

    (void)ret_exit;
    if (!svirt_cli_domain(cli, &definition, error)) {
        return false;
    }
    print_text(cli, definition->name);
    return true;
}

bool
svirt_cmd_domrename(const SvirtCli *cli, int *ret_exit, GError **error)
{
    const char *name = svirt_arguments_text(cli->args, "new-name");
    g_autoptr(SvirtDefinition) definition = NULL;

    (void)ret_exit;
    if (!svirt_cli_domain(cli, &definition, error) ||
        !svirt_rename(cli->manager, definition, name, error)) {
        return false;
    }
    svirt_cli_say(cli, "Domain '%s' is called '%s'", definition->name, name);
    return true;
}

bool
svirt_cmd_uri(const SvirtCli *cli, int *ret_exit, GError **error)
{
    (void)ret_exit;
    (void)error;
    print_text(cli, svirt_manager_connection(cli->manager)->uri);
    return true;
}
