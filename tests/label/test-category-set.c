/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "label/category-set.h"

static const struct {
    const char *name;
    const char *text;
    const char *canonical; /* NULL: refused */
    unsigned count;
} rows[] = {
    { "empty", "", "", 0 },
    { "one", "c0", "c0", 1 },
    { "last", "c1023", "c1023", 1 },
    { "pair", "c1,c5", "c1,c5", 2 },
    { "range", "c5.c9", "c5.c9", 5 },
    { "range-of-two", "c5.c6", "c5,c6", 2 },
    { "list-and-range", "c1,c5.c9", "c1,c5.c9", 6 },
    { "unordered", "c9,c1", "c1,c9", 2 },
    { "repeated", "c7,c7", "c7", 1 },
    { "overlapping", "c1.c4,c3.c8", "c1.c8", 8 },
    { "everything", "c0.c1023", "c0.c1023", 1024 },
    { "ends-at-word", "c62.c65", "c62.c65", 4 },
    { "over-last", "c1024", NULL, 0 },
    { "far-over-last", "c99999999999999999999", NULL, 0 },
    { "no-number", "c", NULL, 0 },
    { "no-letter", "5", NULL, 0 },
    { "leading-zero", "c01", NULL, 0 },
    { "falling-range", "c9.c5", NULL, 0 },
    { "range-of-one", "c5.c5", NULL, 0 },
    { "open-range", "c5.", NULL, 0 },
    { "double-range", "c1.c2.c3", NULL, 0 },
    { "trailing-comma", "c1,", NULL, 0 },
    { "leading-comma", ",c1", NULL, 0 },
    { "blank", "c1, c2", NULL, 0 },
    { "sign", "c-1", NULL, 0 },
    { "upper-case", "C1", NULL, 0 },
};

static void
test_row(gconstpointer data)
{
    const char *want = rows[GPOINTER_TO_UINT(data)].canonical;
    g_autoptr(GError) error = NULL;
    g_autofree char *shown = NULL;
    SvirtCategorySet set;

    if (want == NULL) {
        g_assert_false(svirt_category_set_parse(
            rows[GPOINTER_TO_UINT(data)].text, &set, &error));
        g_assert_error(error, SVIRT_ERROR, SVIRT_ERROR_INVALID);
        return;
    }
    g_assert_true(svirt_category_set_parse(rows[GPOINTER_TO_UINT(data)].text,
                                           &set, &error));
    g_assert_no_error(error);
    shown = svirt_category_set_format(&set);
    g_assert_cmpstr(shown, ==, want);
    g_assert_cmpuint(svirt_category_set_count(&set), ==,
                     rows[GPOINTER_TO_UINT(data)].count);
    g_assert_cmpint(svirt_category_set_is_empty(&set), ==, *want == '\0');
}

static const struct {
    const char *name;
    const char *a;
    const char *b;
    bool contains;   /* a contains b */
    bool contained;  /* b contains a */
    bool intersects;
} pairs[] = {
    { "equal", "c1,c2", "c1,c2", true, true, true },
    { "subset", "c1,c2", "c2", true, false, true },
    { "crossing", "c1,c2", "c2,c3", false, false, true },
    { "disjoint", "c1,c2", "c3,c4", false, false, false },
    { "empty-in-all", "c1", "", true, false, false },
    { "both-empty", "", "", true, true, false },
    { "other-words", "c0,c1000", "c1000", true, false, true },
};

static void
test_pair(gconstpointer data)
{
    unsigned row = GPOINTER_TO_UINT(data);
    SvirtCategorySet a, b;

    g_assert_true(svirt_category_set_parse(pairs[row].a, &a, NULL));
    g_assert_true(svirt_category_set_parse(pairs[row].b, &b, NULL));
    g_assert_cmpint(svirt_category_set_contains(&a, &b), ==,
                    pairs[row].contains);
    g_assert_cmpint(svirt_category_set_contains(&b, &a), ==,
                    pairs[row].contained);
    g_assert_cmpint(svirt_category_set_intersects(&a, &b), ==,
                    pairs[row].intersects);
    g_assert_cmpint(svirt_category_set_equal(&a, &b), ==,
                    pairs[row].contains && pairs[row].contained);
}

static void
test_next_walks_all_members(void)
{
    SvirtCategorySet set;
    unsigned seen = 0;

    g_assert_true(
        svirt_category_set_parse("c0,c63.c64,c500,c1023", &set, NULL));
    for (unsigned c = svirt_category_set_next(&set, 0);
         c < SVIRT_CATEGORY_MAX; c = svirt_category_set_next(&set, c + 1)) {
        g_assert_true(svirt_category_set_has(&set, c));
        seen++;
    }
    g_assert_cmpuint(seen, ==, 5);
    g_assert_false(svirt_category_set_has(&set, 1024));
    g_assert_cmpuint(svirt_category_set_next(&set, 5000), ==,
                     SVIRT_CATEGORY_MAX);
}

static void
test_random_sets_survive_the_round_trip(void)
{
    for (unsigned i = 0; i < 2000; i++) {
        SvirtCategorySet set, back;
        g_autofree char *text = NULL;

        svirt_category_set_clear(&set);
        for (int n = g_test_rand_int_range(0, 200); n > 0; n--) {
            svirt_category_set_add(
                &set, (unsigned)g_test_rand_int_range(0, 1024));
        }
        text = svirt_category_set_format(&set);
        g_assert_true(svirt_category_set_parse(text, &back, NULL));
        g_assert_true(svirt_category_set_equal(&set, &back));
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path = g_strdup_printf(
            "/label/category-set/parse/%s", rows[i].name);

        g_test_add_data_func(path, GUINT_TO_POINTER(i), test_row);
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(pairs); i++) {
        g_autofree char *path = g_strdup_printf(
            "/label/category-set/compare/%s", pairs[i].name);

        g_test_add_data_func(path, GUINT_TO_POINTER(i), test_pair);
    }
    g_test_add_func("/label/category-set/next-walks-all-members",
                    test_next_walks_all_members);
    g_test_add_func("/label/category-set/random-sets-survive-the-round-trip",
                    test_random_sets_survive_the_round_trip);
    return g_test_run();
}
