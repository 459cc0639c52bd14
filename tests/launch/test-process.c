/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "fixture.h"
#include "launch/landlock.h"
#include "probe-calls.h"

static void
assert_started(Fixture *fixture)
{
    SvirtLaunchFailure failure = { 0 };

    if (!fixture_start(fixture, -1, &failure)) {
        g_error("%s: %s: %s", svirt_step_to_string(failure.step),
                failure.words, g_strerror(failure.errnum));
    }
}

static char *
run_probe(const char *mode, int *ret_status)
{
    g_autoptr(Fixture) fixture = fixture_new(SVIRT_PROCESS_VMM, true);

    fixture_use_probe(fixture, mode);
    assert_started(fixture);
    return fixture_finish(fixture, ret_status);
}

/* `text` has the line "key=value" or "key:\tvalue". */
static void
assert_line(const char *text, const char *line)
{
    g_autofree char *middle = g_strdup_printf("\n%s\n", line);

    if (!g_str_has_prefix(text, middle + 1) && strstr(text, middle) == NULL) {
        g_error("no line '%s' in:\n%s", line, text);
    }
}

/* CVE-2013-4291: groups of whoever starts a VM that its processes keep. */
static void
test_keeps_no_group_of_the_caller(void)
{
    static const gid_t groups[] = { 0, 4, 6, 27, 108 };
    g_autofree char *text = NULL;
    gid_t before[64];
    int count;
    int status;

    if (!fixture_need_root()) {
        return;
    }
    count = getgroups(G_N_ELEMENTS(before), before);
    g_assert_cmpint(count, >=, 0);
    g_assert_cmpint(setgroups(G_N_ELEMENTS(groups), groups), ==, 0);
    text = run_probe("see", &status);
    g_assert_cmpint(setgroups((size_t)count, before), ==, 0);
    g_assert_cmpint(status, ==, 0);
    assert_line(text, "pid=1 ppid=0 uid=31007 gid=31007 groups=0");
    assert_line(text, "Groups:\t ");
}

static void
test_sees_nothing_of_the_host(void)
{
    g_autofree char *text = NULL;
    g_auto(GStrv) lines = NULL;
    unsigned entries = 0;
    int status;

    if (!fixture_need_root()) {
        return;
    }
    text = run_probe("see", &status);
    g_assert_cmpint(status, ==, 0);
    assert_line(text, "fds=0 1 2 ");
    assert_line(text, "pid=1 ppid=0 uid=31007 gid=31007 groups=0");
    assert_line(text, "host=web");
    assert_line(text, "limit7=256/256");
    assert_line(text, "limit4=0/0");
    assert_line(text, "limit1=8388608/8388608");
    assert_line(text, "limit8=65536/65536");
    assert_line(text, "environment=LC_ALL=C PATH=/usr/bin:/bin HOME=/ ");
    assert_line(text, "umask=077");
    assert_line(text, "Uid:\t31007\t31007\t31007\t31007");
    assert_line(text, "Gid:\t31007\t31007\t31007\t31007");
    assert_line(text, "CapPrm:\t0000000000000000");
    assert_line(text, "CapInh:\t0000000000000000");
    assert_line(text, "CapBnd:\t0000000000000000");
    assert_line(text, "CapAmb:\t0000000000000000");
    assert_line(text, "NoNewPrivs:\t1");
    assert_line(text, "Seccomp:\t2");
    /* Listing "/" and "/dev" is denied by Landlock; mountinfo has it all. */
    lines = g_strsplit(text, "\n", -1);
    for (unsigned i = 0; lines[i] != NULL; i++) {
        entries += strstr(lines[i], " - ") != NULL;
        if (strstr(lines[i], " - ") != NULL) {
            g_assert_nonnull(strstr(lines[i], " ro,nosuid"));
        }
    }
    /* The root, the probe, /proc, /dev. */
    g_assert_cmpuint(entries, ==, 4);
}

static void
test_leaves_host_mounts_alone(void)
{
    g_autofree char *mounts = NULL;
    int status;

    if (!fixture_need_root()) {
        return;
    }
    for (int i = 0; i < 5; i++) {
        g_free(run_probe("see", &status));
        g_assert_cmpint(status, ==, 0);
    }
    g_file_get_contents("/proc/self/mountinfo", &mounts, NULL, NULL);
    /* The launch's own file systems, by the name they are mounted with. */
    g_assert_null(strstr(mounts, " - tmpfs svirt"));
    g_assert_null(strstr(mounts, "launch-probe"));
}

