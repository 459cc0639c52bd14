/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "label/derive.h"

#include <string.h>

#include "label/level.h"
#include "label/siphash.h"

static const uint8_t key[SVIRT_DOI_KEY_BYTES] = {
    0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15,
    16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31,
};

static SvirtDeriver *
make(unsigned first, unsigned last, SvirtDeriveMode allow)
{
    const SvirtCategoryRange range = { first, last };
    g_autoptr(GError) error = NULL;
    SvirtDeriver *deriver = NULL;

    svirt_deriver_new(key, &range, allow, &deriver, &error);
    g_assert_no_error(error);
    return deriver;
}

/* UUIDs 1, 2, 3 ...: what a keyed digest must spread. */
static SvirtUuid
numbered(uint64_t number)
{
    SvirtUuid uuid = { { 0 } };

    memcpy(uuid.bytes + 8, &number, sizeof(number));
    return uuid;
}

/* The reference implementation's vectors_sip64[16]. */
static void
test_siphash_matches_the_reference(void)
{
    uint8_t text[16];

    memcpy(text, key, sizeof(text));
    g_assert_cmphex(svirt_siphash_16(key, text), ==,
                    UINT64_C(0x3f2acc7f57c29bdb));
}

/* If one of these changes, hosts of one DOI stop agreeing on labels. */
static const struct {
    const char *name;
    const char *uuid;
    unsigned first;
    unsigned last;
    const char *categories;
} golden[] = {
#include "derive-golden.inc"
};

static void
test_golden(gconstpointer data)
{
    unsigned row = GPOINTER_TO_UINT(data);
    g_autoptr(SvirtDeriver) deriver =
        make(golden[row].first, golden[row].last, SVIRT_DERIVE_CLAIMED);
    g_autofree char *shown = NULL;
    SvirtCategorySet set;
    SvirtUuid uuid;

    g_assert_true(svirt_uuid_parse(golden[row].uuid, &uuid));
    svirt_deriver_categories(deriver, &uuid, &set);
    shown = svirt_category_set_format(&set);
    g_assert_cmpstr(shown, ==, golden[row].categories);
}

static const struct {
    const char *name;
    unsigned first;
    unsigned last;
    unsigned size; /* 0: refused */
    SvirtDeriveMode mode;
} ranges[] = {
    { "all-1024", 0, 1023, 8, SVIRT_DERIVE_DERIVED },
    { "upper-half", 512, 1023, 10, SVIRT_DERIVE_DERIVED },
    { "256", 0, 255, 12, SVIRT_DERIVE_DERIVED },
    { "68-is-the-least", 0, 67, 31, SVIRT_DERIVE_DERIVED },
    { "67-is-too-few", 0, 66, 33, SVIRT_DERIVE_CLAIMED },
    { "8", 0, 7, 4, SVIRT_DERIVE_CLAIMED },
    { "7", 0, 6, 0, SVIRT_DERIVE_CLAIMED },
    { "falling", 9, 3, 0, SVIRT_DERIVE_CLAIMED },
    { "over-last", 0, 1024, 0, SVIRT_DERIVE_CLAIMED },
};

static void
test_range(gconstpointer data)
{
    unsigned row = GPOINTER_TO_UINT(data);
    const SvirtCategoryRange range = { ranges[row].first, ranges[row].last };
    g_autoptr(GError) error = NULL;
    g_autoptr(SvirtDeriver) deriver = NULL;

    g_assert_cmpint(svirt_category_range_check(&range, NULL), ==,
                    ranges[row].size != 0);
    if (ranges[row].size == 0) {
        g_assert_false(svirt_deriver_new(key, &range, SVIRT_DERIVE_CLAIMED,
                                         &deriver, &error));
        g_assert_error(error, SVIRT_ERROR, SVIRT_ERROR_INVALID);
        return;
    }
    g_assert_cmpuint(svirt_category_range_mode(&range), ==,
                     ranges[row].mode);
    deriver = make(ranges[row].first, ranges[row].last, SVIRT_DERIVE_CLAIMED);
    g_assert_cmpuint(svirt_deriver_mode(deriver), ==, ranges[row].mode);
    g_assert_cmpuint(svirt_deriver_set_size(deriver), ==, ranges[row].size);
    if (ranges[row].mode == SVIRT_DERIVE_CLAIMED) {
        g_clear_pointer(&deriver, svirt_deriver_free);
        g_assert_false(svirt_deriver_new(key, &range, SVIRT_DERIVE_DERIVED,
                                         &deriver, &error));
        g_assert_error(error, SVIRT_ERROR, SVIRT_ERROR_UNSUPPORTED);
        g_assert_nonnull(svirt_error_hint(error));
    }
}

