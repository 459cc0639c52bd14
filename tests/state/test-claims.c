/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "state/fixture.h"

#include "label/derive.h"

static SvirtClaim *
make(uint64_t number, const char *type, const char *categories, bool shared)
{
    SvirtOwner owner = numbered_owner(number);
    g_autofree char *label =
        g_strdup_printf("u:r:%s:s0:%s", type, categories);
    SvirtClaim *claim =
        svirt_claim_new(&owner, SVIRT_MODEL_SELINUX, type, label);

    claim->shared = shared;
    claim->has_categories = true;
    g_assert_true(
        svirt_category_set_parse(categories, &claim->categories, NULL));
    return claim;
}

/* Row by row: is the second set taken when the first is claimed? */
static const struct {
    const char *name;
    const char *type;
    const char *set;
    const char *other_type;
    const char *other_set;
    bool shared; /* both */
    bool taken;
} rows[] = {
    { "disjoint", "t", "c1,c2", "t", "c3,c4", false, true },
    { "crossing", "t", "c1,c2", "t", "c2,c3", false, true },
    { "equal", "t", "c1,c2", "t", "c1,c2", false, false },
    { "equal-in-another-type", "t", "c1,c2", "x", "c1,c2", false, true },
    { "subset", "t", "c1,c2", "t", "c1", false, false },
    { "superset", "t", "c1,c2", "t", "c1,c2,c3", false, false },
    { "superset-by-far", "t", "c7", "t", "c0.c1023", false, false },
    { "larger-but-crossing", "t", "c1,c2", "t", "c2.c9", false, true },
    { "empty-after", "t", "c1,c2", "t", "", false, false },
    { "empty-before", "t", "", "t", "c1,c2", false, false },
    { "both-empty", "t", "", "t", "", false, false },
    { "high-numbers", "t", "c256,c1023", "t", "c0,c1023", false, true },
    { "shared-equal", "t", "c1,c2", "t", "c1,c2", true, true },
    { "shared-subset", "t", "c1,c2", "t", "c1", true, false },
    { "shared-empty", "t", "", "t", "", true, true },
};

static void
test_row(Fixture *fixture, gconstpointer data)
{
    unsigned row = GPOINTER_TO_UINT(data);
    g_autoptr(SvirtClaim) first =
        make(1, rows[row].type, rows[row].set, rows[row].shared);
    g_autoptr(SvirtClaim) second =
        make(2, rows[row].other_type, rows[row].other_set, rows[row].shared);

    CHANGE(fixture->state, svirt_claims_add(fixture->state, first, &error));
    if (rows[row].taken) {
        CHANGE(fixture->state,
               svirt_claims_add(fixture->state, second, &error));
    } else {
        CHANGE_FAILS(fixture->state,
                     svirt_claims_add(fixture->state, second, &error),
                     SVIRT_ERROR_EXISTS);
    }
}

/* CVE-2021-3631: a VM of one category beside one of two. */
static void
test_conflict_names_the_holder(Fixture *fixture, gconstpointer data)
{
    g_autoptr(SvirtClaim) pair = make(1, "svirt_t", "c5,c9", false);
    g_autoptr(SvirtClaim) single = make(2, "svirt_t", "c5", false);
    g_autoptr(GError) told = NULL;

    CHANGE(fixture->state, svirt_claims_add(fixture->state, pair, &error));
    begin(fixture->state);
    g_assert_false(svirt_claims_add(fixture->state, single, &told));
    g_assert_error(told, SVIRT_ERROR, SVIRT_ERROR_EXISTS);
    g_assert_nonnull(
        strstr(told->message, "5a000000-0000-0000-0000-000000000001"));
    g_assert_nonnull(strstr(told->message, "s0:c5,c9"));
    svirt_state_rollback(fixture->state);
}

