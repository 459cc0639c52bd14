/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Runs of the probe that do not go as planned. */
#include "base/error.h"
#include "selftest/selftest.h"
#include "selftest/victim-process.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define RECORD_FD (SVIRT_SELFTEST_FIRST_FD - 1)
#define NOBODY 65534

/* A runner whose child does `act` and then exits, or runs the probe. */
typedef struct Child {
    void (*act)(int record_fd, int first);
    unsigned starts;
} Child;

static int
source_of(const SvirtSelftestRun *run, int number)
{
    for (size_t i = 0; i < run->fd_count; i++) {
        if (run->fds[i].as == number) {
            return run->fds[i].fd;
        }
    }
    return -1;
}

static int
first_of(const SvirtSelftestRun *run)
{
    for (size_t i = 0; run->arguments[i]; i++) {
        if (strcmp(run->arguments[i], "--first") == 0) {
            return (int)strtol(run->arguments[i + 1], NULL, 10);
        }
    }
    return -1;
}

static bool
child_start(void *data, const SvirtSelftestRun *run, pid_t *ret_pid,
            GError **error)
{
    Child *child = data;
    pid_t pid;

    child->starts++;
    pid = fork();
    g_assert_cmpint(pid, >=, 0);
    if (pid == 0) {
        child->act(source_of(run, RECORD_FD), first_of(run));
        _exit(0);
    }
    *ret_pid = pid;
    return true;
}

static bool
child_finish(void *data, pid_t pid, bool must_kill, int *ret_status,
             GError **error)
{
    if (must_kill) {
        (void)kill(pid, SIGKILL);
    }
    g_assert_cmpint(waitpid(pid, ret_status, 0), ==, pid);
    return true;
}

typedef struct World {
    SvirtSelftest *selftest;
    SvirtSelftestTargets *targets;
} World;

static bool
world_make(World *world)
{
    GError *error = NULL;

    if (geteuid() != 0) {
        g_test_skip("not root: the targets belong to the host");
        return false;
    }
    g_assert_true(
        svirt_selftest_new(SVIRT_TEST_PROBE, &world->selftest, &error));
    g_assert_true(svirt_selftest_targets_new(NULL, &world->targets, &error));
    return true;
}

static void
world_free(World *world)
{
    svirt_selftest_targets_free(world->targets);
    svirt_selftest_free(world->selftest);
}

/* Runs with `act` in place of the probe; the error's code, 0 for none. */
static int
run_with(void (*act)(int, int), unsigned *ret_starts)
{
    Child child = { act, 0 };
    const SvirtSelftestRunner runner = { child_start, child_finish, &child };
    World world = { NULL, NULL };
    g_autoptr(GError) error = NULL;
    bool ok;

    if (!world_make(&world)) {
        return -1;
    }
    ok = svirt_selftest_run(world.selftest, SVIRT_SELFTEST_INSIDE,
                            world.targets, &runner, &error);
    world_free(&world);
    g_assert_true(ok == !error);
    *ret_starts = child.starts;
    return error ? error->code : 0;
}

static SvirtProbeRecord
first_record(SvirtProbePhase phase)
{
    SvirtProbeRecord record;

    svirt_probe_record_init(&record, phase, 0, 0, "disk-open");
    return record;
}

static void
act_garbage(int fd, int first)
{
    SvirtProbeRecord record = first_record(SVIRT_PROBE_PHASE_BEGIN);

    record.magic++;
    (void)svirt_probe_record_write(fd, &record);
}

static void
act_cut_short(int fd, int first)
{
    SvirtProbeRecord record = first_record(SVIRT_PROBE_PHASE_BEGIN);

    (void)!write(fd, &record, 20);
}

static void
act_end_without_begin(int fd, int first)
{
    SvirtProbeRecord record = first_record(SVIRT_PROBE_PHASE_END);

    (void)svirt_probe_record_write(fd, &record);
}

static void
act_wrong_name(int fd, int first)
{
    SvirtProbeRecord record;

    svirt_probe_record_init(&record, SVIRT_PROBE_PHASE_BEGIN, 0, 0, "passwd");
    (void)svirt_probe_record_write(fd, &record);
}

static void
act_row_over_table(int fd, int first)
{
    SvirtProbeRecord record = first_record(SVIRT_PROBE_PHASE_BEGIN);

    record.row = SVIRT_PROBE_ROWS_MAX - 1;
    (void)svirt_probe_record_write(fd, &record);
}

static void
act_skip_step(int fd, int first)
{
    SvirtProbeRecord record = first_record(SVIRT_PROBE_PHASE_BEGIN);

    record.step = 1;
    (void)svirt_probe_record_write(fd, &record);
}

static void
act_finish_at_once(int fd, int first)
{
    SvirtProbeRecord record = first_record(SVIRT_PROBE_PHASE_FINISH);

    (void)svirt_probe_record_write(fd, &record);
}

static void
act_nothing(int fd, int first)
{
}

static void
test_rejects(void)
{
    static const struct {
        const char *name;
        void (*act)(int fd, int first);
        int code;
    } cases[] = {
        { "garbage", act_garbage, SVIRT_ERROR_CORRUPT },
        { "a record cut short", act_cut_short, SVIRT_ERROR_CORRUPT },
        { "an end without a begin", act_end_without_begin,
          SVIRT_ERROR_CORRUPT },
        { "another row's name", act_wrong_name, SVIRT_ERROR_CORRUPT },
        { "a row over the table", act_row_over_table, SVIRT_ERROR_CORRUPT },
        { "a step left out", act_skip_step, SVIRT_ERROR_CORRUPT },
        { "the end before the last row", act_finish_at_once,
          SVIRT_ERROR_CORRUPT },
        { "no record at all", act_nothing, SVIRT_ERROR_FAILED },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        unsigned starts;
        int code = run_with(cases[i].act, &starts);

        g_test_message("%s", cases[i].name);
        if (code < 0) {
            return;
        }
        g_assert_cmpint(code, ==, cases[i].code);
        g_assert_cmpuint(starts, ==, 1);
    }
}