/*
 * Sources stand on each other's targets, on the launch's own numbers and over
 * the limit: each must arrive where the spec says, and no other one.
 */
static void
test_descriptors_arrive_where_the_spec_says(void)
{
    g_autoptr(Fixture) fixture = fixture_new(SVIRT_PROCESS_VMM, true);
    static const struct { int source, target; } moves[] = {
        { 100, 101 }, { 101, 100 }, { 102, 3 }, { 256, 102 }, { 257, 255 },
        { 300, 103 },
    };
    g_autofree char *text = NULL;
    int status;

    if (!fixture_need_root()) {
        return;
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(moves); i++) {
        SVIRT_AUTO_FD file = open("/dev/null", O_RDONLY | O_CLOEXEC);

        g_assert_cmpint(dup3(file, moves[i].source, O_CLOEXEC), ==,
                        moves[i].source);
        fixture_fd(fixture, moves[i].source, moves[i].target, SVIRT_FD_IMAGE,
                   i);
    }
    fixture_use_probe(fixture, "see");
    assert_started(fixture);
    text = fixture_finish(fixture, &status);
    assert_line(text, "fds=0 1 2 3 100 101 102 103 255 ");
    for (unsigned i = 0; i < G_N_ELEMENTS(moves); i++) {
        close(moves[i].source);
    }
}

/* A caller with few descriptors itself: the process gets fewer still. */
static void
test_small_limit_of_the_caller_holds(void)
{
    int status;
    pid_t pid;

    if (!fixture_need_root()) {
        return;
    }
    pid = fork();
    g_assert_cmpint(pid, >=, 0);
    if (pid == 0) {
        g_autoptr(Fixture) fixture = fixture_new(SVIRT_PROCESS_VMM, true);
        const struct rlimit small = { 300, 300 };
        g_autofree char *text = NULL;
        char *limit;
        int got = 0;

        fixture->spec->rlimit_nofile = SVIRT_SPEC_MAX_NOFILE;
        /* A source at the very top, on nobody's target. */
        g_assert_cmpint(dup3(fixture->null_fd, 299, O_CLOEXEC), ==, 299);
        fixture_fd(fixture, 299, 5, SVIRT_FD_IMAGE, 0);
        fixture_use_probe(fixture, "see");
        g_assert_cmpint(setrlimit(RLIMIT_NOFILE, &small), ==, 0);
        assert_started(fixture);
        text = fixture_finish(fixture, &status);
        assert_line(text, "fds=0 1 2 5 ");
        limit = strstr(text, "limit7=");
        g_assert_nonnull(limit);
        g_assert_cmpint(sscanf(limit, "limit7=%d/", &got), ==, 1);
        g_assert_cmpint(got, >, 100);
        g_assert_cmpint(got, <, 300);
        _exit(0);
    }
    g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
    g_assert_cmpint(status, ==, 0);
}

/* Swapped numbers carry the right description, told apart by inode. */
static void
test_swapped_descriptors_are_the_right_ones(void)
{
    g_autoptr(Fixture) fixture = fixture_new(SVIRT_PROCESS_VMM, true);
    int a[2], b[2];
    char got = 0;

    if (!fixture_need_root()) {
        return;
    }
    g_assert_cmpint(pipe2(a, O_CLOEXEC), ==, 0);
    g_assert_cmpint(pipe2(b, O_CLOEXEC), ==, 0);
    g_assert_cmpint(dup3(a[1], 100, O_CLOEXEC), ==, 100);
    g_assert_cmpint(dup3(b[1], 101, O_CLOEXEC), ==, 101);
    fixture_fd(fixture, 100, 101, SVIRT_FD_PROBE, 0);
    fixture_fd(fixture, 101, 100, SVIRT_FD_PROBE, 1);
    fixture_use_probe(fixture, "sleep");
    assert_started(fixture);
    {
        g_autofree char *path = g_strdup_printf("/proc/%d/fd/101",
                                                fixture->launched.pid);
        SVIRT_AUTO_FD fd = open(path, O_WRONLY);

        g_assert_cmpint(write(fd, "a", 1), ==, 1);
        g_assert_cmpint(read(a[0], &got, 1), ==, 1);
        g_assert_cmpint(got, ==, 'a');
    }
    for (int i = 0; i < 2; i++) {
        close(a[i]);
        close(b[i]);
        close(100 + i);
    }
}