static void
test_shared_needs_both_to_say_so(Fixture *fixture, gconstpointer data)
{
    g_autoptr(SvirtClaim) alone = make(1, "t", "c1,c2", false);
    g_autoptr(SvirtClaim) second = make(2, "t", "c1,c2", true);
    g_autoptr(SvirtClaim) third = make(3, "t", "c1,c2", true);
    g_autoptr(GPtrArray) holders = NULL;

    CHANGE(fixture->state, svirt_claims_add(fixture->state, alone, &error));
    CHANGE_FAILS(fixture->state,
                 svirt_claims_add(fixture->state, second, &error),
                 SVIRT_ERROR_EXISTS);
    alone->shared = true;
    begin(fixture->state);
    ASSERT_WORKS(svirt_claims_add(fixture->state, alone, &error));
    ASSERT_WORKS(svirt_claims_add(fixture->state, second, &error));
    ASSERT_WORKS(svirt_claims_add(fixture->state, third, &error));
    commit(fixture->state);
    ASSERT_WORKS(svirt_claims_by_label(fixture->state, SVIRT_MODEL_SELINUX,
                                       alone->label, &holders, &error));
    g_assert_cmpuint(holders->len, ==, 3);
}

static void
test_again_and_another_label_replace(Fixture *fixture, gconstpointer data)
{
    g_autoptr(SvirtClaim) first = make(1, "t", "c1,c2", false);
    g_autoptr(SvirtClaim) second = make(1, "t", "c1,c2,c3", false);
    g_autoptr(SvirtClaim) found = NULL;
    g_autoptr(GPtrArray) list = NULL;

    CHANGE(fixture->state, svirt_claims_add(fixture->state, first, &error));
    CHANGE(fixture->state, svirt_claims_add(fixture->state, first, &error));
    CHANGE(fixture->state, svirt_claims_add(fixture->state, second, &error));
    ASSERT_WORKS(svirt_claims_list(fixture->state, &first->owner.uuid, &list,
                                   &error));
    g_assert_cmpuint(list->len, ==, 1);
    ASSERT_WORKS(svirt_claims_find(fixture->state, &first->owner.uuid,
                                   SVIRT_MODEL_SELINUX, &found, &error));
    g_assert_cmpstr(found->label, ==, second->label);
    g_assert_true(svirt_category_set_equal(&found->categories,
                                           &second->categories));
    g_assert_cmpuint(found->owner.incarnation, ==, 1);
    CHANGE(fixture->state,
           svirt_claims_remove(fixture->state, &first->owner.uuid,
                               SVIRT_MODEL_SELINUX, &error));
    g_clear_pointer(&found, svirt_claim_free);
    ASSERT_WORKS(svirt_claims_find(fixture->state, &first->owner.uuid,
                                   SVIRT_MODEL_SELINUX, &found, &error));
    g_assert_null(found);
}

static void
test_other_author_is_refused(Fixture *fixture, gconstpointer data)
{
    g_autoptr(SvirtClaim) mine = make(1, "t", "c1,c2", false);
    g_autoptr(SvirtClaim) theirs = make(1, "t", "c3,c4", false);

    theirs->owner.author = 1000;
    CHANGE(fixture->state, svirt_claims_add(fixture->state, mine, &error));
    CHANGE_FAILS(fixture->state,
                 svirt_claims_add(fixture->state, theirs, &error),
                 SVIRT_ERROR_REFUSED);
    ASSERT_FAILS(svirt_claims_check_author(fixture->state,
                                           &mine->owner.uuid, 1000, &error),
                 SVIRT_ERROR_REFUSED);
    ASSERT_WORKS(svirt_claims_check_author(fixture->state,
                                           &mine->owner.uuid, 0, &error));
}

