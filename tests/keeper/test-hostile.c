/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "vm.h"

/* A VMM that belongs to its guest, as the host sees it. */

/* What it says after `cont`; broken for good, or only odd. */
static const struct {
    const char *name;
    const char *text;
    const char *count; /* "0": for ever */
    bool broken;
} rows[] = {
    { "no-json", "hello\n", "1", true },
    { "deep-nesting", "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", "1000", false },
    { "no-newline", "{\"event\": \"STOP\", \"data\": {\"x\": \"aaaaaaaaaaaaaa",
      "0", true },
    { "spaces-for-ever", "                                               ",
      "0", true },
    { "answer-to-nothing", "{\"return\": {}, \"id\": \"0-1\"}\n", "1",
      true },
    { "second-greeting", "{\"QMP\": {}}\n", "1", true },
    { "event-is-number", "{\"event\": 1}\n", "1", true },
    { "unknown-events", "{\"event\": \"X\", \"data\": {\"a\": []}}\n", "5000",
      false },
    { "repeated-events", "{\"event\": \"STOP\"}\n{\"event\": \"RESUME\"}\n",
      "5000", false },
    { "endless-events", "{\"event\": \"STOP\"}\n{\"event\": \"RESUME\"}\n",
      "0", false },
    { "shutdown-that-is-none", "{\"event\": \"SHUTDOWN\"}\n", "3", false },
    { "control-characters", "{\"event\": \"\x01\"}\n", "1", true },
    { "dump-completed", "{\"event\": \"DUMP_COMPLETED\", \"data\": "
      "{\"error\": \"x\", \"result\": {}}}\n", "10", false },
};

static void
test_row(gconstpointer data)
{
    unsigned row = GPOINTER_TO_UINT(data);
    g_autoptr(Vm) vm = NULL;
    char why[SVIRT_CONTROL_WHY];
    SvirtRunStatus status;
    SvirtControlState state;
    char *reply = NULL;

    if (!vm_possible()) {
        return;
    }
    vm = vm_fake("say", rows[row].text, rows[row].count);
    vm_start_and_run(vm, false);
    if (rows[row].broken) {
        vm_wait_flags(vm, SVIRT_RUN_BROKEN, SVIRT_RUN_BROKEN);
    } else {
        g_usleep(300000);
    }
    /* Whatever it says: the monitor serves, the guest lives. */
    SVIRT_AUTO_FD fd = vm_connect(vm);
    g_assert_true(svirt_control_state(fd, 5000, &state, why));
    vm_status(vm, &status);
    g_assert_cmpuint((status.flags & SVIRT_RUN_BROKEN) != 0, ==,
                     rows[row].broken);
    g_assert_cmpuint(status.monitor_restarts, ==, 0);
    g_assert_true(vm_process_is_there(vm->vmm));
    if (rows[row].broken) {
        g_assert_false(svirt_control_qmp(fd, "{\"execute\": \"stop\"}", NULL,
                                         0, false, 5000, &reply, why));
        g_assert_cmpint(errno, ==, EREMOTEIO);
        g_assert_cmpstr(why, !=, "");
    }
    vm_kill(vm);
}

static void
test_a_flood_of_events_costs_little(void)
{
    g_autoptr(Vm) vm = NULL;
    uint64_t before, used, tick = (uint64_t)sysconf(_SC_CLK_TCK);
    SvirtRunStatus first, last;

    if (!vm_possible()) {
        return;
    }
    vm = vm_fake("say", "{\"event\": \"STOP\"}\n{\"event\": \"RESUME\"}\n",
                 "0");
    vm_start_and_run(vm, false);
    g_usleep(500000);
    vm_status(vm, &first);
    before = vm_cpu_ticks(vm->monitor) + vm_cpu_ticks(vm->keeper);
    g_usleep(2000000);
    used = vm_cpu_ticks(vm->monitor) + vm_cpu_ticks(vm->keeper) - before;
    vm_status(vm, &last);
    g_test_message("%" G_GUINT64_FORMAT " ms of 2000 ms, %" G_GUINT64_FORMAT
                   " status writes", used * 1000 / tick,
                   last.sequence - first.sequence);
    g_assert_cmpuint(used * 1000 / tick, <, 200);
    g_assert_cmpuint(last.sequence - first.sequence, <=, 150);
    g_assert_cmpuint(last.flags & SVIRT_RUN_BROKEN, ==, 0);
}

