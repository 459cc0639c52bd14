/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "state/chains.h"

#include <string.h>

#include "state/statement.h"

void
svirt_chain_record_free(SvirtChainRecord *chain)
{
    if (chain == NULL) {
        return;
    }
    g_free(chain->target);
    g_free(chain->json);
    g_free(chain);
}

bool
svirt_chains_put(SvirtState *state, const SvirtUuid *uuid, const char *target,
                 const char *json, GError **error)
{
    char text[SVIRT_UUID_TEXT];

    if (*target == '\0' || strnlen(target, SVIRT_CHAIN_TARGET_BYTES) ==
                               SVIRT_CHAIN_TARGET_BYTES) {
        return svirt_raise(error, SVIRT_ERROR_INVALID, NULL, NULL,
                           "disk name '%.32s' is empty or too long", target);
    }
    if (strnlen(json, SVIRT_CHAIN_BYTES) == SVIRT_CHAIN_BYTES) {
        return svirt_raise(error, SVIRT_ERROR_INVALID, NULL, NULL,
                           "the image chain of disk '%s' is over %u bytes",
                           target, SVIRT_CHAIN_BYTES);
    }
    if (!svirt_statement_run(
            state,
            "INSERT OR REPLACE INTO chains(uuid, target, json)"
            " SELECT ?1, ?2, ?3 FROM definitions WHERE uuid = ?1",
            BINDS(BIND_UUID(uuid), BIND_TEXT(target), BIND_TEXT(json)),
            error)) {
        return false;
    }
    if (svirt_statement_changes(state) == 0) {
        svirt_uuid_format(uuid, text);
        return svirt_raise(error, SVIRT_ERROR_NOT_FOUND, NULL,
                           "define the domain first",
                           "no domain with UUID %s", text);
    }
    return true;
}

bool
svirt_chains_get(SvirtState *state, const SvirtUuid *uuid, const char *target,
                 char **ret, GError **error)
{
    g_autoptr(SvirtStatement) statement = NULL;
    sqlite3_stmt *row = NULL;

    if (!svirt_statement_prepare(
            state, "SELECT json FROM chains WHERE uuid = ? AND target = ?",
            BINDS(BIND_UUID(uuid), BIND_TEXT(target)), &statement, error) ||
        !svirt_statement_step(statement, &row, error)) {
        return false;
    }
    *ret = row != NULL ? svirt_statement_text(row, 0) : NULL;
    return true;
}

static void *
read_row(SvirtState *state, sqlite3_stmt *row, GError **error)
{
    SvirtChainRecord *chain = g_new0(SvirtChainRecord, 1);

    chain->target = svirt_statement_text(row, 0);
    chain->json = svirt_statement_text(row, 1);
    return chain;
}

bool
svirt_chains_list(SvirtState *state, const SvirtUuid *uuid, GPtrArray **ret,
                  GError **error)
{
    return svirt_statement_list(
        state, "SELECT target, json FROM chains WHERE uuid = ? ORDER BY target",
        BINDS(BIND_UUID(uuid)), read_row,
        (GDestroyNotify)svirt_chain_record_free, ret, error);
}

bool
svirt_chains_remove(SvirtState *state, const SvirtUuid *uuid,
                    const char *target, GError **error)
{
    return svirt_statement_run(
        state, "DELETE FROM chains WHERE uuid = ? AND target = ?",
        BINDS(BIND_UUID(uuid), BIND_TEXT(target)), error);
}
