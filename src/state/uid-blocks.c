/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "state/claims.h"
#include "state/statement.h"

/* How many blocks one long look at the host serves. */
#define SEEN_BLOCKS 64u
/* From how many on several states of one host begin at places of their own. */
#define SPREAD_BLOCKS 4096u

/*
 * Blocks are counted in places that only grow: place p is block p modulo
 * `blocks`. So a place that was seen free cannot have been given away before
 * the search comes to it.
 */
typedef struct Search {
    uid_t first;     /* of the configured range */
    uint64_t blocks; /* in it */
    char *cursor;    /* owned; name of the row with the next place */
    char *seen;      /* owned; of the row with the first place not seen */
    SvirtUidInUse in_use;
    void *data;
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

static uid_t
base_of(const Search *search, uint64_t place)
{
    return search->first + (uid_t)(place % search->blocks) * SVIRT_UID_BLOCK;
}

static bool
set_cursor(SvirtState *state, const char *name, uint64_t place,
           GError **error)
{
    return svirt_statement_run(
        state,
        "INSERT INTO cursors(name, value) VALUES(?1, ?2)"
        " ON CONFLICT(name) DO UPDATE SET value = ?2",
        BINDS(BIND_TEXT(name), BIND_INT(place)), error);
}

static bool
take(SvirtState *state, const SvirtOwner *owner, const Search *search,
     uint64_t place, GError **error)
{
    uid_t base = base_of(search, place);
    g_autofree char *label = g_strdup_printf("+%u:+%u", base, base);
    g_autoptr(SvirtClaim) claim =
        svirt_claim_new(owner, SVIRT_MODEL_DAC, "", label);

    claim->uid_first = base;
    claim->uid_count = SVIRT_UID_BLOCK;
    return svirt_claims_add(state, claim, error) &&
           set_cursor(state, search->cursor, place + 1, error);
}

static bool
is_free(SvirtState *state, const Search *search, SvirtStatement *claimed,
        uint64_t place, bool seen, bool *ret_free, GError **error)
{
    uid_t base = base_of(search, place);
    sqlite3_stmt *row = NULL;

    if (!svirt_statement_rebind(
            claimed, BINDS(BIND_INT(base), BIND_INT(SVIRT_UID_BLOCK)),
            error) ||
        !svirt_statement_step(claimed, &row, error)) {
        return false;
    }
    *ret_free = row == NULL && (search->in_use == NULL ||
                         !search->in_use(base, SVIRT_UID_BLOCK, seen,
                                         search->data));
    return true;
}

/* The host was looked at in full: what else that look says is written down. */
static bool
note_seen(SvirtState *state, const Search *search, SvirtStatement *claimed,
          uint64_t place, GError **error)
{
    uint64_t most = MIN(SEEN_BLOCKS, search->blocks);
    uint64_t end = place + 1;
    bool free_too = true;

    for (; free_too && end < place + most; end++) {
        if (!is_free(state, search, claimed, end, false, &free_too, error)) {
            return false;
        }
    }
    return set_cursor(state, search->seen, free_too ? end : end - 1, error);
}

/* The first place from the cursor on that nobody has; `none`: no place. */
static bool
find_free(SvirtState *state, const Search *search, bool *ret_none,
          uint64_t *ret_place, GError **error)
{
    g_autoptr(SvirtStatement) claimed = NULL;
    int64_t start, seen;

    if (!svirt_statement_number(
            state, "SELECT value FROM cursors WHERE name = ?",
            BINDS(BIND_TEXT(search->cursor)), 0, &start, error) ||
        !svirt_statement_number(
            state, "SELECT value FROM cursors WHERE name = ?",
            BINDS(BIND_TEXT(search->seen)), 0, &seen, error) ||
        !svirt_statement_prepare(
            state,
            "SELECT 1 FROM claims WHERE uid_count > 0"
            " AND uid_first > ?1 - ?2 AND uid_first < ?1 + ?2"
            " AND uid_first + uid_count > ?1",
            NULL, &claimed, error)) {
        return false;
    }
    *ret_none = true;
    for (uint64_t i = 0; *ret_none && i < search->blocks; i++) {
        uint64_t place = (uint64_t)start + i;
        bool is_seen = place < (uint64_t)seen;
        bool is_it;

        if (!is_free(state, search, claimed, place, is_seen, &is_it, error)) {
            return false;
        }
        if (is_it && !is_seen && search->in_use != NULL &&
            !note_seen(state, search, claimed, place, error)) {
            return false;
        }
        *ret_none = !is_it;
        *ret_place = place;
    }
    return true;
}

bool
svirt_claims_uid_start(SvirtState *state, uid_t first, uid_t last,
                       uint32_t hash, GError **error)
{
    g_autofree char *cursor = g_strdup_printf("uid:%u-%u", first, last);
    uint64_t blocks =
        last > first ? ((uint64_t)last - first + 1) / SVIRT_UID_BLOCK : 0;

    return blocks < SPREAD_BLOCKS ||
           svirt_statement_run(
               state, "INSERT OR IGNORE INTO cursors(name, value)"
                      " VALUES(?, ?)",
               BINDS(BIND_TEXT(cursor), BIND_INT(hash % blocks)), error);
}

bool
svirt_claims_uid_block(SvirtState *state, const SvirtOwner *owner,
                       uid_t first, uid_t last, SvirtUidInUse in_use,
                       void *data, uid_t *ret_first, GError **error)
{
    g_autoptr(SvirtClaim) present = NULL;
    g_autofree char *cursor = g_strdup_printf("uid:%u-%u", first, last);
    g_autofree char *seen = g_strdup_printf("uid-seen:%u-%u", first, last);
    Search search = { first, 0, cursor, seen, in_use, data };
    uint64_t place = 0;
    bool none;

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
    if (!find_free(state, &search, &none, &place, error)) {
        return false;
    }
    if (none) {
        return svirt_raise(error, SVIRT_ERROR_BUSY, NULL,
                           "widen the uid range in svirt.conf",
                           "all %llu uid blocks of %u-%u are taken",
                           (unsigned long long)search.blocks, first, last);
    }
    if (!take(state, owner, &search, place, error)) {
        return false;
    }
    *ret_first = base_of(&search, place);
    return true;
}