/* What a confined probe meets: another user, a filter with three answers. */
static void
filter_install(void)
{
    const struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_ptrace, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_kcmp, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_add_key, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = { G_N_ELEMENTS(code),
                                  (struct sock_filter *)code };

    if (setgroups(0, NULL) < 0 || setgid(NOBODY) < 0 || setuid(NOBODY) < 0 ||
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0) {
        _exit(99);
    }
}

static void
setup_filter(gpointer data)
{
    filter_install();
}

/* As the plain runner, with the filter. */
static bool
filtered_start(void *data, const SvirtSelftestRun *run, pid_t *ret_pid,
               GError **error)
{
    g_autoptr(GPtrArray) argv = g_ptr_array_new();
    g_autofree int *sources = g_new(int, run->fd_count);
    g_autofree int *numbers = g_new(int, run->fd_count);

    (*(unsigned *)data)++;
    g_ptr_array_add(argv, (void *)SVIRT_TEST_PROBE);
    for (size_t i = 0; run->arguments[i]; i++) {
        g_ptr_array_add(argv, (void *)run->arguments[i]);
    }
    g_ptr_array_add(argv, NULL);
    for (size_t i = 0; i < run->fd_count; i++) {
        sources[i] = run->fds[i].fd;
        numbers[i] = run->fds[i].as;
    }
    return g_spawn_async_with_pipes_and_fds(
        "/", (const char *const *)argv->pdata, NULL,
        G_SPAWN_DO_NOT_REAP_CHILD, setup_filter, NULL, -1, -1, -1, sources,
        numbers, run->fd_count, ret_pid, NULL, NULL, NULL, error);
}

static void
check_filtered(SvirtSelftest *selftest)
{
    const SvirtSelftestRow *row = svirt_selftest_row(selftest, "ptrace");

    g_assert_cmpint(row->confined.outcome, ==, SVIRT_PROBE_OUTCOME_SIGNAL);
    g_assert_cmpint(row->confined.signal, ==, SIGSYS);
    row = svirt_selftest_row(selftest, "kcmp");
    g_assert_cmpint(row->confined.outcome, ==, SVIRT_PROBE_OUTCOME_SIGNAL);
    g_assert_cmpint(row->confined.signal, ==, SIGSYS);
    row = svirt_selftest_row(selftest, "key-add");
    g_assert_cmpint(row->confined.outcome, ==, SVIRT_PROBE_OUTCOME_BLOCKED);
    g_assert_cmpint(row->confined.error, ==, EPERM);
    /* Nothing but its user stops these, or nothing at all. */
    row = svirt_selftest_row(selftest, "shadow");
    g_assert_cmpint(row->confined.error, ==, EACCES);
    row = svirt_selftest_row(selftest, "setuid");
    g_assert_cmpint(row->confined.error, ==, EPERM);
    row = svirt_selftest_row(selftest, "passwd");
    g_assert_cmpint(row->confined.outcome, ==, SVIRT_PROBE_OUTCOME_DONE);
    row = svirt_selftest_row(selftest, "unix-world");
    g_assert_cmpint(row->confined.outcome, ==, SVIRT_PROBE_OUTCOME_DONE);
    row = svirt_selftest_row(selftest, "base-write");
    g_assert_cmpint(row->confined.error, ==, EBADF);
    row = svirt_selftest_row(selftest, "grow-disk");
    g_assert_cmpint(row->confined.outcome, ==, SVIRT_PROBE_OUTCOME_DONE);
    for (guint i = 0; i < selftest->rows->len; i++) {
        row = selftest->rows->pdata[i];
        g_assert_true(row->confined_made);
        if (row->confined.outcome == SVIRT_PROBE_OUTCOME_TIMEOUT) {
            g_test_message("%s took too long", row->name);
            g_test_fail();
        }
    }
}

static guint told;

static void
tell(SvirtSelftestMode mode, guint made, guint all)
{
    g_assert_cmpint(mode, ==, SVIRT_SELFTEST_INSIDE);
    g_assert_cmpuint(made, >, told);
    g_assert_cmpuint(made, <=, all);
    told = made;
}

static void
test_goes_on_behind_what_kills_it(void)
{
    unsigned starts = 0;
    const SvirtSelftestRunner runner = { filtered_start, child_finish,
                                         &starts };
    World world = { NULL, NULL };
    GError *error = NULL;

    if (!world_make(&world)) {
        return;
    }
    svirt_selftest_targets_aim(world.targets, getpid(), 4096);
    world.selftest->tell = tell;
    (void)svirt_selftest_run(world.selftest, SVIRT_SELFTEST_INSIDE,
                             world.targets, &runner, &error);
    svirt_selftest_targets_free(g_steal_pointer(&world.targets));
    g_assert_no_error(error);
    check_filtered(world.selftest);
    g_assert_cmpuint(told, ==, world.selftest->rows->len);
    g_assert_cmpuint(starts, >=, 2);
    world_free(&world);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/selftest/run/rejects", test_rejects);
    g_test_add_func("/selftest/run/goes-on-behind-what-kills-it",
                    test_goes_on_behind_what_kills_it);
    return g_test_run();
}