static void
test_a_flood_of_stderr_is_bounded(void)
{
    g_autoptr(Vm) vm = NULL;
    uint64_t before, used, tick = (uint64_t)sysconf(_SC_CLK_TCK);
    g_autofree char *text = NULL;
    g_autofree char *path = NULL;
    struct stat current, rotated;
    SvirtControlState state;
    char why[SVIRT_CONTROL_WHY];

    if (!vm_possible()) {
        return;
    }
    vm = vm_fake("flood", NULL, NULL);
    vm_start_and_run(vm, false);
    g_usleep(500000);
    before = vm_cpu_ticks(vm->monitor);
    g_usleep(3000000);
    used = vm_cpu_ticks(vm->monitor) - before;
    g_assert_no_errno(fstatat(vm->run_dir_fd, "log", &current, 0));
    g_assert_no_errno(fstatat(vm->run_dir_fd, "log.1", &rotated, 0));
    g_test_message("%" G_GUINT64_FORMAT " ms of 3000 ms, log %ld + %ld bytes",
                   used * 1000 / tick, (long)current.st_size,
                   (long)rotated.st_size);
    g_assert_cmpint(current.st_size, <=, VM_LOG_LIMIT);
    g_assert_cmpint(rotated.st_size, <=, VM_LOG_LIMIT);
    g_assert_cmpint(rotated.st_size, >, 0);
    g_assert_cmpuint(used * 1000 / tick, <, 400);
    SVIRT_AUTO_FD fd = vm_connect(vm);
    g_assert_true(svirt_control_state(fd, 5000, &state, why));
    path = g_build_filename(vm->top, vm->uuid_text, "log.1", NULL);
    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    g_assert_nonnull(strstr(text, "bytes dropped"));
}

static void
test_descriptors_it_sends_are_dropped(void)
{
    g_autoptr(Vm) vm = NULL;
    SvirtControlState state;
    char why[SVIRT_CONTROL_WHY];
    unsigned before;

    if (!vm_possible()) {
        return;
    }
    vm = vm_fake("send-fds", NULL, NULL);
    vm_start(vm, false);
    vm_expect(vm, SVIRT_MESSAGE_READY, NULL);
    before = vm_count_fds(vm->monitor);
    vm_commit(vm, false);
    vm_expect(vm, SVIRT_MESSAGE_COMMITTED, NULL);
    g_usleep(300000);
    SVIRT_AUTO_FD fd = vm_connect(vm);
    g_assert_true(svirt_control_state(fd, 5000, &state, why));
    g_assert_cmpuint(vm_count_fds(vm->monitor), ==, before + 1);
    g_assert_true(vm_process_is_there(vm->vmm));
}

static void
test_a_command_without_answer_is_silence(void)
{
    g_autoptr(Vm) vm = NULL;
    char why[SVIRT_CONTROL_WHY];
    g_autofree char *reply = NULL;
    char *none = NULL;

    if (!vm_possible()) {
        return;
    }
    vm = vm_fake("serve", NULL, NULL);
    vm_start_and_run(vm, false);
    {
        SVIRT_AUTO_FD fd = vm_connect(vm);

        g_assert_false(svirt_control_qmp(fd, "{\"execute\": \"never\"}", NULL,
                                         0, false, 200, &none, why));
        g_assert_cmpint(errno, ==, ETIMEDOUT);
    }
    /* The others are served meanwhile. */
    reply = vm_qmp(vm, "{\"execute\": \"query-status\"}");
    g_assert_nonnull(strstr(reply, "running"));
    if (g_getenv("SVIRT_LONG") != NULL) {
        g_usleep(31 * G_USEC_PER_SEC);
        vm_wait_flags(vm, SVIRT_RUN_SILENT, SVIRT_RUN_SILENT);
    }
}

