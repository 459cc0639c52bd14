/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "selftest/target.h"

#include <glib.h>
#include <string.h>

static void
test_round_trip(void)
{
    SvirtProbeTarget sent;
    SvirtProbeTarget got;
    char text[SVIRT_PROBE_TARGET_TEXT];

    svirt_probe_target_init(&sent);
    sent.pid = 4711;
    sent.address = INT64_C(0x7fff12345678);
    sent.memory_limit_bytes = INT64_C(1) << 40;
    (void)g_strlcpy(sent.disk, "/var/lib/a=b/disk.img", sizeof(sent.disk));
    g_assert_true(svirt_probe_target_format(&sent, text, sizeof(text)));
    memset(&got, 0x55, sizeof(got));
    g_assert_true(svirt_probe_target_parse(text, &got));
    g_assert_cmpmem(&sent, sizeof(sent), &got, sizeof(got));
}

static void
test_full_paths_fit(void)
{
    SvirtProbeTarget sent;
    SvirtProbeTarget got;
    char text[SVIRT_PROBE_TARGET_TEXT];

    /* Every text at its longest: 'a' is harmless in the numbers too. */
    memset(&sent, 0x61, sizeof(sent));
    for (char *at = sent.disk; at < (char *)&sent.tcp_port;
         at += SVIRT_PROBE_PATH) {
        if (at == (char *)&sent.block_number) {
            at += sizeof(sent.block_number);
        }
        at[SVIRT_PROBE_PATH - 1] = '\0';
    }
    g_assert_true(svirt_probe_target_format(&sent, text, sizeof(text)));
    g_assert_true(svirt_probe_target_parse(text, &got));
    g_assert_cmpmem(&sent, sizeof(sent), &got, sizeof(got));
}

static void
test_unset_is_no_target(void)
{
    SvirtProbeTarget target;

    g_assert_true(svirt_probe_target_parse("", &target));
    g_assert_cmpint(target.pid, ==, -1);
    g_assert_cmpint(target.base_fd, ==, -1);
    g_assert_cmpint(target.memory_limit_bytes, ==, 0);
    g_assert_cmpstr(target.disk, ==, "");
}

static void
test_rejects(void)
{
    static const struct {
        const char *name;
        const char *text;
    } cases[] = {
        { "unknown key", "colour=red\n" },
        { "no value", "pid\n" },
        { "no newline", "pid=1" },
        { "not a number", "pid=one\n" },
        { "number with a tail", "pid=1x\n" },
        { "empty number", "pid=\n" },
        { "number out of range", "pid=99999999999999999999\n" },
        { "repeated key", "pid=1\npid=2\n" },
        { "empty key", "=1\n" },
    };
    g_autofree char *path = g_strnfill(SVIRT_PROBE_PATH, 'a');
    g_autofree char *too_long = g_strdup_printf("disk=%s\n", path);

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        SvirtProbeTarget target = { .pid = 5 };

        g_test_message("%s", cases[i].name);
        g_assert_false(svirt_probe_target_parse(cases[i].text, &target));
        g_assert_cmpint(target.pid, ==, 5);
    }
    SvirtProbeTarget target;
    g_assert_false(svirt_probe_target_parse(too_long, &target));
}

static void
test_format_rejects_newline(void)
{
    SvirtProbeTarget target;
    char text[SVIRT_PROBE_TARGET_TEXT];

    svirt_probe_target_init(&target);
    (void)g_strlcpy(target.disk, "/a\npid=1", sizeof(target.disk));
    g_assert_false(svirt_probe_target_format(&target, text, sizeof(text)));
    g_assert_false(svirt_probe_target_format(&target, text, 10));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/selftest/target/round-trip", test_round_trip);
    g_test_add_func("/selftest/target/full-paths-fit", test_full_paths_fit);
    g_test_add_func("/selftest/target/unset-is-no-target",
                    test_unset_is_no_target);
    g_test_add_func("/selftest/target/rejects", test_rejects);
    g_test_add_func("/selftest/target/format-rejects-newline",
                    test_format_rejects_newline);
    return g_test_run();
}
