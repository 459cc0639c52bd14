/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The probe's table, and every attempt made outside a compartment. */
#include "selftest/selftest.h"
#include "selftest/victim-process.h"

#include <glib.h>
#include <string.h>
#include <unistd.h>

#define MINIMUM 120

static SvirtSelftest *
table_load(void)
{
    GError *error = NULL;
    SvirtSelftest *selftest = NULL;

    g_assert_true(svirt_selftest_new(SVIRT_TEST_PROBE, &selftest, &error));
    g_assert_no_error(error);
    return selftest;
}

static void
test_rows_are_whole(void)
{
    g_autoptr(SvirtSelftest) selftest = table_load();

    for (guint i = 0; i < selftest->rows->len; i++) {
        const SvirtSelftestRow *row = selftest->rows->pdata[i];

        g_assert_cmpuint(strlen(row->what), >, 8);
        g_assert_cmpuint(strlen(row->what), <, 72);
        g_assert_true(*row->open_reason || row->layers);
        g_assert_cmpuint(strspn(row->name,
                                "abcdefghijklmnopqrstuvwxyz0123456789-"),
                         ==, strlen(row->name));
    }
}

static void
test_rows_are_distinct(void)
{
    g_autoptr(SvirtSelftest) selftest = table_load();
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);

    for (guint i = 0; i < selftest->rows->len; i++) {
        const SvirtSelftestRow *row = selftest->rows->pdata[i];

        g_assert_true(g_hash_table_add(seen, row->name));
        g_assert_true(g_hash_table_add(seen, row->what));
    }
}

static void
test_enough_rows_are_to_be_blocked(void)
{
    g_autoptr(SvirtSelftest) selftest = table_load();
    g_autoptr(GHashTable) kinds = g_hash_table_new(g_str_hash, g_str_equal);

    /* Variants of one call count once. */
    for (guint i = 0; i < selftest->rows->len; i++) {
        const SvirtSelftestRow *row = selftest->rows->pdata[i];

        if (!*row->open_reason) {
            g_hash_table_add(kinds, row->kind);
        }
    }
    g_test_message("%u kinds in %u rows", g_hash_table_size(kinds),
                   selftest->rows->len);
    g_assert_cmpuint(g_hash_table_size(kinds), >=, MINIMUM);
}

static bool
needs_root(void)
{
    if (geteuid() != 0) {
        g_test_skip("not root: the control needs the host's own rights");
        return true;
    }
    return false;
}

static void
test_control_succeeds(void)
{
    g_autoptr(SvirtSelftest) selftest = NULL;
    g_autoptr(SvirtSelftestTargets) targets = NULL;
    g_autoptr(SvirtSelftestVictim) victim = NULL;
    SvirtSelftestRunner runner;
    GError *error = NULL;
    g_autoptr(GHashTable) done = g_hash_table_new(g_str_hash, g_str_equal);
    unsigned failed = 0;

    if (needs_root()) {
        return;
    }
    selftest = table_load();
    svirt_selftest_runner_plain(SVIRT_TEST_PROBE, &runner);
    g_assert_true(svirt_selftest_targets_new(NULL, &targets, &error));
    if (svirt_selftest_victim_start(&runner, &victim, &error)) {
        svirt_selftest_targets_aim(targets, svirt_selftest_victim_pid(victim),
                                   svirt_selftest_victim_address(victim));
        (void)svirt_selftest_run(selftest, SVIRT_SELFTEST_OUTSIDE, targets,
                                 &runner, &error);
    }
    for (guint i = 0; i < selftest->rows->len; i++) {
        const SvirtSelftestRow *row = selftest->rows->pdata[i];
        char text[32];

        svirt_selftest_outcome_format(&row->control, row->control_made, text,
                                      sizeof(text));
        if (row->control.outcome == SVIRT_PROBE_OUTCOME_DONE) {
            g_hash_table_add(done, row->kind);
        } else if (row->control.outcome == SVIRT_PROBE_OUTCOME_ABSENT) {
            g_test_message("absent: %s: %s", row->name, row->control.detail);
        } else {
            g_test_message("broken: %s: %s %s", row->name, text,
                           row->control.detail);
            failed++;
        }
    }
    g_test_message("%u kinds of control succeed", g_hash_table_size(done));
    /* Before an assertion may end the test: they belong to the host. */
    g_clear_pointer(&victim, svirt_selftest_victim_free);
    g_clear_pointer(&targets, svirt_selftest_targets_free);
    g_assert_no_error(error);
    g_assert_cmpuint(failed, ==, 0);
    g_assert_cmpuint(g_hash_table_size(done), >=, MINIMUM);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/selftest/table/rows-are-whole", test_rows_are_whole);
    g_test_add_func("/selftest/table/rows-are-distinct",
                    test_rows_are_distinct);
    g_test_add_func("/selftest/table/enough-rows-are-to-be-blocked",
                    test_enough_rows_are_to_be_blocked);
    g_test_add_func("/selftest/control/every-attempt-succeeds-outside",
                    test_control_succeeds);
    return g_test_run();
}