/* Clients that are as rude as a VMM: the monitor serves the next one. */
static void
test_rude_clients_are_bounded(void)
{
    g_autoptr(Vm) vm = NULL;
    g_autofree char *reply = NULL;
    const SvirtControlFrame frames[] = {
        { SVIRT_CONTROL_QMP, UINT32_MAX },
        { SVIRT_CONTROL_QMP, 0 },
        { SVIRT_CONTROL_QMP_FD, 10 }, /* without one */
        { SVIRT_CONTROL_STATE, 4 },
        { SVIRT_CONTROL_CONSOLE, 4 },
        { SVIRT_CONTROL_REPLY, 0 },
        { 12345, 0 },
    };
    int fds[40];

    if (!vm_possible()) {
        return;
    }
    vm = vm_fake("serve", NULL, NULL);
    vm_start_and_run(vm, false);
    for (unsigned i = 0; i < G_N_ELEMENTS(frames); i++) {
        SVIRT_AUTO_FD fd = vm_connect(vm);
        char byte;

        g_assert_true(svirt_write_full(fd, &frames[i], sizeof(frames[i])));
        g_assert_cmpint(read(fd, &byte, 1), ==, 0);
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(fds); i++) {
        fds[i] = vm_connect(vm);
        g_assert_no_errno(fds[i]);
        (void)!write(fds[i], "x", 1);
    }
    g_usleep(100000);
    g_assert_cmpuint(vm_count_fds(vm->monitor), <, 60);
    for (unsigned i = 0; i < G_N_ELEMENTS(fds); i++) {
        (void)close(fds[i]);
    }
    g_usleep(100000);
    reply = vm_qmp(vm, "{\"execute\": \"query-status\"}");
    g_assert_nonnull(strstr(reply, "running"));
}

static void
test_a_full_backlog_times_out(void)
{
    g_autoptr(Vm) vm = NULL;
    int fds[64], count = 0;

    if (!vm_possible()) {
        return;
    }
    if (g_getenv("SVIRT_LONG") == NULL) {
        g_test_skip("takes 10 s: set SVIRT_LONG");
        return;
    }
    vm = vm_fake("serve", NULL, NULL);
    vm_start_and_run(vm, false);
    g_assert_no_errno(kill(vm->monitor, SIGSTOP));
    while (count < (int)G_N_ELEMENTS(fds) &&
           (fds[count] = vm_connect(vm)) >= 0) {
        count++;
    }
    g_assert_cmpint(count, <, G_N_ELEMENTS(fds));
    g_assert_cmpint(errno, ==, ETIMEDOUT);
    while (count > 0) {
        (void)close(fds[--count]);
    }
}

static void
test_another_user_cannot_connect(void)
{
    g_autoptr(Vm) vm = NULL;
    g_autofree char *reply = NULL;
    pid_t child;
    int status = 0;

    if (!vm_possible()) {
        return;
    }
    vm = vm_fake("serve", NULL, NULL);
    vm_start_and_run(vm, false);
    /* Even with the directory open and the socket 0777. */
    g_assert_no_errno(fchmodat(vm->run_dir_fd, "control", 0777, 0));
    g_assert_no_errno(fchmod(vm->run_dir_fd, 0755));
    g_assert_no_errno(fchmod(vm->runs_fd, 0755));
    child = fork();
    if (child == 0) {
        SvirtControlState state;
        char why[SVIRT_CONTROL_WHY];
        int fd;

        if (setuid(12345) < 0) {
            _exit(2);
        }
        fd = svirt_control_connect(vm->run_dir_fd);
        if (fd < 0) {
            _exit(3);
        }
        _exit(svirt_control_state(fd, 5000, &state, why) ? 4 :
              errno == ECONNRESET ? 0 : 5);
    }
    g_assert_cmpint(waitpid(child, &status, 0), ==, child);
    g_assert_cmpint(status, ==, 0);
    reply = vm_qmp(vm, "{\"execute\": \"query-status\"}");
}