static void
test_terminal_like_standard_output_is_refused(void)
{
    g_autoptr(Fixture) fixture = fixture_new(SVIRT_PROCESS_VMM, true);
    SvirtLaunchFailure failure = { 0 };
    int pair[2];

    if (!fixture_need_root()) {
        return;
    }
    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair),
                    ==, 0);
    for (uint32_t i = 0; i < fixture->spec->n_fds; i++) {
        if (fixture->spec->fds[i].vmm == 2) {
            fixture->spec->fds[i].source = pair[0];
        }
    }
    fixture_use_probe(fixture, "see");
    g_assert_false(fixture_start(fixture, -1, &failure));
    g_assert_cmpint(failure.step, ==, SVIRT_STEP_DESCRIPTORS);
    g_assert_nonnull(strstr(failure.words, "descriptor 2"));
    close(pair[0]);
    close(pair[1]);
}

/* What each call says outside, by the same program as root. */
static char *
run_control(void)
{
    g_autofree char *probe = fixture_program("launch-probe");
    char *argv[] = { probe, (char *)"calls", NULL };
    char *out = NULL;
    int status;

    g_assert_true(g_spawn_sync(NULL, argv, NULL, 0, NULL, NULL, &out, NULL,
                               &status, NULL));
    g_assert_cmpint(status, ==, 0);
    return out;
}

static bool
find_call(const char *text, const char *name, long *ret_result, int *ret_errno)
{
    g_autofree char *start = g_strdup_printf("%s ", name);

    for (const char *line = text; line != NULL && *line != '\0';
         line = strchr(line, '\n') != NULL ? strchr(line, '\n') + 1 : NULL) {
        if (g_str_has_prefix(line, start)) {
            return sscanf(line + strlen(start), "%ld %d", ret_result,
                          ret_errno) == 2;
        }
    }
    return false;
}

static void
test_closed_calls_are_refused(void)
{
    g_autofree char *inside = NULL;
    g_autofree char *outside = NULL;
    unsigned proven = 0;
    int status;

    if (!fixture_need_root()) {
        return;
    }
    inside = run_probe("calls", &status);
    g_assert_cmpint(status, ==, 0);
    outside = run_control();
    for (unsigned i = 0; i < N_PROBE_CALLS; i++) {
        const char *name = probe_calls[i].name;
        long result, control;
        int error, control_error;

        g_assert_true(find_call(inside, name, &result, &error));
        g_assert_true(find_call(outside, name, &control, &control_error));
        if (result >= 0 || (error != EPERM && error != ENOSYS)) {
            g_error("%s: %ld, %s", name, result, g_strerror(error));
        }
        if (control_error == error) {
            g_test_message("%s: refused outside as well (%s)", name,
                           g_strerror(error));
        } else {
            proven++;
        }
    }
    g_test_message("%u of %u refused, and not outside", proven,
                   (unsigned)N_PROBE_CALLS);
    g_assert_cmpuint(proven, >=, N_PROBE_CALLS - 12);
}

static void
test_no_exec_is_left(void)
{
    g_autofree char *text = NULL;
    static const char *const roads[] = {
        "execve", "execveat", "execveat-path", "execveat-number",
        "execveat-absolute",
        "dup2-number", "dup3-number", "dupfd-number", "raise-limit", "memfd",
    };
    long result;
    int error, status;

    if (!fixture_need_root()) {
        return;
    }
    text = run_probe("exec", &status);
    g_assert_cmpint(status, ==, 0);
    g_assert_true(find_call(text, "open-self", &result, &error));
    g_assert_cmpint(result, >=, 0);
    for (unsigned i = 0; i < G_N_ELEMENTS(roads); i++) {
        if (!find_call(text, roads[i], &result, &error)) {
            g_error("'%s' executed something, or was not tried:\n%s", roads[i], text);
        }
        g_assert_cmpint(result, ==, -1);
    }
}

static void
test_foreign_architecture_is_killed(void)
{
    g_autofree char *text = NULL;
    int status;

    if (!fixture_need_root()) {
        return;
    }
    text = run_probe("int80", &status);
    g_assert_true(WIFSIGNALED(status));
    g_assert_cmpint(WTERMSIG(status), ==, SIGSYS);
}

