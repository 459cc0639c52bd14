/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "vm.h"

/* From start to end, with a VMM that can be told to misbehave. */

static void
test_a_vmm_that_answers_is_ready(void)
{
    g_autoptr(Vm) vm = NULL;
    SvirtRunStatus status;

    if (!vm_possible()) {
        return;
    }
    vm = vm_fake("serve", NULL, NULL);
    vm_start(vm, false);
    vm_status(vm, &status);
    g_assert_cmpuint(status.flags & SVIRT_RUN_STARTING, !=, 0);
    g_assert_cmpint(status.process[SVIRT_PROCESS_VMM].pid, ==, vm->vmm);
    g_assert_true(svirt_run_process_alive(&status.process[SVIRT_PROCESS_VMM]));
    vm_run(vm, true);
    vm_status(vm, &status);
    g_assert_cmpuint(status.flags & SVIRT_RUN_READY, !=, 0);
    g_assert_cmpuint(status.flags & SVIRT_RUN_STARTING, ==, 0);
    g_assert_cmpint(status.state, ==, SVIRT_GUEST_PAUSED);
    g_assert_cmpint(status.id, ==, 7);
    g_assert_cmpint(status.keeper.pid, ==, vm->keeper);
}

static void
test_commit_with_go_runs_the_guest(void)
{
    g_autoptr(Vm) vm = NULL;
    SvirtControlState state;
    char why[SVIRT_CONTROL_WHY];

    if (!vm_possible()) {
        return;
    }
    vm = vm_fake("serve", NULL, NULL);
    vm_start_and_run(vm, false);
    SVIRT_AUTO_FD fd = vm_connect(vm);
    g_assert_true(svirt_control_wait_state(fd, SVIRT_GUEST_RUNNING, 5000,
                                           &state, why));
    g_assert_cmpint(state.reason, ==, SVIRT_REASON_BOOTED);
    g_assert_cmpint(state.ready, ==, 1);
}

static void
test_killed_vmm_leaves_nothing(void)
{
    g_autoptr(Vm) vm = NULL;
    int64_t before, after;

    if (!vm_possible()) {
        return;
    }
    vm = vm_fake("serve", NULL, NULL);
    vm_start_and_run(vm, false);
    g_assert_false(vm_image_is_free(vm));
    before = g_get_monotonic_time();
    vm_kill(vm);
    after = g_get_monotonic_time();
    g_test_message("released after %.1f ms", (double)(after - before) / 1000);
}

static void
test_orderly_quit_leaves_nothing(void)
{
    g_autoptr(Vm) vm = NULL;
    g_autofree char *reply = NULL;

    if (!vm_possible()) {
        return;
    }
    vm = vm_fake("serve", NULL, NULL);
    vm_start_and_run(vm, false);
    reply = vm_qmp(vm, "{\"execute\": \"quit\"}");
    g_assert_cmpstr(reply, ==, "{\"return\": {}}");
    vm_wait_released(vm);
}

static void
test_a_waiter_for_shut_off_hears_the_end(void)
{
    g_autoptr(Vm) vm = NULL;
    SvirtControlState state;
    char why[SVIRT_CONTROL_WHY];

    if (!vm_possible()) {
        return;
    }
    vm = vm_fake("serve", NULL, NULL);
    vm_start_and_run(vm, false);
    SVIRT_AUTO_FD fd = vm_connect(vm);
    g_assert_no_errno(kill(vm->vmm, SIGKILL));
    g_assert_true(svirt_control_wait_state(fd, SVIRT_GUEST_SHUT_OFF, 5000,
                                           &state, why));
    vm_wait_released(vm);
}

static void
test_svirt_gone_before_commit_is_an_abort(void)
{
    g_autoptr(Vm) vm = NULL;

    if (!vm_possible()) {
        return;
    }
    vm = vm_fake("serve", NULL, NULL);
    vm_start(vm, false);
    vm_expect(vm, SVIRT_MESSAGE_READY, NULL);
    svirt_fd_close(&vm->svirt_fd);
    vm_wait_released(vm);
}

static void
test_svirt_gone_before_ready_is_an_abort(void)
{
    g_autoptr(Vm) vm = NULL;

    if (!vm_possible()) {
        return;
    }
    vm = vm_fake("silent", NULL, NULL);
    vm_start(vm, false);
    svirt_fd_close(&vm->svirt_fd);
    vm_wait_released(vm);
}

