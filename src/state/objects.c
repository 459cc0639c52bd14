/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "state/objects.h"

#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "state/statement.h"

SVIRT_ENUM_TABLE(SvirtRestore, svirt_restore, SVIRT_RESTORE_MAX,
                 [SVIRT_RESTORE_GIVE_BACK] = "give back",
                 [SVIRT_RESTORE_NOTHING] = "nothing to do",
                 [SVIRT_RESTORE_STILL_CLAIMED] = "still claimed",
                 [SVIRT_RESTORE_OTHER_OBJECT] = "another object",
                 [SVIRT_RESTORE_CHANGED] = "changed by somebody else")

void
svirt_remembered_free(SvirtRemembered *remembered)
{
    if (remembered == NULL) {
        return;
    }
    g_free(remembered->shown_path);
    g_free(remembered->original);
    g_clear_pointer(&remembered->written, g_ptr_array_unref);
    g_free(remembered);
}

/* Block devices are also found by what lies behind the node. */
static int64_t
rdev_of(const SvirtIdentity *identity)
{
    return (int64_t)identity->rdev_major << 32 | identity->rdev_minor;
}

#define COLUMNS "r.id, r.identity, r.shown_path, r.model, r.original, "      \
                "(SELECT count(*) FROM object_claims c"                      \
                " WHERE c.remembered = r.id) "

static void *
read_row(SvirtState *state, sqlite3_stmt *row, GError **error)
{
    g_autoptr(SvirtRemembered) remembered = g_new0(SvirtRemembered, 1);
    const char *model = (const char *)sqlite3_column_text(row, 3);

    remembered->id = sqlite3_column_int64(row, 0);
    if (!svirt_identity_parse((const char *)sqlite3_column_text(row, 1),
                              &remembered->identity, error)) {
        return NULL;
    }
    if (!svirt_model_kind_from_string(model, &remembered->model)) {
        svirt_raise(error, SVIRT_ERROR_CORRUPT, NULL, NULL,
                    "a record is of the unknown model '%.32s'", model);
        return NULL;
    }
    remembered->shown_path = svirt_statement_text(row, 2);
    remembered->original = svirt_statement_text(row, 4);
    remembered->claim_count = (unsigned)sqlite3_column_int64(row, 5);
    if (!svirt_statement_list(
            state,
            "SELECT value FROM remembered_values WHERE remembered = ?"
            " ORDER BY id",
            BINDS(BIND_INT(remembered->id)), svirt_row_text, g_free,
            &remembered->written, error)) {
        return NULL;
    }
    return g_steal_pointer(&remembered);
}

static bool
read_all(SvirtState *state, const char *sql, const SvirtBind *binds,
         GPtrArray **ret, GError **error)
{
    return svirt_statement_list(state, sql, binds, read_row,
                                (GDestroyNotify)svirt_remembered_free, ret,
                                error);
}

bool
svirt_objects_find(SvirtState *state, const SvirtIdentity *identity,
                   SvirtModelKind model, SvirtRemembered **ret,
                   GError **error)
{
    g_autoptr(GPtrArray) list = NULL;

    if (!read_all(state,
                  "SELECT " COLUMNS "FROM remembered r"
                  " WHERE r.ino = ? AND r.model = ?",
                  BINDS(BIND_INT(identity->ino),
                        BIND_TEXT(svirt_model_kind_to_string(model))),
                  &list, error)) {
        return false;
    }
    for (unsigned i = 0; i < list->len; i++) {
        SvirtRemembered *one = list->pdata[i];

        if (svirt_identity_same(&one->identity, identity)) {
            *ret = g_ptr_array_steal_index(list, i);
            return true;
        }
    }
    *ret = NULL;
    return true;
}

bool
svirt_objects_by_id(SvirtState *state, int64_t id, SvirtRemembered **ret,
                    GError **error)
{
    g_autoptr(GPtrArray) list = NULL;

    if (!read_all(state, "SELECT " COLUMNS "FROM remembered r WHERE r.id = ?",
                  BINDS(BIND_INT(id)), &list, error)) {
        return false;
    }
    *ret = list->len > 0 ? g_ptr_array_steal_index(list, 0) : NULL;
    return true;
}

bool
svirt_objects_list(SvirtState *state, const SvirtUuid *uuid, GPtrArray **ret,
                   GError **error)
{
    if (uuid == NULL) {
        return read_all(state,
                        "SELECT " COLUMNS "FROM remembered r ORDER BY r.id",
                        NULL, ret, error);
    }
    return read_all(state,
                    "SELECT " COLUMNS "FROM remembered r WHERE r.id IN"
                    " (SELECT remembered FROM object_claims WHERE uuid = ?)"
                    " ORDER BY r.id",
                    BINDS(BIND_UUID(uuid)), ret, error);
}

