/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "label/level.h"

static const struct {
    const char *name;
    const char *text;
    const char *canonical; /* NULL: refused */
} ranges[] = {
    { "plain", "s0", "s0" },
    { "categories", "s0:c1,c2", "s0:c1,c2" },
    { "range", "s0-s0:c0.c1023", "s0-s0:c0.c1023" },
    { "both-equal", "s0:c1-s0:c1", "s0:c1" },
    { "mls", "s1:c3-s15:c0.c1023", "s1:c3-s15:c0.c1023" },
    { "falling-sensitivity", "s2-s1", NULL },
    { "losing-categories", "s0:c1-s0:c2", NULL },
    { "empty", "", NULL },
    { "no-sensitivity", "c1", NULL },
    { "over-last-sensitivity", "s256", NULL },
    { "leading-zero", "s00", NULL },
    { "colon-without-categories", "s0:", NULL },
    { "two-colons", "s0:c1:c2", NULL },
    { "open-range", "s0-", NULL },
    { "double-range", "s0-s1-s2", NULL },
    { "translated-name", "SystemLow", NULL },
};

static void
test_range(gconstpointer data)
{
    const char *text = ranges[GPOINTER_TO_UINT(data)].text;
    const char *want = ranges[GPOINTER_TO_UINT(data)].canonical;
    g_autoptr(GError) error = NULL;
    g_autofree char *shown = NULL;
    SvirtLevelRange range, back;

    g_assert_cmpint(svirt_level_range_parse(text, &range, &error), ==,
                    want != NULL);
    if (want == NULL) {
        g_assert_error(error, SVIRT_ERROR, SVIRT_ERROR_INVALID);
        return;
    }
    shown = svirt_level_range_format(&range);
    g_assert_cmpstr(shown, ==, want);
    g_assert_true(svirt_level_range_parse(shown, &back, NULL));
    g_assert_true(svirt_level_range_equal(&range, &back));
}

static const struct {
    const char *name;
    const char *a;
    const char *b;
    bool dominates; /* a over b */
    bool dominated; /* b over a */
} pairs[] = {
    { "itself", "s0:c1,c2", "s0:c1,c2", true, true },
    { "fewer-categories", "s0:c1,c2", "s0:c1", true, false },
    { "rejects-disjoint-categories", "s0:c1,c2", "s0:c3,c4", false, false },
    { "rejects-crossing-categories", "s0:c1,c2", "s0:c2,c3", false, false },
    { "higher-sensitivity", "s1:c1", "s0:c1", true, false },
    { "sensitivity-does-not-replace-categories", "s9:c1", "s0:c2", false,
      false },
    { "everybody-dominates-no-categories", "s0:c7,c8", "s0", true, false },
};

static void
test_pair(gconstpointer data)
{
    unsigned row = GPOINTER_TO_UINT(data);
    SvirtLevel a, b;

    g_assert_true(svirt_level_parse(pairs[row].a, &a, NULL));
    g_assert_true(svirt_level_parse(pairs[row].b, &b, NULL));
    g_assert_cmpint(svirt_level_dominates(&a, &b), ==, pairs[row].dominates);
    g_assert_cmpint(svirt_level_dominates(&b, &a), ==, pairs[row].dominated);
    g_assert_cmpint(svirt_level_incomparable(&a, &b), ==,
                    !pairs[row].dominates && !pairs[row].dominated);
    g_assert_cmpint(svirt_level_equal(&a, &b), ==,
                    pairs[row].dominates && pairs[row].dominated);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (unsigned i = 0; i < G_N_ELEMENTS(ranges); i++) {
        g_autofree char *path =
            g_strdup_printf("/label/level/range/%s", ranges[i].name);

        g_test_add_data_func(path, GUINT_TO_POINTER(i), test_range);
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(pairs); i++) {
        g_autofree char *path =
            g_strdup_printf("/label/level/dominates/%s", pairs[i].name);

        g_test_add_data_func(path, GUINT_TO_POINTER(i), test_pair);
    }
    return g_test_run();
}