static void
test_every_landlock_abi_limit(void)
{
    int kernel = svirt_landlock_abi();

    if (!fixture_need_root()) {
        return;
    }
    for (int limit = 0; limit <= 7; limit++) {
        g_autoptr(Fixture) fixture = fixture_new(SVIRT_PROCESS_VMM, true);
        g_autofree char *text = NULL;
        int status;

        fixture->spec->landlock_abi_limit = limit;
        fixture_use_probe(fixture, "see");
        assert_started(fixture);
        g_assert_cmpint(fixture->launched.landlock_abi, ==,
                        MIN(limit, kernel));
        g_assert_cmpint((fixture->launched.missing_layers &
                         SVIRT_LAYER_LANDLOCK) != 0, ==,
                        MIN(limit, kernel) == 0);
        text = fixture_finish(fixture, &status);
        g_assert_cmpint(status, ==, 0);
        assert_line(text, "Uid:\t31007\t31007\t31007\t31007");
        /* Landlock forbids to list the root; without it mounts still hold. */
        g_assert_cmpint(strstr(text, "ls /=\n") != NULL, ==,
                        MIN(limit, kernel) > 0);
    }
}

/* A waived layer is left out, and that layer alone. */
static void
test_waived_layers_are_said(void)
{
    static const struct { uint32_t layer; const char *line; } rows[] = {
        { SVIRT_LAYER_SECCOMP, "Seccomp:\t0" },
        { SVIRT_LAYER_UID, "Uid:\t0\t0\t0\t0" },
        { SVIRT_LAYER_LANDLOCK, "NoNewPrivs:\t1" },
    };

    if (!fixture_need_root()) {
        return;
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(Fixture) fixture = fixture_new(SVIRT_PROCESS_VMM, true);
        g_autofree char *text = NULL;
        int status;

        fixture->spec->waived_layers |= rows[i].layer;
        fixture_use_probe(fixture, "see");
        assert_started(fixture);
        g_assert_cmpuint(fixture->launched.missing_layers, ==,
                         rows[i].layer | SVIRT_LAYER_CGROUP);
        text = fixture_finish(fixture, &status);
        assert_line(text, rows[i].line);
        assert_line(text, "CapPrm:\t0000000000000000");
        assert_line(text, "fds=0 1 2 ");
    }
}

static void
test_times_are_measured(void)
{
    g_autoptr(Fixture) fixture = fixture_new(SVIRT_PROCESS_VMM, false);

    if (!fixture_need_root()) {
        return;
    }
    fixture_use_probe(fixture, "sleep");
    assert_started(fixture);
    for (int i = SVIRT_STEP_CLONE; i <= SVIRT_STEP_EXEC; i++) {
        g_test_message("%8.1f us  %s", fixture->launched.step_ns[i] / 1e3,
                       svirt_step_to_string((SvirtStep)i));
        g_assert_cmpuint(fixture->launched.step_ns[i], >, 0);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/launch/process/sees-nothing-of-the-host",
                    test_sees_nothing_of_the_host);
    g_test_add_func("/launch/process/keeps-no-group-of-the-caller",
                    test_keeps_no_group_of_the_caller);
    g_test_add_func("/launch/process/leaves-host-mounts-alone",
                    test_leaves_host_mounts_alone);
    g_test_add_func("/launch/process/descriptors-arrive-where-the-spec-says",
                    test_descriptors_arrive_where_the_spec_says);
    g_test_add_func("/launch/process/small-limit-of-the-caller-holds",
                    test_small_limit_of_the_caller_holds);
    g_test_add_func("/launch/process/swapped-descriptors-are-the-right-ones",
                    test_swapped_descriptors_are_the_right_ones);
    g_test_add_func("/launch/process/socket-on-standard-error-is-refused",
                    test_terminal_like_standard_output_is_refused);
    g_test_add_func("/launch/process/closed-calls-are-refused",
                    test_closed_calls_are_refused);
    g_test_add_func("/launch/process/no-exec-is-left", test_no_exec_is_left);
    g_test_add_func("/launch/process/foreign-architecture-is-killed",
                    test_foreign_architecture_is_killed);
    g_test_add_func("/launch/process/every-landlock-abi-limit",
                    test_every_landlock_abi_limit);
    g_test_add_func("/launch/process/waived-layers-are-said",
                    test_waived_layers_are_said);
    g_test_add_func("/launch/process/times-are-measured",
                    test_times_are_measured);
    return g_test_run();
}
