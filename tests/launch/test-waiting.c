/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "fixture.h"

/* What the probe sees, one line each, in one go or after having waited. */
static char *
see(bool wait, uint32_t waived)
{
    g_autoptr(Fixture) fixture = fixture_new(SVIRT_PROCESS_VMM, true);
    SvirtLaunchFailure failure = { 0 };
    pid_t waiting = 0;
    char *text;
    int status;

    fixture->spec->waived_layers |= waived;
    fixture_use_probe(fixture, "see");
    if (wait) {
        g_assert_true(svirt_launch_wait(SVIRT_PROCESS_VMM, -1,
                                        &fixture->waiting, &failure));
        waiting = fixture->waiting.pid;
        g_assert_cmpint(waiting, >, 0);
    }
    if (!fixture_start(fixture, -1, &failure)) {
        g_error("%s: %s: %s", svirt_step_to_string(failure.step),
                failure.words, g_strerror(failure.errnum));
    }
    if (wait) {
        g_assert_cmpint(fixture->waiting.pid, ==, 0);
        g_assert_cmpint(fixture->waiting.socket, ==, -1);
        g_assert_true((fixture->launched.pid == waiting) == (waived == 0));
    }
    text = fixture_finish(fixture, &status);
    g_assert_cmpint(status, ==, 0);
    return text;
}

/* Without what differs from one process to the next. */
static char *
comparable(const char *text)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    GString *kept = g_string_new(NULL);

    for (char **line = lines; *line != NULL; line++) {
        if (strstr(*line, "ctxt_switches") == NULL &&
            strstr(*line, "Vm") == NULL && strstr(*line, "Rss") == NULL &&
            strstr(*line, "Cpus_allowed") == NULL &&
            strstr(*line, " - tmpfs ") == NULL &&
            strstr(*line, "pid") == NULL && strstr(*line, "Pid") == NULL) {
            g_string_append_printf(kept, "%s\n", *line);
        }
    }
    return g_string_free(kept, FALSE);
}

static void
test_is_confined_as_in_one_go(void)
{
    g_autofree char *once = NULL, *waited = NULL;
    g_auto(GStrv) a = NULL, b = NULL;

    if (!fixture_need_root()) {
        return;
    }
    once = see(false, 0);
    waited = see(true, 0);
    g_assert_nonnull(strstr(waited, "fds=0 1 2 \n"));
    g_assert_nonnull(strstr(waited, "uid=31007 gid=31007 groups=0\n"));
    g_assert_nonnull(strstr(waited, "CapBnd:\t0000000000000000\n"));
    g_assert_nonnull(strstr(waited, "Seccomp:\t2\n"));
    g_assert_nonnull(strstr(waited, "NoNewPrivs:\t1\n"));
    {
        g_autofree char *left = comparable(once);
        g_autofree char *right = comparable(waited);

        a = g_strsplit(left, "\n", -1);
        b = g_strsplit(right, "\n", -1);
        g_assert_cmpuint(g_strv_length(a), ==, g_strv_length(b));
        g_assert_cmpuint(g_strv_length(a), >, 20);
    }
}

/* A waiver that came after the namespaces were made is kept all the same. */
static void
test_other_namespaces_mean_another_process(void)
{
    g_autofree char *text = NULL;

    if (fixture_need_root()) {
        text = see(true, SVIRT_LAYER_NAMESPACES);
        g_assert_nonnull(strstr(text, "CapBnd:\t0000000000000000\n"));
    }
}

static void
assert_ends(int pidfd)
{
    struct pollfd ended = { .fd = pidfd, .events = POLLIN };

    g_assert_cmpint(poll(&ended, 1, 5000), ==, 1);
}

static void
test_ends_with_who_made_it(void)
{
    SvirtWaiting waiting = SVIRT_WAITING_INIT;
    SvirtLaunchFailure failure = { 0 };
    int status;

    if (!fixture_need_root()) {
        return;
    }
    g_assert_true(svirt_launch_wait(SVIRT_PROCESS_VMM, -1, &waiting,
                                    &failure));
    svirt_fd_close(&waiting.socket);
    assert_ends(waiting.pidfd);
    g_assert_cmpint(waitpid(waiting.pid, &status, 0), ==, waiting.pid);
    g_assert_true(WIFEXITED(status));
    svirt_fd_close(&waiting.pidfd);
}

static void
test_is_ended_without_a_trace(void)
{
    SvirtWaiting waiting = SVIRT_WAITING_INIT;
    SvirtLaunchFailure failure = { 0 };
    pid_t pid;

    if (!fixture_need_root()) {
        return;
    }
    svirt_launch_wait_end(&waiting); /* of none: nothing */
    g_assert_true(svirt_launch_wait(SVIRT_PROCESS_VMM, -1, &waiting,
                                    &failure));
    pid = waiting.pid;
    svirt_launch_wait_end(&waiting);
    g_assert_cmpint(waiting.pid, ==, 0);
    g_assert_cmpint(waiting.pidfd, ==, -1);
    g_assert_cmpint(kill(pid, 0), ==, -1);
    g_assert_cmpint(errno, ==, ESRCH);
}

/* It died, or was killed, before its spec came: the start fails, at once. */
static void
test_a_dead_one_fails_the_launch(void)
{
    g_autoptr(Fixture) fixture = NULL;
    SvirtLaunchFailure failure = { 0 };

    if (!fixture_need_root()) {
        return;
    }
    fixture = fixture_new(SVIRT_PROCESS_VMM, true);
    fixture_use_probe(fixture, "see");
    g_assert_true(svirt_launch_wait(SVIRT_PROCESS_VMM, -1, &fixture->waiting,
                                    &failure));
    g_assert_no_errno(kill(fixture->waiting.pid, SIGKILL));
    assert_ends(fixture->waiting.pidfd);
    g_assert_false(fixture_start(fixture, -1, &failure));
    g_assert_cmpint(failure.step, >, SVIRT_STEP_SPEC);
    g_assert_cmpint(fixture->waiting.pid, ==, 0);
    g_assert_cmpint(waitpid(-1, NULL, WNOHANG), ==, -1);
    g_assert_cmpint(errno, ==, ECHILD);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    /* The numbers that a process keeps for itself while it waits. */
    while (open("/dev/null", O_RDONLY | O_CLOEXEC) < 16) {
    }
    g_test_add_func("/launch/waiting/is-confined-as-in-one-go",
                    test_is_confined_as_in_one_go);
    g_test_add_func("/launch/waiting/other-namespaces-mean-another-process",
                    test_other_namespaces_mean_another_process);
    g_test_add_func("/launch/waiting/ends-with-who-made-it",
                    test_ends_with_who_made_it);
    g_test_add_func("/launch/waiting/is-ended-without-a-trace",
                    test_is_ended_without_a_trace);
    g_test_add_func("/launch/waiting/a-dead-one-fails-the-launch",
                    test_a_dead_one_fails_the_launch);
    return g_test_run();
}