static void
add_derived(SvirtState *state, const SvirtDeriver *deriver, uint64_t number)
{
    SvirtOwner owner = numbered_owner(number);
    char name[SVIRT_DERIVED_NAME_BYTES];
    g_autoptr(SvirtClaim) claim = NULL;

    svirt_derive_name(&owner.uuid, name);
    claim = svirt_claim_new(&owner, SVIRT_MODEL_SELINUX, "svirt_t", name);
    claim->has_categories = true;
    svirt_deriver_categories(deriver, &owner.uuid, &claim->categories);
    ASSERT_WORKS(svirt_claims_add(state, claim, &error));
}

/* One claim among many: ratios, for the machine may be slow. */
static void
test_many_claims_stay_fast(Fixture *fixture, gconstpointer data)
{
    enum { FEW = 1000 };
    const unsigned many = g_test_slow() ? 100000 : 20000;
    const SvirtCategoryRange range = { 0, 1023 };
    const uint8_t key[SVIRT_DOI_KEY_BYTES] = { 0 };
    g_autoptr(SvirtDeriver) deriver = NULL;
    g_autoptr(SvirtClaim) triple = make(1u << 30, "svirt_t", "c1.c3", false);
    double early, late, odd;

    ASSERT_WORKS(svirt_deriver_new(key, &range, SVIRT_DERIVE_DERIVED,
                                   &deriver, &error));
    begin(fixture->state);
    g_test_timer_start();
    for (unsigned i = 0; i < FEW; i++) {
        add_derived(fixture->state, deriver, i);
    }
    early = g_test_timer_elapsed() / FEW;
    for (unsigned i = FEW; i < many - FEW; i++) {
        add_derived(fixture->state, deriver, i);
    }
    g_test_timer_start();
    for (unsigned i = many - FEW; i < many; i++) {
        add_derived(fixture->state, deriver, i);
    }
    late = g_test_timer_elapsed() / FEW;
    g_test_timer_start();
    /* Every set of eight is looked at; hardly one contains it. */
    {
        g_autoptr(GError) error = NULL;

        if (!svirt_claims_add(fixture->state, triple, &error)) {
            g_assert_error(error, SVIRT_ERROR, SVIRT_ERROR_EXISTS);
        }
    }
    odd = g_test_timer_elapsed();
    commit(fixture->state);
    g_test_message("claim among %u: %.0f us (among %d: %.0f us), of another "
                   "size: %.1f ms",
                   many, late * 1e6, FEW, early * 1e6, odd * 1e3);
    g_assert_cmpfloat(late, <, 10 * early + 1e-3);
    g_assert_cmpfloat(odd, <, 1.0);
}

typedef struct InUse {
    uid_t busy;
    unsigned asked; /* for a long look */
    unsigned seen;  /* for a short one */
} InUse;

static bool
is_busy(uid_t first, unsigned count, bool seen, void *data)
{
    InUse *in_use = data;

    *(seen ? &in_use->seen : &in_use->asked) += 1;
    return in_use->busy >= first && in_use->busy < first + count;
}

static uid_t
take_block(SvirtState *state, uint64_t number, uid_t last, InUse *in_use)
{
    SvirtOwner owner = numbered_owner(number);
    uid_t first = 0;

    CHANGE(state,
           svirt_claims_uid_block(state, &owner, 1000, last,
                                  in_use != NULL ? is_busy : NULL, in_use,
                                  &first, &error));
    return first;
}

static void
test_uid_blocks_go_round(Fixture *fixture, gconstpointer data)
{
    SvirtUuid second = numbered_uuid(2);
    SvirtOwner fourth = numbered_owner(4);
    uid_t first;

    /* 1000-1013 holds three blocks and two uids over. */
    g_assert_cmpuint(take_block(fixture->state, 1, 1013, NULL), ==, 1000);
    g_assert_cmpuint(take_block(fixture->state, 1, 1013, NULL), ==, 1000);
    g_assert_cmpuint(take_block(fixture->state, 2, 1013, NULL), ==, 1004);
    CHANGE(fixture->state,
           svirt_claims_remove_all(fixture->state, &second, &error));
    /* Not the one just given up: that is the last resort. */
    g_assert_cmpuint(take_block(fixture->state, 3, 1013, NULL), ==, 1008);
    g_assert_cmpuint(take_block(fixture->state, 2, 1013, NULL), ==, 1004);
    begin(fixture->state);
    ASSERT_FAILS(svirt_claims_uid_block(fixture->state, &fourth, 1000, 1013,
                                        NULL, NULL, &first, &error),
                 SVIRT_ERROR_BUSY);
    svirt_state_rollback(fixture->state);
}