bool
svirt_objects_written(SvirtState *state, SvirtModelKind model,
                      GPtrArray **ret, GError **error)
{
    g_autoptr(SvirtStatement) statement = NULL;
    g_autoptr(GPtrArray) values = g_ptr_array_new_with_free_func(g_free);
    sqlite3_stmt *row = NULL;

    if (!svirt_statement_prepare(
            state,
            "SELECT DISTINCT v.value FROM remembered r"
            " JOIN remembered_values v ON v.remembered = r.id"
            " WHERE r.model = ?",
            BINDS(BIND_TEXT(svirt_model_kind_to_string(model))), &statement,
            error)) {
        return false;
    }
    for (;;) {
        if (!svirt_statement_step(statement, &row, error)) {
            return false;
        }
        if (row == NULL) {
            break;
        }
        g_ptr_array_add(values, svirt_statement_text(row, 0));
    }
    *ret = g_steal_pointer(&values);
    return true;
}

static void
add_owner(GPtrArray *owners, sqlite3_stmt *row)
{
    SvirtOwner owner = {
        .uuid = svirt_statement_uuid(row, 2),
        .incarnation = (uint64_t)sqlite3_column_int64(row, 3),
        .author = (uid_t)sqlite3_column_int64(row, 4),
    };

    for (unsigned i = 0; i < owners->len; i++) {
        const SvirtOwner *other = owners->pdata[i];

        if (svirt_uuid_equal(&other->uuid, &owner.uuid)) {
            return;
        }
    }
    g_ptr_array_add(owners, g_memdup2(&owner, sizeof(owner)));
}

/* The claims on records of the same storage; the inode number alone says
 * little, so each record's identity decides. */
static bool
collect_owners(SvirtStatement *statement, const SvirtIdentity *identity,
               bool writers, GPtrArray *owners, GError **error)
{
    int64_t record = 0;
    bool same = false;
    sqlite3_stmt *row = NULL;

    for (;;) {
        if (!svirt_statement_step(statement, &row, error)) {
            return false;
        }
        if (row == NULL) {
            return true;
        }
        if (sqlite3_column_int64(row, 0) != record) {
            SvirtIdentity other;

            record = sqlite3_column_int64(row, 0);
            if (!svirt_identity_parse(
                    (const char *)sqlite3_column_text(row, 1), &other,
                    error)) {
                return false;
            }
            same = svirt_identity_same_storage(&other, identity);
        }
        if (same && (!writers || sqlite3_column_int(row, 5) != 0)) {
            add_owner(owners, row);
        }
    }
}

#define OWNERS_OF                                                            \
    "SELECT r.id, r.identity, c.uuid, c.incarnation, c.author,"             \
    " r.model = 'none'"                                                      \
    " FROM remembered r JOIN object_claims c ON c.remembered = r.id"        \
    " WHERE r.ino = ?1"
/* Planning for three indexes takes longer than asking one. */
#define OWNERS_OF_DEVICE                                                     \
    OWNERS_OF " OR (r.device <> '' AND r.device = ?2)"                       \
              " OR (r.rdev <> 0 AND r.rdev = ?3)"

static bool
list_owners(SvirtState *state, const SvirtIdentity *identity, bool writers,
            GPtrArray **ret, GError **error)
{
    g_autoptr(GPtrArray) owners = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(SvirtStatement) statement = NULL;
    const SvirtBind binds[] = { BIND_INT(identity->ino),
                                BIND_TEXT(identity->device),
                                BIND_INT(rdev_of(identity)),
                                { SVIRT_BIND_END } };
    const SvirtBind ino[] = { binds[0], { SVIRT_BIND_END } };
    bool device = identity->device[0] != '\0' || rdev_of(identity) != 0;

    if (!svirt_statement_prepare(state,
                                 device ? OWNERS_OF_DEVICE " ORDER BY r.id"
                                        : OWNERS_OF " ORDER BY r.id",
                                 device ? binds : ino, &statement, error) ||
        !collect_owners(statement, identity, writers, owners, error)) {
        return false;
    }
    *ret = g_steal_pointer(&owners);
    return true;
}

bool
svirt_objects_owners(SvirtState *state, const SvirtIdentity *identity,
                     GPtrArray **ret, GError **error)
{
    return list_owners(state, identity, false, ret, error);
}

bool
svirt_objects_writers(SvirtState *state, const SvirtIdentity *identity,
                      GPtrArray **ret, GError **error)
{
    return list_owners(state, identity, true, ret, error);
}

static bool
is_written(const SvirtRemembered *remembered, const char *value)
{
    for (unsigned i = 0; value != NULL && i < remembered->written->len; i++) {
        if (strcmp(remembered->written->pdata[i], value) == 0) {
            return true;
        }
    }
    return false;
}

static bool
insert_record(SvirtState *state, const SvirtIdentity *identity,
              const char *shown_path, SvirtModelKind model,
              const char *current, int64_t *ret_id, GError **error)
{
    g_autofree char *text = svirt_identity_format(identity);

    if (!svirt_statement_run(
            state,
            "INSERT INTO remembered(ino, device, rdev, identity, shown_path,"
            " model, original) VALUES(?, ?, ?, ?, ?, ?, ?)",
            BINDS(BIND_INT(identity->ino), BIND_TEXT(identity->device),
                  BIND_INT(rdev_of(identity)), BIND_TEXT(text),
                  BIND_TEXT(shown_path),
                  BIND_TEXT(svirt_model_kind_to_string(model)),
                  BIND_TEXT(current)),
            error)) {
        return false;
    }
    *ret_id = svirt_statement_last_id(state);
    return true;
}

