/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "cli/command.h"
#include "compartment/refusal.h"
#include "domain/resource.h"
#include "hypervisor/commandline.h"
#include "state/waivers.h"

#define LAYER_CGROUP "cgroup"
#define DAY_S 86400
#define DEFAULT_DAYS 30
#define MOST_DAYS 366

/* Of the domain, and not of one of its resources. */
static bool
is_whole(const char *layer)
{
    return strcmp(layer, LAYER_CGROUP) == 0 ||
           strcmp(layer, SVIRT_COMMANDLINE_LAYER) == 0;
}

/* Layers of the launch that one VM may do without; the rest are refusals. */
static bool
layer_is_known(const char *layer)
{
    SvirtRefusalRule rule;

    return is_whole(layer) ||
           (svirt_refusal_rule_from_string(layer, &rule) &&
            svirt_refusal_rule_can_be_waived(rule));
}

static bool
missing(const char *option, GError **error)
{
    return svirt_raise(error, SVIRT_ERROR_USAGE, NULL,
                       "svirt waiver add DOMAIN --layer LAYER --resource "
                       "RESOURCE --reason TEXT",
                       "option '--%s' is missing", option);
}

static bool
is_named(const SvirtResourceList *resources, const char *name)
{
    for (size_t i = 0; i < resources->count; i++) {
        if (g_strcmp0(resources->items[i].path, name) == 0 ||
            g_strcmp0(resources->items[i].target, name) == 0) {
            return true;
        }
    }
    return false;
}

/*
 * A waiver for what the domain does not have would lie in wait for it. A path
 * may be one that an image below a disk names, which no definition tells.
 */
static bool
check_resource(const SvirtDefinition *definition, const char *layer,
               const char *resource, GError **error)
{
    g_autoptr(SvirtDomain) domain = NULL;
    g_autoptr(SvirtResourceList) resources = NULL;
    bool whole = is_whole(layer);

    if (whole ? strcmp(resource, definition->name) == 0
              : resource[0] == '/' && access(resource, F_OK) == 0) {
        return true;
    }
    if (!svirt_manager_parse(definition, &domain, error) ||
        !svirt_resource_list_from_domain(domain, &resources, error)) {
        return false;
    }
    return (!whole && is_named(resources, resource)) ||
           svirt_raise(error, SVIRT_ERROR_NOT_FOUND, NULL,
                       whole ? "it is the whole domain's: give the domain's "
                               "name"
                             : "give a disk's target, as vda, or a path",
                       "domain '%s' has no '%s' to waive '%s' for",
                       definition->name, resource, layer);
}

static bool
add(const SvirtCli *cli, GError **error)
{
    const char *layer = svirt_arguments_text(cli->args, "layer");
    const char *resource = svirt_arguments_text(cli->args, "resource");
    const char *reason = svirt_arguments_text(cli->args, "reason");
    const char *expires = svirt_arguments_text(cli->args, "expires");
    g_autoptr(SvirtDefinition) definition = NULL;
    g_autoptr(SvirtWaiver) waiver = NULL;
    guint64 days = DEFAULT_DAYS;
    int64_t now = time(NULL);
    SvirtState *state;

    if (layer == NULL || resource == NULL || reason == NULL) {
        return missing(layer == NULL      ? "layer"
                       : resource == NULL ? "resource"
                                          : "reason",
                       error);
    }
    if (!layer_is_known(layer)) {
        return svirt_raise(error, SVIRT_ERROR_INVALID, NULL,
                           "the refusal names the layer to waive",
                           "layer '%s' is unknown or cannot be waived",
                           layer);
    }
    if (expires != NULL && !g_ascii_string_to_unsigned(
                               expires, 10, 1, MOST_DAYS, &days, NULL)) {
        return svirt_raise(error, SVIRT_ERROR_USAGE, NULL,
                           "give 1 to 366 days",
                           "--expires '%s' is no number of days", expires);
    }
    if (svirt_arguments_text(cli->args, "domain") == NULL) {
        return missing("domain", error);
    }
    if (!svirt_cli_domain(cli, &definition, error) ||
        !check_resource(definition, layer, resource, error)) {
        return false;
    }
    state = svirt_manager_state(cli->manager, SVIRT_STATE_WRITE, error);
    waiver = svirt_waiver_new(&definition->uuid, layer, resource, reason,
                              geteuid(), now, now + (int64_t)days * DAY_S);
    if (state == NULL || !svirt_state_begin(state, error)) {
        return false;
    }
    if (!svirt_waivers_add(state, waiver, error)) {
        svirt_state_rollback(state);
        return false;
    }
    if (!svirt_state_commit(state, error)) {
        return false;
    }
    svirt_cli_done(cli, definition->name,
                   "Waiver %" PRId64 ": '%s' of domain '%s' for '%s', "
                   "%" G_GUINT64_FORMAT " day%s",
                   waiver->id, layer, definition->name, resource, days,
                   days == 1 ? "" : "s");
    return true;
}

