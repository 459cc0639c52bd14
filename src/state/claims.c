/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "state/claims.h"

#include <string.h>

#include "state/statement.h"

SvirtClaim *
svirt_claim_new(const SvirtOwner *owner, SvirtModelKind model,
                const char *type, const char *label)
{
    SvirtClaim *claim = g_new0(SvirtClaim, 1);

    claim->owner = *owner;
    claim->model = model;
    claim->type = g_strdup(type);
    claim->label = g_strdup(label);
    return claim;
}

void
svirt_claim_free(SvirtClaim *claim)
{
    if (claim == NULL) {
        return;
    }
    g_free(claim->type);
    g_free(claim->label);
    g_free(claim);
}

/* The members as big-endian 16-bit numbers: equal sets are equal blobs. */
static GByteArray *
pack_categories(const SvirtCategorySet *set)
{
    GByteArray *bytes = g_byte_array_new();

    for (unsigned c = svirt_category_set_next(set, 0); c < SVIRT_CATEGORY_MAX;
         c = svirt_category_set_next(set, c + 1)) {
        const uint8_t pair[2] = { (uint8_t)(c >> 8), (uint8_t)c };

        g_byte_array_append(bytes, pair, sizeof(pair));
    }
    return bytes;
}

/* Never NULL: an empty set is an empty blob, no set is NULL. */
static const uint8_t *
packed_bytes(const GByteArray *packed)
{
    return packed->data != NULL ? packed->data : (const uint8_t *)"";
}

static void
unpack_categories(sqlite3_stmt *row, int column, SvirtCategorySet *ret)
{
    const uint8_t *bytes = sqlite3_column_blob(row, column);
    int size = sqlite3_column_bytes(row, column);

    svirt_category_set_clear(ret);
    for (int i = 0; bytes != NULL && i + 1 < size; i += 2) {
        unsigned c = (unsigned)bytes[i] << 8 | bytes[i + 1];

        if (c < SVIRT_CATEGORY_MAX) {
            svirt_category_set_add(ret, c);
        }
    }
}

#define COLUMNS "uuid, incarnation, author, model, type, label, shared, "    \
                "set_size, categories, uid_first, uid_count"

static void *
read_row(SvirtState *state, sqlite3_stmt *row, GError **error)
{
    g_autoptr(SvirtClaim) claim = g_new0(SvirtClaim, 1);
    const char *model = (const char *)sqlite3_column_text(row, 3);

    claim->owner.uuid = svirt_statement_uuid(row, 0);
    claim->owner.incarnation = (uint64_t)sqlite3_column_int64(row, 1);
    claim->owner.author = (uid_t)sqlite3_column_int64(row, 2);
    if (!svirt_model_kind_from_string(model, &claim->model)) {
        svirt_raise(error, SVIRT_ERROR_CORRUPT, NULL, NULL,
                    "a claim is of the unknown model '%.32s'", model);
        return NULL;
    }
    claim->type = svirt_statement_text(row, 4);
    claim->label = svirt_statement_text(row, 5);
    claim->shared = sqlite3_column_int64(row, 6) != 0;
    claim->has_categories = sqlite3_column_type(row, 7) != SQLITE_NULL;
    unpack_categories(row, 8, &claim->categories);
    claim->uid_first = (uid_t)sqlite3_column_int64(row, 9);
    claim->uid_count = (unsigned)sqlite3_column_int64(row, 10);
    return g_steal_pointer(&claim);
}

static bool
read_all(SvirtState *state, const char *sql, const SvirtBind *binds,
         GPtrArray **ret, GError **error)
{
    return svirt_statement_list(state, sql, binds, read_row,
                                (GDestroyNotify)svirt_claim_free, ret, error);
}

bool
svirt_claims_list(SvirtState *state, const SvirtUuid *uuid, GPtrArray **ret,
                  GError **error)
{
    if (uuid == NULL) {
        return read_all(state,
                        "SELECT " COLUMNS " FROM claims ORDER BY uuid, model",
                        NULL, ret, error);
    }
    return read_all(
        state, "SELECT " COLUMNS " FROM claims WHERE uuid = ? ORDER BY model",
        BINDS(BIND_UUID(uuid)), ret, error);
}

bool
svirt_claims_find(SvirtState *state, const SvirtUuid *uuid,
                  SvirtModelKind model, SvirtClaim **ret, GError **error)
{
    g_autoptr(GPtrArray) list = NULL;

    if (!read_all(state,
                  "SELECT " COLUMNS
                  " FROM claims WHERE uuid = ? AND model = ?",
                  BINDS(BIND_UUID(uuid),
                        BIND_TEXT(svirt_model_kind_to_string(model))),
                  &list, error)) {
        return false;
    }
    *ret = list->len > 0 ? g_ptr_array_steal_index(list, 0) : NULL;
    return true;
}

