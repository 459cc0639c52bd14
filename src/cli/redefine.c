/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/redefine.h"

#include <string.h>
#include <time.h>

#include "base/error.h"
#include "cli/notices.h"
#include "hypervisor/define.h"
#include "state/autostart.h"

static void
free_error(gpointer error)
{
    g_error_free(error);
}

bool
svirt_cli_redefine(const SvirtCli *cli, const SvirtDefinition *definition,
                   const SvirtDomain *edited, GError **error)
{
    g_autoptr(GPtrArray) warnings = g_ptr_array_new_with_free_func(free_error);
    g_autofree char *text = svirt_domain_print(edited);
    g_autoptr(SvirtDomain) domain = NULL;
    SvirtDefined outcome;
    bool transient;

    if (!svirt_transient_read(svirt_manager_connection(cli->manager),
                              &definition->uuid, &transient, error)) {
        return false;
    }
    if (transient) {
        return svirt_raise(error, SVIRT_ERROR_STATE, NULL,
                           "define it first, if it is to stay",
                           "domain '%s' is transient: nothing is kept for "
                           "another start",
                           definition->name);
    }
    if (!svirt_domain_parse(text, strlen(text), definition->name, &domain,
                            error) ||
        !svirt_define(cli->manager, &domain, definition->author, time(NULL),
                      &outcome, warnings, error)) {
        return false;
    }
    svirt_notices_print(warnings);
    return true;
}

bool
svirt_cli_live_or_config(const SvirtCli *cli,
                         const SvirtDefinition *definition, bool *ret_live,
                         GError **error)
{
    bool live = svirt_arguments_flag(cli->args, "live");
    bool config = svirt_arguments_flag(cli->args, "config");
    SvirtRunStatus run;
    bool damaged;

    if (live && config) {
        return svirt_raise(error, SVIRT_ERROR_USAGE, NULL,
                           "run it twice, once with each",
                           "--live and --config are two things");
    }
    if (!svirt_cli_run_status(cli, &definition->uuid, &run, &damaged,
                              error)) {
        return false;
    }
    *ret_live = live || (!config && svirt_run_status_is_active(&run));
    return true;
}

void
svirt_cli_set_text(SvirtXmlDocument *document, SvirtXmlNode *node,
                   uint64_t number)
{
    g_autofree char *text = g_strdup_printf("%" G_GUINT64_FORMAT, number);

    node->text = svirt_arena_text(document->arena, text, strlen(text));
}
