/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "base/error.h"
#include "cli/command.h"
#include "cli/notices.h"
#include "hypervisor/prepare.h"
#include "hypervisor/run-dir.h"
#include "image/chain.h"
#include "state/chains.h"

static const char *const columns[] = { "Disk", "Image", "Role", "Format",
                                       "#Size", "#Size now",
                                       "Backing file in header", NULL };

/* As it stands there today; NULL: it cannot be read, or is another chain. */
static const SvirtChainMember *
find_now(const SvirtPrepared *prepared, const char *target, unsigned index,
         const SvirtChainMember *recorded)
{
    for (unsigned i = 0; i < prepared->disks->len; i++) {
        const SvirtDiskImages *disk = prepared->disks->pdata[i];

        if (disk != NULL && disk->chain != NULL &&
            strcmp(disk->disk->target, target) == 0 &&
            index < disk->chain->members->len) {
            const SvirtChainMember *now = disk->chain->members->pdata[index];

            return strcmp(now->path, recorded->path) == 0 ? now : NULL;
        }
    }
    return NULL;
}

static void
add_chain(SvirtTable *table, const char *target, const SvirtChain *chain,
          const SvirtPrepared *prepared)
{
    for (unsigned i = 0; i < chain->members->len; i++) {
        const SvirtChainMember *member = chain->members->pdata[i];
        const SvirtChainMember *now = find_now(prepared, target, i, member);
        g_autofree char *size =
            g_strdup_printf("%" PRIu64, member->header->virtual_size_bytes);
        g_autofree char *size_now =
            now != NULL ? g_strdup_printf("%" PRIu64, now->size_now_bytes)
                        : NULL;
        const char *const cells[] = {
            target,
            member->path,
            svirt_chain_role_to_string(member->role),
            svirt_image_format_to_string(member->format),
            size,
            size_now,
            member->header->backing_name,
        };

        svirt_table_add_row(table, cells);
    }
}

static bool
wanted(const SvirtCli *cli, const char *target)
{
    const char *disk = svirt_arguments_text(cli->args, "disk");

    return disk == NULL || strcmp(disk, target) == 0;
}

static bool
show(const SvirtCli *cli, const SvirtDefinition *definition, GError **error)
{
    SvirtState *state =
        svirt_manager_state(cli->manager, SVIRT_STATE_READ, error);
    g_autoptr(SvirtTable) table = svirt_table_new(columns);
    g_autoptr(GPtrArray) records = NULL;
    g_autoptr(SvirtPrepared) prepared = NULL;

    if (state == NULL ||
        !svirt_chains_list(state, &definition->uuid, &records, error) ||
        !svirt_prepare(cli->manager, definition, SVIRT_PREPARE_LOOK,
                       time(NULL), &prepared, error)) {
        return false;
    }
    for (unsigned i = 0; i < records->len; i++) {
        const SvirtChainRecord *record = records->pdata[i];
        g_autoptr(SvirtChain) chain = NULL;

        if (!wanted(cli, record->target)) {
            continue;
        }
        if (!svirt_chain_from_json(record->json, &chain, error)) {
            return false;
        }
        add_chain(table, record->target, chain, prepared);
    }
    svirt_notices_print(prepared->warnings);
    svirt_cli_print_table(cli, table);
    return true;
}

static bool
put_chains(const SvirtCli *cli, SvirtState *state,
           const SvirtDefinition *definition, const SvirtPrepared *prepared,
           unsigned *ret_count, GError **error)
{
    for (unsigned i = 0; i < prepared->disks->len; i++) {
        const SvirtDiskImages *disk = prepared->disks->pdata[i];
        g_autofree char *json = NULL;

        if (disk == NULL || disk->chain == NULL ||
            !wanted(cli, disk->disk->target)) {
            continue;
        }
        json = svirt_chain_to_json(disk->chain);
        if (!svirt_chains_put(state, &definition->uuid, disk->disk->target,
                              json, error)) {
            return false;
        }
        (*ret_count)++;
    }
    return true;
}

/* What the images say now is followed under the author's rights and under
 * every rule of what root may open, exactly as at define. */
static bool
accept_now(const SvirtCli *cli, const SvirtDefinition *definition,
           GError **error)
{
    g_autoptr(SvirtPrepared) prepared = NULL;
    SvirtState *state;
    unsigned count = 0;

    if (!svirt_prepare(cli->manager, definition, SVIRT_PREPARE_ACCEPT,
                       time(NULL), &prepared, error)) {
        return false;
    }
    state = svirt_manager_state(cli->manager, SVIRT_STATE_WRITE, error);
    if (state == NULL || !svirt_state_begin(state, error)) {
        return false;
    }
    if (!put_chains(cli, state, definition, prepared, &count, error)) {
        svirt_state_rollback(state);
        return false;
    }
    if (!svirt_state_commit(state, error)) {
        return false;
    }
    if (count == 0 && svirt_arguments_text(cli->args, "disk") != NULL) {
        return svirt_raise(error, SVIRT_ERROR_NOT_FOUND, NULL,
                           "svirt chain show lists its disks",
                           "domain '%s' has no disk '%s'", definition->name,
                           svirt_arguments_text(cli->args, "disk"));
    }
    svirt_cli_done(cli, definition->name,
                   "%u %s of domain '%s' recorded as %s now", count,
                   count == 1 ? "chain" : "chains", definition->name,
                   count == 1 ? "it is" : "they are");
    return true;
}

bool
svirt_cmd_chain(const SvirtCli *cli, int *ret_exit, GError **error)
{
    const char *verb = svirt_arguments_text(cli->args, "verb");
    g_autoptr(SvirtDefinition) definition = NULL;
    SVIRT_AUTO_RUN_DIR run = SVIRT_RUN_DIR_INIT;

    (void)ret_exit;
    if (!svirt_cli_domain(cli, &definition, error)) {
        return false;
    }
    if (strcmp(verb, "show") == 0) {
        return show(cli, definition, error);
    }
    if (strcmp(verb, "accept") == 0) {
        return svirt_run_dir_hold(cli->manager, definition,
                                  ": its guest writes the headers", &run,
                                  error) &&
               accept_now(cli, definition, error);
    }
    return svirt_raise(error, SVIRT_ERROR_USAGE, NULL,
                       "use chain show or chain accept",
                       "chain verb '%s' is unknown", verb);
}
