/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fixture.h"
#include "launch/landlock.h"

/* What the probe says after svirt_confine_self_monitor. Owned. */
static char *
run_monitor(int *ret_status)
{
    g_autoptr(Fixture) fixture = fixture_new(SVIRT_PROCESS_MONITOR, true);
    SvirtLaunchFailure failure = { 0 };

    fixture_use_probe(fixture, "monitor");
    if (!fixture_start(fixture, -1, &failure)) {
        g_error("%s: %s: %s", svirt_step_to_string(failure.step),
                failure.words, g_strerror(failure.errnum));
    }
    return fixture_finish(fixture, ret_status);
}

static void
assert_has(const char *text, const char *line)
{
    if (strstr(text, line) == NULL) {
        g_error("no '%s' in:\n%s", line, text);
    }
}

static void
test_monitor_keeps_nothing(void)
{
    g_autofree char *text = NULL;
    g_autofree char *confined = NULL;
    int status;

    if (!fixture_need_root()) {
        return;
    }
    text = run_monitor(&status);
    g_assert_cmpint(status, ==, 0);
    confined = g_strdup_printf("confined missing=0 abi=%d\n",
                               svirt_landlock_abi());
    assert_has(text, confined);
    assert_has(text, "pid=1 ppid=0 uid=31008 gid=31008 groups=0\n");
    assert_has(text, "open-root -1 1\n");
    assert_has(text, "socket -1 1\n");
    assert_has(text, "mmap-exec -1 1\n");
    assert_has(text, "execve -1 1\n");
    assert_has(text, "fork -1 1\n");
}

/* Its root, and files to load: itself and what this program has loaded. */
static void
assert_mounts(const char *mounts)
{
    g_auto(GStrv) lines = g_strsplit(g_strchomp((char *)mounts), "\n", -1);
    g_autofree char *maps = NULL;

    g_assert_true(g_file_get_contents("/proc/self/maps", &maps, NULL, NULL));
    for (char **line = lines; *line != NULL; line++) {
        g_auto(GStrv) words = g_strsplit(*line, " ", 7);
        g_autofree char *at = g_path_get_basename(words[4]);

        g_assert_true(g_str_has_prefix(words[5], "ro,nosuid,nodev"));
        if (line > lines && strcmp(at, "launch-probe") != 0) {
            assert_has(maps, at);
        }
    }
}

/* /proc says the rest of a monitor that is at its work. */
static void
test_monitor_seen_from_outside(void)
{
    g_autoptr(Fixture) fixture = fixture_new(SVIRT_PROCESS_MONITOR, true);
    SvirtLaunchFailure failure = { 0 };
    g_autofree char *status_path = NULL;
    g_autofree char *mounts_path = NULL;
    g_autofree char *status = NULL;
    g_autofree char *mounts = NULL;
    static const char *const names[] = { "net", "ipc", "uts", "mnt", "pid" };
    char ready = 0;

    if (!fixture_need_root()) {
        return;
    }
    fixture_use_probe(fixture, "monitor-wait");
    g_assert_true(fixture_start(fixture, -1, &failure));
    g_assert_cmpint(read(fixture->out_read, &ready, 1), ==, 1);
    status_path = g_strdup_printf("/proc/%d/status", fixture->launched.pid);
    g_assert_true(g_file_get_contents(status_path, &status, NULL, NULL));
    assert_has(status, "\nUid:\t31008\t31008\t31008\t31008\n");
    assert_has(status, "\nCapPrm:\t0000000000000000\n");
    assert_has(status, "\nCapBnd:\t0000000000000000\n");
    assert_has(status, "\nNoNewPrivs:\t1\n");
    assert_has(status, "\nSeccomp:\t2\n");
    mounts_path = g_strdup_printf("/proc/%d/mountinfo",
                                  fixture->launched.pid);
    g_assert_true(g_file_get_contents(mounts_path, &mounts, NULL, NULL));
    assert_has(mounts, " / / ro,nosuid,nodev,noexec");
    assert_mounts(mounts);
    for (unsigned i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *own = g_strdup_printf("/proc/%d/ns/%s",
                                               fixture->launched.pid,
                                               names[i]);
        g_autofree char *ours = g_strdup_printf("/proc/self/ns/%s", names[i]);
        g_autofree char *a = g_file_read_link(own, NULL);
        g_autofree char *b = g_file_read_link(ours, NULL);

        g_assert_nonnull(a);
        g_assert_cmpstr(a, !=, b);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/launch/confine/monitor-keeps-nothing",
                    test_monitor_keeps_nothing);
    g_test_add_func("/launch/confine/monitor-seen-from-outside",
                    test_monitor_seen_from_outside);
    return g_test_run();
}