static guint
set_hash(gconstpointer p)
{
    const SvirtCategorySet *set = p;
    uint64_t hash = 0;

    for (unsigned i = 0; i < SVIRT_CATEGORY_WORDS; i++) {
        hash = (hash ^ set->words[i]) * UINT64_C(0x9e3779b97f4a7c15);
        hash ^= hash >> 29;
    }
    return (guint)hash;
}

static gboolean
set_equal(gconstpointer a, gconstpointer b)
{
    return svirt_category_set_equal(a, b);
}

/*
 * CVE-2021-3631: sets of unequal size contain one another. Here every set has
 * k members inside the range, so two that differ are incomparable, and none
 * of 100,000 repeats. Each category is about as likely as the next.
 */
static void
test_100000_sets_are_incomparable_and_even(void)
{
    enum { SETS = 100000, FIRST = 100, LAST = 1023, N = LAST - FIRST + 1 };
    g_autoptr(SvirtDeriver) deriver = make(FIRST, LAST, SVIRT_DERIVE_DERIVED);
    g_autoptr(GHashTable) seen =
        g_hash_table_new_full(set_hash, set_equal, g_free, NULL);
    unsigned k = svirt_deriver_set_size(deriver);
    unsigned hits[SVIRT_CATEGORY_MAX] = { 0 };
    double want = (double)SETS * k / N;
    double chi = 0;

    for (unsigned i = 0; i < SETS; i++) {
        SvirtUuid uuid = numbered(i);
        SvirtCategorySet *set = g_new(SvirtCategorySet, 1);

        svirt_deriver_categories(deriver, &uuid, set);
        g_assert_cmpuint(svirt_category_set_count(set), ==, k);
        for (unsigned c = svirt_category_set_next(set, 0);
             c < SVIRT_CATEGORY_MAX; c = svirt_category_set_next(set, c + 1)) {
            g_assert_true(c >= FIRST && c <= LAST);
            hits[c]++;
        }
        g_assert_true(g_hash_table_add(seen, set));
    }
    for (unsigned c = FIRST; c <= LAST; c++) {
        chi += (hits[c] - want) * (hits[c] - want) / want;
        g_assert_cmpfloat(hits[c], >, 0.8 * want);
        g_assert_cmpfloat(hits[c], <, 1.2 * want);
    }
    /* chi-square of N - 1 degrees: 6 standard deviations either way. The
     * members of one set exclude each other, which only lowers it. */
    g_assert_cmpfloat(chi, <, N + 6 * 43);
    g_assert_cmpfloat(chi, >, N - 6 * 43);
}

static void
test_pairs_never_dominate(void)
{
    enum { SETS = 600 };
    g_autoptr(SvirtDeriver) deriver = make(0, 1023, SVIRT_DERIVE_DERIVED);
    g_autofree SvirtLevel *levels = g_new0(SvirtLevel, SETS);

    for (unsigned i = 0; i < SETS; i++) {
        SvirtUuid uuid = numbered(i);

        svirt_deriver_categories(deriver, &uuid, &levels[i].categories);
        for (unsigned j = 0; j < i; j++) {
            g_assert_true(svirt_level_incomparable(&levels[i], &levels[j]));
        }
    }
}

/* CLAIMED mode with C(8, 4) = 70 sets: every one exactly once. */
static void
test_candidates_exhaust_a_small_range(void)
{
    g_autoptr(SvirtDeriver) deriver = make(3, 10, SVIRT_DERIVE_CLAIMED);
    g_autoptr(GHashTable) seen =
        g_hash_table_new_full(set_hash, set_equal, g_free, NULL);
    SvirtUuid uuid = numbered(7);
    SvirtCategorySet first, again;

    g_assert_cmpuint(svirt_deriver_set_count(deriver), ==, 70);
    for (unsigned i = 0; i < 70; i++) {
        SvirtCategorySet *set = g_new(SvirtCategorySet, 1);

        svirt_deriver_candidate(deriver, &uuid, i, set);
        g_assert_cmpuint(svirt_category_set_count(set), ==, 4);
        g_assert_cmpuint(svirt_category_set_next(set, 0), >=, 3);
        g_assert_cmpuint(svirt_category_set_next(set, 11), ==,
                         SVIRT_CATEGORY_MAX);
        g_assert_true(g_hash_table_add(seen, set));
    }
    svirt_deriver_categories(deriver, &uuid, &first);
    svirt_deriver_candidate(deriver, &uuid, 70, &again);
    g_assert_true(svirt_category_set_equal(&first, &again));
}

