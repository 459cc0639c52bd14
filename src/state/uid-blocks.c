/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "state/claims.h"
#include "state/statement.h"

typedef struct Search {
    uid_t first;     /* of the configured range */
    uint64_t blocks; /* in it */
    char *cursor;    /* owned; name of the row that keeps the place */
} Search;

static bool
check_owned(const SvirtClaim *claim, const SvirtOwner *owner, uid_t first,
            uid_t last)
{
    return claim != NULL && !claim->shared &&
           claim->uid_count == SVIRT_UID_BLOCK && claim->uid_first >= first &&
           claim->uid_first + (SVIRT_UID_BLOCK - 1) <= last &&
           claim->owner.incarnation == owner->incarnation;
}

static bool
take(SvirtState *state, const SvirtOwner *owner, uid_t base,
     const Search *search, uint64_t next, GError **error)
{
    g_autofree char *label = g_strdup_printf("+%u:+%u", base, base);
    g_autoptr(SvirtClaim) claim =
        svirt_claim_new(owner, SVIRT_MODEL_DAC, "", label);

    claim->uid_first = base;
    claim->uid_count = SVIRT_UID_BLOCK;
    return svirt_claims_add(state, claim, error) &&
           svirt_statement_run(
               state,
               "INSERT INTO cursors(name, value) VALUES(?1, ?2)"
               " ON CONFLICT(name) DO UPDATE SET value = ?2",
               BINDS(BIND_TEXT(search->cursor), BIND_INT(next)), error);
}

/* The first block from the cursor on that nobody has; *ret_index is its
 * number, `blocks` when there is none. */
static bool
find_free(SvirtState *state, const Search *search, SvirtUidInUse in_use,
          void *data, uint64_t *ret_index, GError **error)
{
    g_autoptr(sqlite3_stmt) claimed = NULL;
    int64_t start;
    bool row = false;

    if (!svirt_statement_number(
            state, "SELECT value FROM cursors WHERE name = ?",
            BINDS(BIND_TEXT(search->cursor)), 0, &start, error) ||
        !svirt_statement_prepare(
            state,
            "SELECT 1 FROM claims WHERE uid_count > 0"
            " AND uid_first > ?1 - ?2 AND uid_first < ?1 + ?2"
            " AND uid_first + uid_count > ?1",
            NULL, &claimed, error)) {
        return false;
    }
    for (uint64_t i = 0; i < search->blocks; i++) {
        uint64_t index = ((uint64_t)start + i) % search->blocks;
        uid_t base = search->first + (uid_t)index * SVIRT_UID_BLOCK;

        if (!svirt_statement_rebind(state, claimed,
                                    BINDS(BIND_INT(base),
                                          BIND_INT(SVIRT_UID_BLOCK)),
                                    error) ||
            !svirt_statement_step(state, claimed, &row, error)) {
            return false;
        }
        if (!row &&
            (in_use == NULL || !in_use(base, SVIRT_UID_BLOCK, data))) {
            *ret_index = index;
            return true;
        }
    }
    *ret_index = search->blocks;
    return true;
}

bool
svirt_claims_uid_block(SvirtState *state, const SvirtOwner *owner,
                       uid_t first, uid_t last, SvirtUidInUse in_use,
                       void *data, uid_t *ret_first, GError **error)
{
    g_autoptr(SvirtClaim) present = NULL;
    g_autofree char *cursor = g_strdup_printf("uid:%u-%u", first, last);
    Search search = { first, 0, cursor };
    uint64_t index;
    uid_t base;

    /* uid 0 and the id that means none are never a VM's. */
    if (first == 0 || last == (uid_t)-1 || last < first ||
        last - first + 1 < SVIRT_UID_BLOCK) {
        return svirt_raise(error, SVIRT_ERROR_INVALID, NULL,
                           "give a range of at least 4 uids above 0",
                           "uid range %u-%u cannot serve VMs", first, last);
    }
    search.blocks = ((uint64_t)last - first + 1) / SVIRT_UID_BLOCK;
    if (!svirt_claims_check_author(state, &owner->uuid, owner->author,
                                   error) ||
        !svirt_claims_find(state, &owner->uuid, SVIRT_MODEL_DAC, &present,
                           error)) {
        return false;
    }
    if (check_owned(present, owner, first, last)) {
        *ret_first = present->uid_first;
        return true;
    }
    if (!find_free(state, &search, in_use, data, &index, error)) {
        return false;
    }
    if (index == search.blocks) {
        return svirt_raise(error, SVIRT_ERROR_BUSY, NULL,
                           "widen the uid range in svirt.conf",
                           "all %llu uid blocks of %u-%u are taken",
                           (unsigned long long)search.blocks, first, last);
    }
    base = first + (uid_t)index * SVIRT_UID_BLOCK;
    if (!take(state, owner, base, &search, index + 1, error)) {
        return false;
    }
    *ret_first = base;
    return true;
}