static void
test_abort_ends_everything(void)
{
    g_autoptr(Vm) vm = NULL;
    SvirtMessage abort = { .type = SVIRT_MESSAGE_ABORT };

    if (!vm_possible()) {
        return;
    }
    vm = vm_fake("serve", NULL, NULL);
    vm_start(vm, false);
    vm_expect(vm, SVIRT_MESSAGE_READY, NULL);
    g_assert_true(svirt_message_send(vm->svirt_fd, &abort));
    vm_wait_released(vm);
}

static void
test_commit_before_ready_is_an_abort(void)
{
    g_autoptr(Vm) vm = NULL;

    if (!vm_possible()) {
        return;
    }
    vm = vm_fake("silent", NULL, NULL);
    vm_start(vm, false);
    vm_commit(vm, true);
    vm_wait_released(vm);
}

static void
test_a_vmm_that_exits_shows_its_last_words(void)
{
    g_autoptr(Vm) vm = NULL;
    SvirtMessage exited;

    if (!vm_possible()) {
        return;
    }
    vm = vm_fake("exit", NULL, NULL);
    vm_start(vm, false);
    vm_expect(vm, SVIRT_MESSAGE_EXITED, &exited);
    g_assert_cmpint((int)exited.a, ==, 3 << 8);
    g_assert_cmpstr(exited.text, ==,
                    "fake-vmm: loading\nfake-vmm: ?[31mno such machine\n");
    vm_wait_released(vm);
}

/* The first process of a pid namespace does not die of abort's signal. */
static void
test_an_abort_shows_as_what_it_may_be(void)
{
    g_autoptr(Vm) vm = NULL;
    SvirtMessage exited;
    SVIRT_AUTO_FD log = -1;
    char words[SVIRT_END_WORDS];
    char text[256] = "";

    if (!vm_possible()) {
        return;
    }
    vm = vm_fake("abort", NULL, NULL);
    log = openat(vm->run_dir_fd, "log", O_RDONLY | O_CLOEXEC);
    g_assert_no_errno(log);
    vm_start(vm, false);
    vm_expect(vm, SVIRT_MESSAGE_EXITED, &exited);
    g_assert_cmpstr(exited.text, ==, "fake-vmm: Assertion `no' failed.\n");
    svirt_message_end_words((int)exited.a, words);
    g_assert_cmpstr(words, ==, "signal 11 (Segmentation fault): it aborted "
                               "or crashed");
    vm_wait_released(vm);
    g_assert_cmpint(read(log, text, sizeof(text) - 1), >, 0);
    g_assert_cmpstr(text, ==,
                    "fake-vmm: Assertion `no' failed.\n"
                    "\n[svirt: the emulator ended with signal 11 "
                    "(Segmentation fault): it aborted or crashed]\n");
}

static void
expect_failure(const char *mode, const char *text, int errnum)
{
    const char *argv[] = { FAKE_VMM, mode, NULL };
    g_autoptr(Vm) vm = vm_new(argv, 300);
    SvirtMessage failed;

    vm_start(vm, false);
    vm_expect(vm, SVIRT_MESSAGE_FAILED, &failed);
    g_assert_cmpint(failed.step, ==, SVIRT_STEP_READY);
    g_assert_cmpint(failed.errnum, ==, errnum);
    g_assert_cmpstr(failed.text, ==, text);
    vm_wait_released(vm);
}

static void
test_a_silent_vmm_times_out(void)
{
    if (vm_possible()) {
        expect_failure("silent", "no answer to the first command", ETIMEDOUT);
    }
}

static void
test_a_greeting_is_no_readiness(void)
{
    if (vm_possible()) {
        expect_failure("greet", "no answer to the first command", ETIMEDOUT);
    }
}

static void
test_a_program_that_is_not_there_names_the_step(void)
{
    const char *argv[] = { "/usr/bin/no-such-vmm", NULL };
    g_autoptr(Vm) vm = NULL;
    SvirtMessage failed;

    if (!vm_possible()) {
        return;
    }
    vm = vm_new(argv, 1000);
    vm_start(vm, true);
    vm_expect(vm, SVIRT_MESSAGE_FAILED, &failed);
    g_assert_cmpint(failed.step, ==, SVIRT_STEP_EXEC);
    g_assert_cmpint(failed.errnum, ==, ENOENT);
    g_assert_cmpint(failed.process, ==, SVIRT_PROCESS_VMM);
    vm_wait_released(vm);
}