static void
test_key_and_range_change_the_set(void)
{
    const SvirtCategoryRange range = { 0, 1023 };
    uint8_t other_key[SVIRT_DOI_KEY_BYTES];
    g_autoptr(SvirtDeriver) a = make(0, 1023, SVIRT_DERIVE_DERIVED);
    g_autoptr(SvirtDeriver) b = make(0, 1022, SVIRT_DERIVE_DERIVED);
    g_autoptr(SvirtDeriver) c = NULL;
    SvirtUuid uuid = numbered(1);
    SvirtCategorySet set_a, set_b, set_c;

    memcpy(other_key, key, sizeof(other_key));
    other_key[31] ^= 1;
    g_assert_true(svirt_deriver_new(other_key, &range, SVIRT_DERIVE_DERIVED,
                                    &c, NULL));
    svirt_deriver_categories(a, &uuid, &set_a);
    svirt_deriver_categories(b, &uuid, &set_b);
    svirt_deriver_categories(c, &uuid, &set_c);
    g_assert_false(svirt_category_set_equal(&set_a, &set_b));
    g_assert_false(svirt_category_set_equal(&set_a, &set_c));
}

static void
test_a_million_a_second(void)
{
    enum { SETS = 200000 };
    g_autoptr(SvirtDeriver) deriver = make(0, 1023, SVIRT_DERIVE_DERIVED);
    SvirtCategorySet set;
    uint64_t sum = 0;
    double seconds;

    g_test_timer_start();
    for (unsigned i = 0; i < SETS; i++) {
        SvirtUuid uuid = numbered(i);

        svirt_deriver_categories(deriver, &uuid, &set);
        sum += set.words[i % SVIRT_CATEGORY_WORDS];
    }
    seconds = g_test_timer_elapsed();
    g_assert_cmpuint(sum, !=, 0);
    g_test_message("%.2f million sets a second", SETS / seconds / 1e6);
    /* The aim is 1 million on a quiet core; a shared or instrumented one
     * still must be far from a slow algorithm. */
    g_assert_cmpfloat(SETS / seconds, >, 50000);
}

static void
test_names_carry_the_uuid(void)
{
    char name[SVIRT_DERIVED_NAME_BYTES];
    SvirtUuid uuid;

    g_assert_true(
        svirt_uuid_parse("C7A5FDBDEDAF9455926AD65C16DB1809", &uuid));
    svirt_derive_name(&uuid, name);
    g_assert_cmpstr(name, ==, "svirt-c7a5fdbd-edaf-9455-926a-d65c16db1809");
    g_assert_true(svirt_smack_label_is_valid(name));
}

static void
test_smack_alphabet(void)
{
    static const char *const bad[] = { "",     "_", "^",   "*",   "?",  "@",
                                       "-web", "a b", "a/b", "a\"b", "a'b",
                                       "a\\b", "a\tb", "a\xc3\xa4" };
    g_autofree char *longest = g_strnfill(255, 'x');
    g_autofree char *too_long = g_strnfill(256, 'x');

    for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_assert_false(svirt_smack_label_is_valid(bad[i]));
    }
    g_assert_true(svirt_smack_label_is_valid("a"));
    g_assert_true(svirt_smack_label_is_valid(longest));
    g_assert_false(svirt_smack_label_is_valid(too_long));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (unsigned i = 0; i < G_N_ELEMENTS(golden); i++) {
        g_autofree char *path =
            g_strdup_printf("/label/derive/golden/%s", golden[i].name);

        g_test_add_data_func(path, GUINT_TO_POINTER(i), test_golden);
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(ranges); i++) {
        g_autofree char *path =
            g_strdup_printf("/label/derive/range/%s", ranges[i].name);

        g_test_add_data_func(path, GUINT_TO_POINTER(i), test_range);
    }
    g_test_add_func("/label/derive/siphash-matches-the-reference",
                    test_siphash_matches_the_reference);
    g_test_add_func("/label/derive/100000-sets-are-incomparable-and-even",
                    test_100000_sets_are_incomparable_and_even);
    g_test_add_func("/label/derive/pairs-never-dominate",
                    test_pairs_never_dominate);
    g_test_add_func("/label/derive/candidates-exhaust-a-small-range",
                    test_candidates_exhaust_a_small_range);
    g_test_add_func("/label/derive/key-and-range-change-the-set",
                    test_key_and_range_change_the_set);
    g_test_add_func("/label/derive/a-million-a-second",
                    test_a_million_a_second);
    g_test_add_func("/label/derive/names-carry-the-uuid",
                    test_names_carry_the_uuid);
    g_test_add_func("/label/derive/smack-alphabet", test_smack_alphabet);
    return g_test_run();
}