/* Somebody else's value found on a labelled object is the new original. */
static bool
update_record(SvirtState *state, const SvirtRemembered *present,
              const char *shown_path, const char *current, GError **error)
{
    bool ours = is_written(present, current) ||
                g_strcmp0(present->original, current) == 0;

    return svirt_statement_run(
        state,
        "UPDATE remembered SET shown_path = ?1,"
        " original = iif(?2, original, ?3) WHERE id = ?4"
        " AND (shown_path <> ?1 OR NOT ?2)",
        BINDS(BIND_TEXT(shown_path), BIND_INT(ours), BIND_TEXT(current),
              BIND_INT(present->id)),
        error);
}

bool
svirt_objects_remember(SvirtState *state, const SvirtIdentity *identity,
                       const char *shown_path, SvirtModelKind model,
                       const SvirtOwner *owner, const char *current,
                       const char *to_write, int64_t *ret_id, GError **error)
{
    g_autoptr(SvirtRemembered) present = NULL;
    int64_t id;

    if (!svirt_objects_find(state, identity, model, &present, error)) {
        return false;
    }
    if (present != NULL) {
        id = present->id;
        if (!update_record(state, present, shown_path, current, error)) {
            return false;
        }
    } else if (!insert_record(state, identity, shown_path, model, current,
                              &id, error)) {
        return false;
    }
    if (to_write != NULL &&
        !svirt_statement_run(
            state,
            "INSERT OR IGNORE INTO remembered_values(remembered, value)"
            " VALUES(?, ?)",
            BINDS(BIND_INT(id), BIND_TEXT(to_write)), error)) {
        return false;
    }
    if (!svirt_statement_run(
            state,
            "INSERT INTO object_claims(remembered, uuid, incarnation, author)"
            " VALUES(?1, ?2, ?3, ?4) ON CONFLICT DO UPDATE"
            " SET incarnation = ?3, author = ?4"
            " WHERE incarnation <> ?3 OR author <> ?4",
            BINDS(BIND_INT(id), BIND_UUID(&owner->uuid),
                  BIND_INT(owner->incarnation), BIND_INT(owner->author)),
            error)) {
        return false;
    }
    *ret_id = id;
    return true;
}

bool
svirt_objects_drop(SvirtState *state, int64_t id, const SvirtUuid *uuid,
                   unsigned *ret_remaining, GError **error)
{
    int64_t remaining;

    if (!svirt_statement_run(
            state,
            "DELETE FROM object_claims WHERE remembered = ? AND uuid = ?",
            BINDS(BIND_INT(id), BIND_UUID(uuid)), error) ||
        !svirt_statement_number(
            state, "SELECT count(*) FROM object_claims WHERE remembered = ?",
            BINDS(BIND_INT(id)), 0, &remaining, error)) {
        return false;
    }
    *ret_remaining = (unsigned)remaining;
    return true;
}

bool
svirt_objects_forget(SvirtState *state, int64_t id, GError **error)
{
    int64_t claims;

    if (!svirt_statement_number(
            state, "SELECT count(*) FROM object_claims WHERE remembered = ?",
            BINDS(BIND_INT(id)), 0, &claims, error)) {
        return false;
    }
    if (claims > 0) {
        return svirt_raise(error, SVIRT_ERROR_STATE, NULL,
                           "drop the claims first",
                           "object %lld is still claimed by %lld VMs",
                           (long long)id, (long long)claims);
    }
    return svirt_statement_run(state, "DELETE FROM remembered WHERE id = ?",
                               BINDS(BIND_INT(id)), error);
}

bool
svirt_objects_rename_original(SvirtState *state, SvirtModelKind model,
                              const char *from, const char *to,
                              GError **error)
{
    return svirt_statement_run(
        state,
        "UPDATE remembered SET original = ? WHERE model = ? AND original = ?",
        BINDS(BIND_TEXT(to), BIND_TEXT(svirt_model_kind_to_string(model)),
              BIND_TEXT(from)),
        error);
}

SvirtRestore
svirt_restore_decide(const SvirtRemembered *remembered,
                     const SvirtIdentity *now, const char *current)
{
    if (remembered->claim_count > 0) {
        return SVIRT_RESTORE_STILL_CLAIMED;
    }
    if (!svirt_identity_same(&remembered->identity, now)) {
        return SVIRT_RESTORE_OTHER_OBJECT;
    }
    if (g_strcmp0(remembered->original, current) == 0) {
        return SVIRT_RESTORE_NOTHING;
    }
    return is_written(remembered, current) ? SVIRT_RESTORE_GIVE_BACK
                                           : SVIRT_RESTORE_CHANGED;
}