static void
test_a_damaged_spec_is_refused(void)
{
    g_autoptr(Vm) vm = NULL;
    SvirtMessage failed;

    if (!vm_possible()) {
        return;
    }
    vm = vm_fake("serve", NULL, NULL);
    vm->spec->magic++;
    vm_start(vm, true);
    vm_expect(vm, SVIRT_MESSAGE_FAILED, &failed);
    g_assert_cmpint(failed.step, ==, SVIRT_STEP_SPEC);
    g_assert_cmpstr(failed.text, ==, "magic");
    vm_wait_gone(vm->keeper);
}

static void
test_signals_of_the_caller_do_not_reach_the_vm(void)
{
    static const int signals[] = { SIGHUP, SIGINT, SIGTERM, SIGQUIT };
    g_autoptr(Vm) vm = NULL;
    g_autofree char *reply = NULL;

    if (!vm_possible()) {
        return;
    }
    vm = vm_fake("serve", NULL, NULL);
    vm_start_and_run(vm, false);
    g_assert_cmpint(getsid(vm->keeper), !=, getsid(0));
    g_assert_cmpint(getsid(vm->vmm), !=, getsid(0));
    for (unsigned i = 0; i < G_N_ELEMENTS(signals); i++) {
        g_assert_no_errno(kill(vm->keeper, signals[i]));
    }
    reply = vm_qmp(vm, "{\"execute\": \"query-status\"}");
    g_assert_nonnull(strstr(reply, "running"));
    g_assert_true(vm_process_is_there(vm->keeper));
}

/* Nothing is mounted but its program and what the keeper, too, has loaded. */
static void
assert_root_is_bare(const Vm *vm)
{
    g_autofree char *path =
        g_strdup_printf("/proc/%d/mountinfo", (int)vm->monitor);
    g_autofree char *maps_path =
        g_strdup_printf("/proc/%d/maps", (int)vm->keeper);
    g_autofree char *text = NULL;
    g_autofree char *maps = NULL;
    g_auto(GStrv) lines = NULL;

    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    g_assert_true(g_file_get_contents(maps_path, &maps, NULL, NULL));
    lines = g_strsplit(g_strchomp(text), "\n", -1);
    for (unsigned i = 0; lines[i] != NULL; i++) {
        g_auto(GStrv) words = g_strsplit(lines[i], " ", 7);
        g_autofree char *name = g_path_get_basename(words[4]);

        g_assert_true(g_str_has_prefix(words[5], "ro,nosuid,nodev"));
        if (i == 0) {
            g_assert_cmpstr(words[4], ==, "/");
        } else if (strcmp(name, "svirt-monitor") != 0 &&
                   strstr(maps, name) == NULL) {
            g_error("'%s' is mounted in the monitor's root", words[4]);
        }
    }
}

/* Read back from outside, as verify would. */
static void
test_the_monitor_is_confined(void)
{
    static const char *const wanted[] = {
        "\nCapEff:\t0000000000000000\n", "\nCapPrm:\t0000000000000000\n",
        "\nCapBnd:\t0000000000000000\n", "\nNoNewPrivs:\t1\n",
        "\nSeccomp:\t2\n", "\nGroups:\t \n",
    };
    g_autoptr(Vm) vm = NULL;
    g_autofree char *path = NULL;
    g_autofree char *text = NULL;
    g_autofree char *uid = NULL;
    uint32_t id;

    if (!vm_possible()) {
        return;
    }
    vm = vm_fake("serve", NULL, NULL);
    vm_start_and_run(vm, false);
    path = g_strdup_printf("/proc/%d/status", (int)vm->monitor);
    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    for (unsigned i = 0; i < G_N_ELEMENTS(wanted); i++) {
        if (strstr(text, wanted[i]) == NULL) {
            g_error("no %s in %s", wanted[i], text);
        }
    }
    id = vm->spec->ids[SVIRT_PROCESS_MONITOR].uid;
    uid = g_strdup_printf("\nUid:\t%u\t%u\t%u\t%u\n", id, id, id, id);
    g_assert_nonnull(strstr(text, uid));
    assert_root_is_bare(vm);
}