bool
svirt_claims_by_label(SvirtState *state, SvirtModelKind model,
                      const char *label, GPtrArray **ret, GError **error)
{
    return read_all(state,
                    "SELECT " COLUMNS
                    " FROM claims WHERE model = ? AND label = ? ORDER BY uuid",
                    BINDS(BIND_TEXT(svirt_model_kind_to_string(model)),
                          BIND_TEXT(label)),
                    ret, error);
}

bool
svirt_claims_check_author(SvirtState *state, const SvirtUuid *uuid,
                          uid_t author, GError **error)
{
    char text[SVIRT_UUID_TEXT];
    int64_t other;

    if (!svirt_statement_number(
            state,
            "SELECT author FROM claims WHERE uuid = ?1 AND author <> ?2 "
            "UNION ALL SELECT author FROM object_claims "
            "WHERE uuid = ?1 AND author <> ?2 LIMIT 1",
            BINDS(BIND_UUID(uuid), BIND_INT(author)), -1, &other, error)) {
        return false;
    }
    if (other < 0) {
        return true;
    }
    svirt_uuid_format(uuid, text);
    return svirt_raise(error, SVIRT_ERROR_REFUSED, NULL,
                       "use another UUID, or svirt release as that user",
                       "UUID %s has labels of uid %lld", text,
                       (long long)other);
}

static bool
raise_conflict(const SvirtClaim *claim, const SvirtClaim *holder,
               const char *how, GError **error)
{
    char uuid[SVIRT_UUID_TEXT];

    svirt_uuid_format(&holder->owner.uuid, uuid);
    return svirt_raise(error, SVIRT_ERROR_EXISTS, NULL,
                       "give one of the two another label, or a type of "
                       "its own",
                       "%s label '%.256s' %s '%.256s' of UUID %s",
                       svirt_model_kind_to_string(claim->model),
                       claim->label, how, holder->label, uuid);
}

/* Two definitions may spell out the same static label. */
static bool
may_share(const SvirtClaim *a, const SvirtClaim *b)
{
    return a->shared && b->shared && strcmp(a->label, b->label) == 0 &&
           strcmp(a->type, b->type) == 0;
}

static bool
check_labels(SvirtState *state, const SvirtClaim *claim, GError **error)
{
    g_autoptr(GPtrArray) holders = NULL;

    if (!svirt_claims_by_label(state, claim->model, claim->label, &holders,
                               error)) {
        return false;
    }
    for (unsigned i = 0; i < holders->len; i++) {
        const SvirtClaim *holder = holders->pdata[i];

        if (!svirt_uuid_equal(&holder->owner.uuid, &claim->owner.uuid) &&
            !may_share(claim, holder)) {
            return raise_conflict(claim, holder, "is also", error);
        }
    }
    return true;
}

/* Both sorted: is every number of `inner` in `outer`? */
static bool
packed_within(const uint8_t *inner, size_t inner_size, const uint8_t *outer,
              size_t outer_size)
{
    size_t at = 0;

    for (size_t i = 0; i + 1 < inner_size; i += 2) {
        while (at + 1 < outer_size && memcmp(outer + at, inner + i, 2) < 0) {
            at += 2;
        }
        if (at + 1 >= outer_size || memcmp(outer + at, inner + i, 2) != 0) {
            return false;
        }
        at += 2;
    }
    return true;
}

/* The claim `id` has a set that cannot stand beside this one: is it somebody
 * else's, and not shared? */
static bool
check_holder(SvirtState *state, const SvirtClaim *claim, int64_t id,
             GError **error)
{
    g_autoptr(GPtrArray) holders = NULL;

    if (!read_all(state, "SELECT " COLUMNS " FROM claims WHERE id = ?",
                  BINDS(BIND_INT(id)), &holders, error)) {
        return false;
    }
    for (unsigned i = 0; i < holders->len; i++) {
        const SvirtClaim *holder = holders->pdata[i];

        if (!svirt_uuid_equal(&holder->owner.uuid, &claim->owner.uuid) &&
            !may_share(claim, holder)) {
            return raise_conflict(claim, holder, "cannot be kept apart from",
                                  error);
        }
    }
    return true;
}

/*
 * Sets of equal size contain one another only when equal: the index answers.
 * Those of other sizes are compared one by one, on the index alone; derived
 * ones have one size, so there are few.
 */
static bool
check_sets(SvirtState *state, const SvirtClaim *claim,
           const GByteArray *packed, GError **error)
{
    g_autoptr(SvirtStatement) statement = NULL;
    sqlite3_stmt *row = NULL;

    if (!svirt_statement_prepare(
            state,
            "SELECT id, categories FROM claims WHERE model = ?1"
            "  AND type = ?2 AND set_size = ?3 AND categories = ?4"
            " UNION ALL SELECT id, categories FROM claims WHERE model = ?1"
            "  AND type = ?2 AND set_size < ?3"
            " UNION ALL SELECT id, categories FROM claims WHERE model = ?1"
            "  AND type = ?2 AND set_size > ?3",
            BINDS(BIND_TEXT(svirt_model_kind_to_string(claim->model)),
                  BIND_TEXT(claim->type), BIND_INT(packed->len / 2),
                  BIND_BLOB(packed_bytes(packed), packed->len)),
            &statement, error)) {
        return false;
    }
    for (;;) {
        const uint8_t *other;
        size_t size;

        if (!svirt_statement_step(statement, &row, error)) {
            return false;
        }
        if (row == NULL) {
            return true;
        }
        other = sqlite3_column_blob(row, 1);
        size = (size_t)sqlite3_column_bytes(row, 1);
        if ((packed_within(other, size, packed->data, packed->len) ||
             packed_within(packed->data, packed->len, other, size)) &&
            !check_holder(state, claim, sqlite3_column_int64(row, 0), error)) {
            return false;
        }
    }
}

