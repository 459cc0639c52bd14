/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "state/waivers.h"

#include <string.h>

#include "state/statement.h"

SvirtWaiver *
svirt_waiver_new(const SvirtUuid *uuid, const char *layer,
                 const char *resource, const char *reason, uid_t author,
                 int64_t created_s, int64_t expires_s)
{
    SvirtWaiver *waiver = g_new0(SvirtWaiver, 1);

    waiver->uuid = *uuid;
    waiver->layer = g_strdup(layer);
    waiver->resource = g_strdup(resource);
    waiver->reason = g_strdup(reason);
    waiver->author = author;
    waiver->created_s = created_s;
    waiver->expires_s = expires_s;
    return waiver;
}

void
svirt_waiver_free(SvirtWaiver *waiver)
{
    if (waiver == NULL) {
        return;
    }
    g_free(waiver->layer);
    g_free(waiver->resource);
    g_free(waiver->reason);
    g_free(waiver);
}

static bool
text_fits(const char *text)
{
    return *text != '\0' &&
           strnlen(text, SVIRT_WAIVER_TEXT_BYTES) < SVIRT_WAIVER_TEXT_BYTES;
}

static bool
check_waiver(const SvirtWaiver *waiver, GError **error)
{
    if (!text_fits(waiver->layer) || !text_fits(waiver->resource)) {
        return svirt_raise(error, SVIRT_ERROR_INVALID, NULL,
                           "name one layer and one resource",
                           "waiver of '%.32s' for '%.32s' is incomplete",
                           waiver->layer, waiver->resource);
    }
    if (!text_fits(waiver->reason)) {
        return svirt_raise(error, SVIRT_ERROR_INVALID, NULL,
                           "give a reason of at most 1023 bytes",
                           "waiver of '%s' for '%s' has no reason",
                           waiver->layer, waiver->resource);
    }
    if (waiver->expires_s <= waiver->created_s) {
        return svirt_raise(error, SVIRT_ERROR_INVALID, NULL,
                           "give an expiry in the future",
                           "waiver of '%s' for '%s' expires at once",
                           waiver->layer, waiver->resource);
    }
    return true;
}

bool
svirt_waivers_add(SvirtState *state, SvirtWaiver *waiver, GError **error)
{
    char text[SVIRT_UUID_TEXT];

    if (!check_waiver(waiver, error) ||
        !svirt_statement_run(
            state,
            "INSERT OR REPLACE INTO waivers(uuid, layer, resource, reason,"
            " author, created_s, expires_s)"
            " SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7 FROM definitions"
            " WHERE uuid = ?1",
            BINDS(BIND_UUID(&waiver->uuid), BIND_TEXT(waiver->layer),
                  BIND_TEXT(waiver->resource), BIND_TEXT(waiver->reason),
                  BIND_INT(waiver->author), BIND_INT(waiver->created_s),
                  BIND_INT(waiver->expires_s)),
            error)) {
        return false;
    }
    if (svirt_statement_changes(state) == 0) {
        svirt_uuid_format(&waiver->uuid, text);
        return svirt_raise(error, SVIRT_ERROR_NOT_FOUND, NULL,
                           "define the domain first",
                           "no domain with UUID %s", text);
    }
    waiver->id = svirt_statement_last_id(state);
    return true;
}

bool
svirt_waivers_remove(SvirtState *state, int64_t id, GError **error)
{
    if (!svirt_statement_run(state, "DELETE FROM waivers WHERE id = ?",
                             BINDS(BIND_INT(id)), error)) {
        return false;
    }
    return svirt_statement_changes(state) > 0 ||
           svirt_raise(error, SVIRT_ERROR_NOT_FOUND, NULL,
                       "svirt waiver list shows them", "no waiver %lld",
                       (long long)id);
}

#define COLUMNS "id, uuid, layer, resource, reason, author, created_s, "     \
                "expires_s"

static void *
read_row(SvirtState *state, sqlite3_stmt *row, GError **error)
{
    SvirtWaiver *waiver = g_new0(SvirtWaiver, 1);

    waiver->id = sqlite3_column_int64(row, 0);
    waiver->uuid = svirt_statement_uuid(row, 1);
    waiver->layer = svirt_statement_text(row, 2);
    waiver->resource = svirt_statement_text(row, 3);
    waiver->reason = svirt_statement_text(row, 4);
    waiver->author = (uid_t)sqlite3_column_int64(row, 5);
    waiver->created_s = sqlite3_column_int64(row, 6);
    waiver->expires_s = sqlite3_column_int64(row, 7);
    return waiver;
}

static bool
read_all(SvirtState *state, const char *sql, const SvirtBind *binds,
         GPtrArray **ret, GError **error)
{
    return svirt_statement_list(state, sql, binds, read_row,
                                (GDestroyNotify)svirt_waiver_free, ret, error);
}

bool
svirt_waivers_list(SvirtState *state, const SvirtUuid *uuid, GPtrArray **ret,
                   GError **error)
{
    if (uuid == NULL) {
        return read_all(state,
                        "SELECT " COLUMNS " FROM waivers ORDER BY uuid, id",
                        NULL, ret, error);
    }
    return read_all(state,
                    "SELECT " COLUMNS
                    " FROM waivers WHERE uuid = ? ORDER BY id",
                    BINDS(BIND_UUID(uuid)), ret, error);
}

bool
svirt_waivers_active(SvirtState *state, const SvirtUuid *uuid,
                     const char *layer, const char *resource, int64_t now_s,
                     SvirtWaiver **ret, GError **error)
{
    g_autoptr(GPtrArray) list = NULL;

    if (!read_all(state,
                  "SELECT " COLUMNS " FROM waivers WHERE uuid = ?"
                  " AND layer = ? AND resource = ? AND expires_s > ?",
                  BINDS(BIND_UUID(uuid), BIND_TEXT(layer),
                        BIND_TEXT(resource), BIND_INT(now_s)),
                  &list, error)) {
        return false;
    }
    *ret = list->len > 0 ? g_ptr_array_steal_index(list, 0) : NULL;
    return true;
}