/* What goes to the keeper alone is in neither of the others. */
static void
test_nobody_holds_more_than_its_own(void)
{
    g_autoptr(Vm) vm = NULL;

    if (!vm_possible()) {
        return;
    }
    vm = vm_fake("serve", NULL, NULL);
    vm_start_and_run(vm, false);
    /* 0-2, QMP, serial, lock, image. */
    g_assert_cmpuint(vm_count_fds(vm->vmm), ==, 7);
    /* 0-2, keeper, QMP, control, log pipe, two logs, serial, epoll. */
    g_assert_cmpuint(vm_count_fds(vm->monitor), ==, 11);
    /* 0-2, spec, 5, channel, pidfds of two, the monitor's ten but the
     * channel, status, lock, directory, image. */
    g_assert_cmpuint(vm_count_fds(vm->keeper), <=, 22);
}

static void
test_cgroups_are_filled_and_removed(void)
{
    g_autoptr(Vm) vm = NULL;
    SvirtRunStatus status;
    g_autofree char *text = NULL;
    g_autofree char *path = NULL;
    g_autofree char *vm_group = NULL;

    if (!vm_possible()) {
        return;
    }
    vm = vm_fake("serve", NULL, NULL);
    if (!vm_add_cgroups(vm)) {
        g_test_skip("no cgroup v2 that can be written");
        return;
    }
    vm_start_and_run(vm, false);
    vm_status(vm, &status);
    path = g_build_filename(status.cgroup[SVIRT_LEAF_VMM], "cgroup.procs",
                            NULL);
    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    g_assert_cmpint(atoi(text), ==, vm->vmm);
    vm_group = g_path_get_dirname(status.cgroup[SVIRT_LEAF_HELPER]);
    g_assert_true(g_file_test(vm_group, G_FILE_TEST_IS_DIR));
    vm_kill(vm);
    g_assert_false(g_file_test(vm_group, G_FILE_TEST_EXISTS));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/keeper/life/an-abort-shows-as-what-it-may-be",
                    test_an_abort_shows_as_what_it_may_be);
    g_test_add_func("/keeper/life/a-vmm-that-answers-is-ready",
                    test_a_vmm_that_answers_is_ready);
    g_test_add_func("/keeper/life/commit-with-go-runs-the-guest",
                    test_commit_with_go_runs_the_guest);
    g_test_add_func("/keeper/life/killed-vmm-leaves-nothing",
                    test_killed_vmm_leaves_nothing);
    g_test_add_func("/keeper/life/orderly-quit-leaves-nothing",
                    test_orderly_quit_leaves_nothing);
    g_test_add_func("/keeper/life/a-waiter-for-shut-off-hears-the-end",
                    test_a_waiter_for_shut_off_hears_the_end);
    g_test_add_func("/keeper/life/svirt-gone-before-commit-is-an-abort",
                    test_svirt_gone_before_commit_is_an_abort);
    g_test_add_func("/keeper/life/svirt-gone-before-ready-is-an-abort",
                    test_svirt_gone_before_ready_is_an_abort);
    g_test_add_func("/keeper/life/abort-ends-everything",
                    test_abort_ends_everything);
    g_test_add_func("/keeper/life/commit-before-ready-is-an-abort",
                    test_commit_before_ready_is_an_abort);
    g_test_add_func("/keeper/life/a-vmm-that-exits-shows-its-last-words",
                    test_a_vmm_that_exits_shows_its_last_words);
    g_test_add_func("/keeper/life/a-silent-vmm-times-out",
                    test_a_silent_vmm_times_out);
    g_test_add_func("/keeper/life/a-greeting-is-no-readiness",
                    test_a_greeting_is_no_readiness);
    g_test_add_func("/keeper/life/a-program-that-is-not-there-names-the-step",
                    test_a_program_that_is_not_there_names_the_step);
    g_test_add_func("/keeper/life/a-damaged-spec-is-refused",
                    test_a_damaged_spec_is_refused);
    g_test_add_func("/keeper/life/signals-of-the-caller-do-not-reach-the-vm",
                    test_signals_of_the_caller_do_not_reach_the_vm);
    g_test_add_func("/keeper/life/the-monitor-is-confined",
                    test_the_monitor_is_confined);
    g_test_add_func("/keeper/life/nobody-holds-more-than-its-own",
                    test_nobody_holds_more_than_its_own);
    g_test_add_func("/keeper/life/cgroups-are-filled-and-removed",
                    test_cgroups_are_filled_and_removed);
    return g_test_run();
}