static bool
check_uids(SvirtState *state, const SvirtClaim *claim, GError **error)
{
    g_autoptr(GPtrArray) holders = NULL;

    if (claim->uid_count == 0) {
        return true;
    }
    if (!read_all(state,
                  "SELECT " COLUMNS " FROM claims WHERE uid_count > 0"
                  " AND uid_first > ?1 - ?4"
                  " AND uid_first < ?1 + ?2 AND uid_first + uid_count > ?1"
                  " AND uuid <> ?3",
                  BINDS(BIND_INT(claim->uid_first),
                        BIND_INT(claim->uid_count),
                        BIND_UUID(&claim->owner.uuid),
                        BIND_INT(SVIRT_UID_BLOCK)),
                  &holders, error)) {
        return false;
    }
    for (unsigned i = 0; i < holders->len; i++) {
        if (!may_share(claim, holders->pdata[i])) {
            return raise_conflict(claim, holders->pdata[i],
                                  "shares a uid with", error);
        }
    }
    return true;
}

static bool
claims_equal(const SvirtClaim *a, const SvirtClaim *b)
{
    return svirt_uuid_equal(&a->owner.uuid, &b->owner.uuid) &&
           a->owner.incarnation == b->owner.incarnation &&
           a->owner.author == b->owner.author && a->model == b->model &&
           strcmp(a->type, b->type) == 0 && strcmp(a->label, b->label) == 0 &&
           a->shared == b->shared && a->has_categories == b->has_categories &&
           (!a->has_categories ||
            svirt_category_set_equal(&a->categories, &b->categories)) &&
           a->uid_count == b->uid_count &&
           (a->uid_count == 0 || a->uid_first == b->uid_first);
}

static bool
insert_claim(SvirtState *state, const SvirtClaim *claim,
             const GByteArray *packed, GError **error)
{
    return svirt_statement_run(
        state,
        "INSERT OR REPLACE INTO claims(" COLUMNS ") VALUES"
        "(?1, ?2, ?3, ?4, ?5, ?6, ?7, iif(?9 IS NULL, NULL, ?8), ?9, ?10,"
        " ?11)",
        BINDS(BIND_UUID(&claim->owner.uuid),
              BIND_INT(claim->owner.incarnation),
              BIND_INT(claim->owner.author),
              BIND_TEXT(svirt_model_kind_to_string(claim->model)),
              BIND_TEXT(claim->type), BIND_TEXT(claim->label),
              BIND_INT(claim->shared), BIND_INT(packed->len / 2),
              BIND_BLOB(claim->has_categories ? packed_bytes(packed) : NULL,
                        packed->len),
              BIND_INT(claim->uid_first),
              BIND_INT(claim->uid_count)),
        error);
}

bool
svirt_claims_add(SvirtState *state, const SvirtClaim *claim, GError **error)
{
    g_autoptr(GByteArray) packed = pack_categories(&claim->categories);
    g_autoptr(SvirtClaim) present = NULL;

    g_assert(claim->uid_count <= SVIRT_UID_BLOCK);
    if (!svirt_claims_check_author(state, &claim->owner.uuid,
                                   claim->owner.author, error) ||
        !svirt_claims_find(state, &claim->owner.uuid, claim->model, &present,
                           error)) {
        return false;
    }
    /* A start that changes nothing makes no durable write. */
    if (present != NULL && claims_equal(present, claim)) {
        return true;
    }
    if (!check_labels(state, claim, error) ||
        (claim->has_categories && !check_sets(state, claim, packed, error)) ||
        !check_uids(state, claim, error)) {
        return false;
    }
    return insert_claim(state, claim, packed, error);
}

bool
svirt_claims_remove(SvirtState *state, const SvirtUuid *uuid,
                    SvirtModelKind model, GError **error)
{
    return svirt_statement_run(
        state, "DELETE FROM claims WHERE uuid = ? AND model = ?",
        BINDS(BIND_UUID(uuid), BIND_TEXT(svirt_model_kind_to_string(model))),
        error);
}

bool
svirt_claims_remove_all(SvirtState *state, const SvirtUuid *uuid,
                        GError **error)
{
    return svirt_statement_run(state, "DELETE FROM claims WHERE uuid = ?",
                               BINDS(BIND_UUID(uuid)), error);
}
