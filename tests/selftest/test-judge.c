/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "selftest/selftest.h"

#include <errno.h>
#include <glib.h>
#include <jansson.h>
#include <signal.h>
#include <string.h>

#define DONE SVIRT_PROBE_OUTCOME_DONE
#define BLOCKED SVIRT_PROBE_OUTCOME_BLOCKED
#define KILLED SVIRT_PROBE_OUTCOME_SIGNAL
#define LATE SVIRT_PROBE_OUTCOME_TIMEOUT
#define ABSENT SVIRT_PROBE_OUTCOME_ABSENT
#define UNAIMED SVIRT_PROBE_OUTCOME_UNAIMED
#define L(layer) (1u << SVIRT_PROBE_LAYER_##layer)

static SvirtSelftestRow
row_of(SvirtProbeOutcome control, SvirtProbeOutcome confined,
       const char *reason)
{
    SvirtSelftestRow row = { .name = (char *)"passwd",
                             .group = (char *)"files",
                             .what = (char *)"read /etc/passwd",
                             .open_reason = (char *)reason,
                             .layers = L(ROOT) | L(LANDLOCK),
                             .control_made = true,
                             .confined_made = true };

    row.control.outcome = control;
    row.confined.outcome = confined;
    return row;
}

static void
test_verdicts(void)
{
    static const struct {
        const char *name;
        SvirtProbeOutcome control;
        SvirtProbeOutcome confined;
        const char *reason;
        SvirtSelftestVerdict verdict;
    } cases[] = {
        { "blocked", DONE, BLOCKED, "", SVIRT_SELFTEST_HELD },
        { "killed", DONE, KILLED, "", SVIRT_SELFTEST_HELD },
        { "done", DONE, DONE, "", SVIRT_SELFTEST_BREACH },
        { "done for a reason", DONE, DONE, "why", SVIRT_SELFTEST_OPEN },
        { "done without control", BLOCKED, DONE, "", SVIRT_SELFTEST_BREACH },
        { "done though absent", ABSENT, DONE, "", SVIRT_SELFTEST_BREACH },
        { "control blocked", BLOCKED, BLOCKED, "", SVIRT_SELFTEST_BROKEN },
        { "control unaimed", UNAIMED, UNAIMED, "", SVIRT_SELFTEST_BROKEN },
        { "control killed", KILLED, BLOCKED, "", SVIRT_SELFTEST_BROKEN },
        { "absent", ABSENT, BLOCKED, "", SVIRT_SELFTEST_ABSENT },
        { "no answer", DONE, LATE, "", SVIRT_SELFTEST_BROKEN },
        { "unaimed inside", DONE, UNAIMED, "", SVIRT_SELFTEST_BROKEN },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        SvirtSelftestRow row =
            row_of(cases[i].control, cases[i].confined, cases[i].reason);

        g_test_message("%s", cases[i].name);
        g_assert_cmpint(svirt_selftest_judge(&row), ==, cases[i].verdict);
        row.confined_made = false;
        g_assert_cmpint(svirt_selftest_judge(&row), ==,
                        SVIRT_SELFTEST_BROKEN);
    }
}

static void
test_layers(void)
{
    static const struct {
        const char *name;
        uint32_t layers;
        int error;
        SvirtProbeLayer layer;
    } cases[] = {
        { "no such name", L(ROOT) | L(LANDLOCK), ENOENT,
          SVIRT_PROBE_LAYER_ROOT },
        { "read-only root", L(ROOT) | L(DAC), EROFS, SVIRT_PROBE_LAYER_ROOT },
        { "landlock", L(ROOT) | L(LANDLOCK) | L(DAC), EACCES,
          SVIRT_PROBE_LAYER_LANDLOCK },
        { "owner", L(ROOT) | L(DAC), EACCES, SVIRT_PROBE_LAYER_DAC },
        { "filter before capability", L(FILTER) | L(CAPABILITY), EPERM,
          SVIRT_PROBE_LAYER_FILTER },
        { "capability", L(CAPABILITY), EPERM, SVIRT_PROBE_LAYER_CAPABILITY },
        { "pid namespace", L(NAMESPACE) | L(DAC), ESRCH,
          SVIRT_PROBE_LAYER_NAMESPACE },
        { "file size", L(RLIMIT), EFBIG, SVIRT_PROBE_LAYER_RLIMIT },
        { "read-only descriptor", L(DESCRIPTOR), EBADF,
          SVIRT_PROBE_LAYER_DESCRIPTOR },
        { "unexplained", L(DESCRIPTOR), EXDEV, SVIRT_PROBE_LAYER_MAX },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        SvirtSelftestRow row = row_of(DONE, BLOCKED, "");

        g_test_message("%s", cases[i].name);
        row.layers = cases[i].layers;
        row.confined.error = cases[i].error;
        g_assert_cmpint(svirt_selftest_layer(&row), ==, cases[i].layer);
    }
}

static void
test_signals_name_a_layer(void)
{
    SvirtSelftestRow row = row_of(DONE, KILLED, "");

    row.confined.signal = SIGSYS;
    g_assert_cmpint(svirt_selftest_layer(&row), ==, SVIRT_PROBE_LAYER_FILTER);
    row.confined.signal = SIGSEGV;
    g_assert_cmpint(svirt_selftest_layer(&row), ==, SVIRT_PROBE_LAYER_MAX);
}

static void
test_report(void)
{
    SvirtSelftestRow held = row_of(DONE, BLOCKED, "");
    SvirtSelftestRow breach = row_of(DONE, DONE, "");
    SvirtSelftestRow open = row_of(DONE, DONE, "same for every VM");
    SvirtSelftest selftest = { g_ptr_array_new() };
    g_autofree char *table = NULL;
    g_autofree char *text = NULL;
    json_t *root;

    held.confined.error = ENOENT;
    g_ptr_array_add(selftest.rows, &held);
    g_ptr_array_add(selftest.rows, &open);
    g_assert_cmpint(svirt_selftest_exit_code(&selftest), ==, 0);
    g_ptr_array_add(selftest.rows, &breach);
    g_assert_cmpint(svirt_selftest_exit_code(&selftest), ==, 1);
    table = svirt_selftest_report_table(&selftest);
    g_assert_nonnull(strstr(table, "ENOENT"));
    g_assert_nonnull(strstr(table, "same for every VM"));
    g_assert_nonnull(strstr(table, "1 held, 1 open, 0 absent, 1 breaches"));
    text = svirt_selftest_report_json(&selftest);
    root = json_loads(text, 0, NULL);
    g_assert_nonnull(root);
    g_assert_cmpint(json_integer_value(json_object_get(root, "breach")), ==,
                    1);
    g_assert_cmpuint(json_array_size(json_object_get(root, "attempts")), ==,
                     3);
    json_decref(root);
    g_ptr_array_unref(selftest.rows);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/selftest/judge/verdicts", test_verdicts);
    g_test_add_func("/selftest/judge/layers", test_layers);
    g_test_add_func("/selftest/judge/signals-name-a-layer",
                    test_signals_name_a_layer);
    g_test_add_func("/selftest/judge/report", test_report);
    return g_test_run();
}