static void
test_uid_block_in_use_is_skipped(Fixture *fixture, gconstpointer data)
{
    InUse in_use = { 1003, 0, 0 };

    g_assert_cmpuint(take_block(fixture->state, 1, 2000, &in_use), ==, 1004);
    in_use.busy = 1009;
    g_assert_cmpuint(take_block(fixture->state, 2, 2000, &in_use), ==, 1012);
}

/* A host is looked at in full once for many VMs; a busy block ends what was
 * seen, and so does the end of the range: what comes round was used since. */
static void
test_one_long_look_serves_many(Fixture *fixture, gconstpointer data)
{
    InUse in_use = { 0, 0, 0 };
    unsigned first_look;

    g_assert_cmpuint(take_block(fixture->state, 1, 2000, &in_use), ==, 1000);
    first_look = in_use.asked;
    g_assert_cmpuint(first_look, ==, 64);
    for (unsigned i = 1; i < 64; i++) {
        g_assert_cmpuint(take_block(fixture->state, i + 1, 2000, &in_use), ==,
                         1000 + 4 * i);
    }
    g_assert_cmpuint(in_use.asked, ==, first_look);
    g_assert_cmpuint(in_use.seen, ==, 63);
    in_use.busy = 1000 + 4 * 66;
    g_assert_cmpuint(take_block(fixture->state, 65, 2000, &in_use), ==,
                     1000 + 4 * 64);
    /* Three: the one it took, the next, and the busy one. */
    g_assert_cmpuint(in_use.asked, ==, first_look + 3);
    in_use.busy = 0;
    g_assert_cmpuint(take_block(fixture->state, 66, 2000, &in_use), ==,
                     1000 + 4 * 65);
    g_assert_cmpuint(in_use.asked, ==, first_look + 3);
    g_assert_cmpuint(take_block(fixture->state, 67, 2000, &in_use), ==,
                     1000 + 4 * 66);
    g_assert_cmpuint(in_use.asked, >, first_look + 3);
}

static void
test_a_block_that_comes_round_is_looked_at_anew(Fixture *fixture,
                                                gconstpointer data)
{
    SvirtUuid first = numbered_uuid(1);
    InUse in_use = { 0, 0, 0 };
    unsigned asked;

    for (unsigned i = 0; i < 3; i++) {
        g_assert_cmpuint(take_block(fixture->state, i + 1, 1013, &in_use), ==,
                         1000 + 4 * i);
    }
    asked = in_use.asked;
    CHANGE(fixture->state,
           svirt_claims_remove_all(fixture->state, &first, &error));
    /* What the first VM left behind is not missed. */
    in_use.busy = 1001;
    {
        SvirtOwner owner = numbered_owner(4);
        uid_t base;

        begin(fixture->state);
        ASSERT_FAILS(svirt_claims_uid_block(fixture->state, &owner, 1000,
                                            1013, is_busy, &in_use, &base,
                                            &error),
                     SVIRT_ERROR_BUSY);
        svirt_state_rollback(fixture->state);
    }
    g_assert_cmpuint(in_use.asked, >, asked);
}