static bool
list(const SvirtCli *cli, GError **error)
{
    static const char *const columns[] = { "#Id",    "Domain", "Layer",
                                           "Resource", "Expires", "Reason",
                                           NULL };
    g_autoptr(SvirtTable) table = svirt_table_new(columns);
    g_autoptr(SvirtDefinition) definition = NULL;
    g_autoptr(GPtrArray) waivers = NULL;
    SvirtState *state;
    int64_t now = time(NULL);

    if (svirt_arguments_text(cli->args, "domain") != NULL &&
        !svirt_cli_domain(cli, &definition, error)) {
        return false;
    }
    state = svirt_manager_state(cli->manager, SVIRT_STATE_READ, error);
    if (state == NULL ||
        !svirt_waivers_list(state,
                            definition != NULL ? &definition->uuid : NULL,
                            &waivers, error)) {
        return false;
    }
    for (unsigned i = 0; i < waivers->len; i++) {
        const SvirtWaiver *waiver = waivers->pdata[i];
        g_autoptr(SvirtDefinition) whose = NULL;
        g_autoptr(GDateTime) end =
            g_date_time_new_from_unix_utc(waiver->expires_s);
        g_autofree char *date = g_date_time_format(end, "%Y-%m-%d");
        g_autofree char *id = g_strdup_printf("%" PRId64, waiver->id);
        const char *const cells[] = {
            id,
            svirt_definitions_by_uuid(state, &waiver->uuid, &whose, NULL)
                ? whose->name
                : "?",
            waiver->layer,
            waiver->resource,
            waiver->expires_s > now ? date : "expired",
            waiver->reason,
        };

        svirt_table_add_row(table, cells);
    }
    svirt_cli_print_table(cli, table);
    return true;
}

static bool
remove_one(const SvirtCli *cli, GError **error)
{
    const char *text = svirt_arguments_text(cli->args, "id");
    SvirtState *state;
    guint64 id;

    if (text == NULL || !g_ascii_string_to_unsigned(text, 10, 1, G_MAXINT64,
                                                    &id, NULL)) {
        return svirt_raise(error, SVIRT_ERROR_USAGE, NULL,
                           "svirt waiver list shows the numbers",
                           "--id needs the number of a waiver");
    }
    state = svirt_manager_state(cli->manager, SVIRT_STATE_WRITE, error);
    if (state == NULL || !svirt_state_begin(state, error)) {
        return false;
    }
    if (!svirt_waivers_remove(state, (int64_t)id, error)) {
        svirt_state_rollback(state);
        return false;
    }
    if (!svirt_state_commit(state, error)) {
        return false;
    }
    svirt_cli_done(cli, NULL, "Waiver %s removed", text);
    return true;
}

bool
svirt_cmd_waiver(const SvirtCli *cli, int *ret_exit, GError **error)
{
    const char *verb = svirt_arguments_text(cli->args, "verb");

    (void)ret_exit;
    if (strcmp(verb, "add") == 0) {
        return add(cli, error);
    }
    if (strcmp(verb, "list") == 0) {
        return list(cli, error);
    }
    if (strcmp(verb, "remove") == 0) {
        return remove_one(cli, error);
    }
    return svirt_raise(error, SVIRT_ERROR_USAGE, NULL,
                       "use waiver add, list or remove",
                       "waiver verb '%s' is unknown", verb);
}