static void
test_descriptors_go_to_the_vmm_with_their_command(void)
{
    g_autoptr(Vm) vm = NULL;
    char why[SVIRT_CONTROL_WHY];
    int sent[2] = { 1, 2 };

    if (!vm_possible()) {
        return;
    }
    vm = vm_fake("serve", NULL, NULL);
    vm_start_and_run(vm, false);
    SVIRT_AUTO_FD fd = vm_connect(vm);
    for (size_t count = 1; count <= 2; count++) {
        g_autofree char *reply = NULL;
        g_autofree char *want =
            g_strdup_printf("{\"return\": %u}", (unsigned)count);

        g_assert_true(svirt_control_qmp(fd, "{\"execute\": \"count-fds\"}",
                                        sent, count, false, 5000, &reply,
                                        why));
        g_assert_cmpstr(reply, ==, want);
    }
}

static void
test_a_users_command_taints(void)
{
    g_autoptr(Vm) vm = NULL;
    g_autofree char *reply = NULL;
    char why[SVIRT_CONTROL_WHY];
    SvirtRunStatus status;
    pid_t old;

    if (!vm_possible()) {
        return;
    }
    vm = vm_fake("serve", NULL, NULL);
    vm_start_and_run(vm, false);
    vm_status(vm, &status);
    g_assert_cmpuint(status.flags & SVIRT_RUN_TAINTED, ==, 0);
    SVIRT_AUTO_FD fd = vm_connect(vm);
    g_assert_true(svirt_control_qmp(fd, "{\"execute\": \"query-status\"}",
                                    NULL, 0, true, 5000, &reply, why));
    vm_wait_flags(vm, SVIRT_RUN_TAINTED, SVIRT_RUN_TAINTED);
    /* The next monitor knows it too. */
    old = vm->monitor;
    g_assert_no_errno(kill(old, SIGKILL));
    vm_wait_monitor(vm, old);
    SVIRT_AUTO_FD again = vm_connect(vm);
    SvirtControlState state;
    g_assert_true(svirt_control_state(again, 5000, &state, why));
    g_assert_cmpuint(state.tainted, ==, 1);
}

static void
add_rows(void)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path =
            g_strdup_printf("/keeper/hostile/says/%s", rows[i].name);

        g_test_add_data_func(path, GUINT_TO_POINTER(i), test_row);
    }
}

int
main(int argc, char **argv)
{
    /* A client that is thrown out writes to nobody. */
    (void)signal(SIGPIPE, SIG_IGN);
    g_test_init(&argc, &argv, NULL);
    add_rows();
    g_test_add_func("/keeper/hostile/a-flood-of-events-costs-little",
                    test_a_flood_of_events_costs_little);
    g_test_add_func("/keeper/hostile/a-flood-of-stderr-is-bounded",
                    test_a_flood_of_stderr_is_bounded);
    g_test_add_func("/keeper/hostile/descriptors-it-sends-are-dropped",
                    test_descriptors_it_sends_are_dropped);
    g_test_add_func("/keeper/hostile/a-command-without-answer-is-silence",
                    test_a_command_without_answer_is_silence);
    g_test_add_func("/keeper/hostile/rude-clients-are-bounded",
                    test_rude_clients_are_bounded);
    g_test_add_func("/keeper/hostile/a-full-backlog-times-out",
                    test_a_full_backlog_times_out);
    g_test_add_func("/keeper/hostile/another-user-cannot-connect",
                    test_another_user_cannot_connect);
    g_test_add_func("/keeper/hostile/descriptors-go-with-their-command",
                    test_descriptors_go_to_the_vmm_with_their_command);
    g_test_add_func("/keeper/hostile/a-users-command-taints",
                    test_a_users_command_taints);
    return g_test_run();
}
