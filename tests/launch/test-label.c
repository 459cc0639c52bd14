/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launch/label.h"

#include <string.h>

#include "fixture.h"

/* As the test model does it: exec keeps oom_score_adj. */
static const struct Labelled {
    const char *name;
    const char *path;
    const char *fallback;
    const char *value;
    bool starts;
} labelled[] = {
    { "written", "oom_score_adj", NULL, "321", true },
    { "fallback-of-older-kernels", "attr/no_such", "oom_score_adj", "321",
      true },
    { "kernel-without-the-file", "attr/no_such", NULL, "321", false },
    { "kernel-refuses-the-label", "oom_score_adj", NULL, "c1,c2", false },
};

static void
test_label_is_taken_before_exec(void)
{
    if (!fixture_need_root()) {
        return;
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(labelled); i++) {
        const struct Labelled *row = &labelled[i];
        const char *const values[SVIRT_PROCESS_KINDS] = { row->value };
        g_autoptr(Fixture) fixture = fixture_new(SVIRT_PROCESS_VMM, true);
        SvirtLaunchFailure failure = { 0 };
        g_autofree char *path = NULL;
        g_autofree char *text = NULL;

        g_test_message("%s", row->name);
        g_assert_true(svirt_spec_add_label(&fixture->spec, 7, row->path,
                                           row->fallback, NULL, values));
        fixture_use_probe(fixture, "sleep");
        g_assert_cmpint(fixture_start(fixture, -1, &failure), ==,
                        row->starts);
        if (!row->starts) {
            g_assert_cmpint(failure.step, ==, SVIRT_STEP_LABEL);
            g_assert_cmpint(fixture->launched.pid, <=, 0);
            continue;
        }
        path = g_strdup_printf("/proc/%d/oom_score_adj",
                               fixture->launched.pid);
        g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
        g_assert_cmpstr(text, ==, "321\n");
    }
}

static void
test_labels_leave_no_descriptor(void)
{
    static const char *const values[SVIRT_PROCESS_KINDS] = { "322" };
    g_autoptr(Fixture) fixture = fixture_new(SVIRT_PROCESS_VMM, true);
    g_autofree char *text = NULL;
    int status;

    if (!fixture_need_root()) {
        return;
    }
    g_assert_true(svirt_spec_add_label(&fixture->spec, 7, "oom_score_adj",
                                       NULL, NULL, values));
    fixture_use_probe(fixture, "see");
    g_assert_true(fixture_start(fixture, -1, NULL));
    text = fixture_finish(fixture, &status);
    g_assert_nonnull(strstr(text, "fds=0 1 2 \n"));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/launch/label/is-taken-before-exec",
                    test_label_is_taken_before_exec);
    g_test_add_func("/launch/label/leaves-no-descriptor",
                    test_labels_leave_no_descriptor);
    return g_test_run();
}