/* Two states on one host do not give their first VMs the same uids. */
static void
test_a_search_begins_where_it_is_told(Fixture *fixture, gconstpointer data)
{
    uid_t last = 1000 + 4 * 4096 - 1;

    CHANGE(fixture->state, svirt_claims_uid_start(fixture->state, 1000, last,
                                                  4096 + 7, &error));
    g_assert_cmpuint(take_block(fixture->state, 1, last, NULL), ==, 1028);
    /* One that has begun goes on. */
    CHANGE(fixture->state, svirt_claims_uid_start(fixture->state, 1000, last,
                                                  99, &error));
    g_assert_cmpuint(take_block(fixture->state, 2, last, NULL), ==, 1032);
    /* A small range is used from its start. */
    CHANGE(fixture->state, svirt_claims_uid_start(fixture->state, 1000, 1999,
                                                  7, &error));
    g_assert_cmpuint(take_block(fixture->state, 3, 1999, NULL), ==, 1000);
}

static void
test_uid_block_avoids_static_uids(Fixture *fixture, gconstpointer data)
{
    SvirtOwner owner = numbered_owner(9);
    SvirtOwner late = numbered_owner(10);
    g_autoptr(SvirtClaim) fixed =
        svirt_claim_new(&owner, SVIRT_MODEL_DAC, "", "+1002:+1002");
    g_autoptr(SvirtClaim) inside =
        svirt_claim_new(&late, SVIRT_MODEL_DAC, "", "+1006:+1006");

    fixed->shared = true;
    fixed->uid_first = 1002;
    fixed->uid_count = 1;
    CHANGE(fixture->state, svirt_claims_add(fixture->state, fixed, &error));
    g_assert_cmpuint(take_block(fixture->state, 1, 2000, NULL), ==, 1004);
    inside->shared = true;
    inside->uid_first = 1006;
    inside->uid_count = 1;
    CHANGE_FAILS(fixture->state,
                 svirt_claims_add(fixture->state, inside, &error),
                 SVIRT_ERROR_EXISTS);
}

static void
test_uid_range_is_checked(Fixture *fixture, gconstpointer data)
{
    static const uid_t ranges[][2] = {
        { 0, 100 }, { 1000, 1002 }, { 1000, 999 }, { 1000, (uid_t)-1 },
    };
    SvirtOwner owner = numbered_owner(1);
    uid_t first;

    for (unsigned i = 0; i < G_N_ELEMENTS(ranges); i++) {
        CHANGE_FAILS(fixture->state,
                     svirt_claims_uid_block(fixture->state, &owner,
                                            ranges[i][0], ranges[i][1], NULL,
                                            NULL, &first, &error),
                     SVIRT_ERROR_INVALID);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path =
            g_strdup_printf("/state/claims/sets/%s", rows[i].name);

        g_test_add(path, Fixture, GUINT_TO_POINTER(i), fixture_set_up,
                   test_row, fixture_tear_down);
    }
    ADD("/state/claims/conflict-names-the-holder",
        test_conflict_names_the_holder);
    ADD("/state/claims/shared-needs-both-to-say-so",
        test_shared_needs_both_to_say_so);
    ADD("/state/claims/again-and-another-label-replace",
        test_again_and_another_label_replace);
    ADD("/state/claims/other-author-is-refused",
        test_other_author_is_refused);
    ADD("/state/claims/many-claims-stay-fast", test_many_claims_stay_fast);
    ADD("/state/claims/uid-blocks-go-round", test_uid_blocks_go_round);
    ADD("/state/claims/uid-block-in-use-is-skipped",
        test_uid_block_in_use_is_skipped);
    ADD("/state/claims/a-search-begins-where-it-is-told",
        test_a_search_begins_where_it_is_told);
    ADD("/state/claims/one-long-look-serves-many",
        test_one_long_look_serves_many);
    ADD("/state/claims/a-block-that-comes-round-is-looked-at-anew",
        test_a_block_that_comes_round_is_looked_at_anew);
    ADD("/state/claims/uid-block-avoids-static-uids",
        test_uid_block_avoids_static_uids);
    ADD("/state/claims/uid-range-is-checked", test_uid_range_is_checked);
    return g_test_run();
}
