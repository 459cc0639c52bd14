/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "vm.h"

/* Real QEMU; monitor and keeper are killed under it. */

static bool
qemu_possible(void)
{
    if (access("/usr/bin/qemu-system-x86_64", X_OK) != 0) {
        g_test_skip("needs qemu-system-x86_64");
        return false;
    }
    return vm_possible();
}

static void
expect_qmp(Vm *vm)
{
    g_autofree char *reply = vm_qmp(vm, "{\"execute\": \"query-version\"}");

    g_assert_nonnull(strstr(reply, "\"qemu\""));
    g_assert_true(g_str_has_prefix(reply, "{\"return\": {"));
}

static void
test_qemu_runs_and_answers(void)
{
    g_autoptr(Vm) vm = NULL;
    SvirtRunStatus status;

    if (!qemu_possible()) {
        return;
    }
    vm = vm_qemu();
    vm_start_and_run(vm, true);
    expect_qmp(vm);
    vm_status(vm, &status);
    g_assert_cmpint(status.state, ==, SVIRT_GUEST_PAUSED);
}

static unsigned
rounds(unsigned usual)
{
    return g_getenv("SVIRT_LONG") != NULL ? usual * 10 : usual;
}

static void
test_qemu_survives_monitors_killed(void)
{
    g_autoptr(Vm) vm = NULL;
    SvirtRunStatus status;
    unsigned count = rounds(100);
    SvirtMessage message;
    unsigned fds;

    if (!qemu_possible()) {
        return;
    }
    vm = vm_qemu();
    vm_start_and_run(vm, true);
    /* The keeper closes its end a moment after its last word. */
    g_assert_false(svirt_message_receive(vm->svirt_fd, 5000, &message));
    fds = vm_count_fds(vm->keeper);
    for (unsigned i = 0; i < count; i++) {
        pid_t old = vm->monitor;

        g_assert_no_errno(kill(old, SIGKILL));
        vm_wait_monitor(vm, old);
        g_assert_false(vm_image_is_free(vm));
    }
    expect_qmp(vm);
    vm_status(vm, &status);
    g_assert_cmpuint(status.flags & SVIRT_RUN_BROKEN, ==, 0);
    g_assert_cmpuint(status.monitor_restarts, ==, count);
    /* The keeper may be about to close a dead monitor's pidfd; when they were
     * counted first, the channel of the start. */
    for (unsigned i = 0; i < 100 && vm_count_fds(vm->keeper) > fds; i++) {
        g_usleep(20000);
    }
    g_assert_cmpuint(vm_count_fds(vm->keeper), <=, fds);
    g_assert_true(vm_process_is_there(vm->vmm));
}

/* Killed while commands and answers are half written. */
static void
test_qemu_survives_monitors_killed_at_work(void)
{
    g_autoptr(Vm) vm = NULL;
    SvirtRunStatus status;
    unsigned count = rounds(30);
    g_autoptr(GRand) random = g_rand_new_with_seed(42);

    if (!qemu_possible()) {
        return;
    }
    vm = vm_qemu();
    vm_start_and_run(vm, true);
    for (unsigned i = 0; i < count; i++) {
        static const char text[] = "{\"execute\": \"query-qmp-schema\"}";
        SvirtControlFrame frame = { SVIRT_CONTROL_QMP, sizeof(text) - 1 };
        SVIRT_AUTO_FD fd = vm_connect(vm);
        pid_t old = vm->monitor;

        g_assert_no_errno(fd);
        g_assert_true(svirt_write_full(fd, &frame, sizeof(frame)));
        g_assert_true(svirt_write_full(fd, text, sizeof(text) - 1));
        g_usleep((gulong)g_rand_int_range(random, 0, 8000));
        g_assert_no_errno(kill(old, SIGKILL));
        vm_wait_monitor(vm, old);
    }
    expect_qmp(vm);
    vm_status(vm, &status);
    g_assert_cmpuint(status.flags & SVIRT_RUN_BROKEN, ==, 0);
}

static void
test_a_living_keeper_is_not_replaced(void)
{
    g_autoptr(Vm) vm = NULL;
    const char *why = NULL;

    if (!qemu_possible()) {
        return;
    }
    vm = vm_fake("serve", NULL, NULL);
    vm_start_and_run(vm, true);
    g_assert_null(svirt_adopt_open(vm->runs_fd, vm->uuid_text, &why));
    g_assert_cmpint(errno, ==, EWOULDBLOCK);
    g_assert_null(svirt_adopt_open(vm->runs_fd,
        "c7a5fdbd-edaf-9455-926a-d65c16db1809", &why));
    g_assert_cmpint(errno, ==, ENOENT);
}

static void
test_qemu_survives_its_keeper_and_is_adopted(void)
{
    g_autoptr(Vm) vm = NULL;
    pid_t old;

    if (!qemu_possible()) {
        return;
    }
    vm = vm_qemu();
    vm_start_and_run(vm, true);
    vm_kill_keeper(vm);
    expect_qmp(vm);
    g_assert_false(vm_image_is_free(vm));
    vm_adopt_and_free(vm, SVIRT_ADOPT_MANAGED, SVIRT_MESSAGE_READY);
    expect_qmp(vm);
    g_assert_false(vm_image_is_free(vm));
    /* The new keeper does what the old one did. */
    old = vm->monitor;
    g_assert_no_errno(kill(old, SIGKILL));
    vm_wait_monitor(vm, old);
    expect_qmp(vm);
    vm_kill(vm);
}

/* A keeper that cannot take over leaves everything as it was. */
static void
test_a_keeper_that_fails_leaves_the_monitor(void)
{
    static const char *const programs[] = { "/nonexistent", "/bin/true",
                                            KEEPER_PROGRAM };
    g_autoptr(Vm) vm = NULL;

    if (!vm_possible()) {
        return;
    }
    vm = vm_fake("serve", NULL, NULL);
    vm_start_and_run(vm, false);
    vm_kill_keeper(vm);
    for (unsigned i = 0; i < G_N_ELEMENTS(programs); i++) {
        SvirtAdopt *adopt = vm_open_adoption(vm, SVIRT_ADOPT_MANAGED);
        SvirtMessage message = { 0 };
        pid_t old = vm->monitor;

        if (i == 2) {
            vm_adopt(vm, adopt, SVIRT_MESSAGE_READY);
            g_assert_cmpint(vm->monitor, !=, old);
            g_assert_false(vm_process_is_there(old));
        } else {
            g_assert_false(svirt_adopt_start(adopt, programs[i], 5000,
                                             &message));
            g_assert_true(vm_process_is_there(old));
        }
        svirt_adopt_free(adopt);
        g_free(vm_qmp(vm, "{\"execute\": \"query-status\"}"));
    }
    vm_kill(vm);
}

static void
test_adopted_twice(void)
{
    g_autoptr(Vm) vm = NULL;

    if (!vm_possible()) {
        return;
    }
    vm = vm_fake("serve", NULL, NULL);
    vm_start_and_run(vm, false);
    vm_kill_keeper(vm);
    vm_adopt_and_free(vm, SVIRT_ADOPT_MANAGED, SVIRT_MESSAGE_READY);
    vm_kill_keeper(vm);
    vm_adopt_and_free(vm, SVIRT_ADOPT_MANAGED, SVIRT_MESSAGE_READY);
    vm_kill(vm);
}

static void
test_with_both_dead_only_destroy_is_left(void)
{
    g_autoptr(Vm) vm = NULL;
    SvirtRunStatus status;

    if (!qemu_possible()) {
        return;
    }
    vm = vm_qemu();
    vm_start_and_run(vm, true);
    vm_kill_keeper(vm);
    g_assert_no_errno(kill(vm->monitor, SIGKILL));
    vm_wait_gone(vm->monitor);
    g_assert_true(vm_process_is_there(vm->vmm));
    g_assert_false(vm_image_is_free(vm));
    vm_adopt_and_free(vm, SVIRT_ADOPT_UNMANAGED, SVIRT_MESSAGE_STARTED);
    vm_status(vm, &status);
    g_assert_cmpuint(status.flags & SVIRT_RUN_UNMANAGED, !=, 0);
    g_assert_cmpint(vm_connect(vm), ==, -1);
    g_assert_false(vm_image_is_free(vm));
    vm_kill(vm);
}

static void
test_a_monitor_ends_with_its_vmm_without_a_keeper(void)
{
    g_autoptr(Vm) vm = NULL;
    SvirtAdopt *adopt;

    if (!vm_possible()) {
        return;
    }
    vm = vm_fake("serve", NULL, NULL);
    vm_start_and_run(vm, false);
    vm_kill_keeper(vm);
    g_assert_no_errno(kill(vm->vmm, SIGKILL));
    vm_wait_gone(vm->vmm);
    vm_wait_gone(vm->monitor);
    adopt = vm_open_adoption(vm, SVIRT_ADOPT_DEAD);
    vm_end_adoption(vm, adopt);
}

static void
test_an_unfinished_start_can_only_be_ended(void)
{
    g_autoptr(Vm) vm = NULL;
    SvirtAdopt *adopt;
    SvirtMessage message;

    if (!vm_possible()) {
        return;
    }
    vm = vm_fake("serve", NULL, NULL);
    vm_start(vm, false);
    vm_expect(vm, SVIRT_MESSAGE_READY, NULL);
    vm_kill_keeper(vm);
    adopt = vm_open_adoption(vm, SVIRT_ADOPT_UNFINISHED);
    g_assert_false(svirt_adopt_start(adopt, KEEPER_PROGRAM, 1000, &message));
    g_assert_cmpint(errno, ==, EINVAL);
    vm_end_adoption(vm, adopt);
}

/* Kilobytes of PSS, and of what is the process's own. */
static void
read_pss(pid_t pid, unsigned *ret_pss, unsigned *ret_private)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/smaps_rollup", (int)pid);
    g_autofree char *text = NULL;
    const char *line;

    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    line = strstr(text, "\nPss:");
    g_assert_nonnull(line);
    *ret_pss = (unsigned)g_ascii_strtoull(line + 5, NULL, 10);
    line = strstr(text, "\nPrivate_Dirty:");
    g_assert_nonnull(line);
    *ret_private = (unsigned)g_ascii_strtoull(line + 15, NULL, 10);
}

/* Clang's word for what GCC says with __SANITIZE_ADDRESS__. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

static void
test_both_together_need_2_mib_at_most(void)
{
    g_autoptr(Vm) vm = NULL;
    unsigned keeper, monitor, keeper_own, monitor_own;

#if defined(__SANITIZE_ADDRESS__) || SANITIZED
    g_test_skip("the sanitizer's own memory is more than that");
    return;
#endif
    if (!qemu_possible()) {
        return;
    }
    vm = vm_qemu();
    vm_start_and_run(vm, true);
    expect_qmp(vm);
    read_pss(vm->keeper, &keeper, &keeper_own);
    read_pss(vm->monitor, &monitor, &monitor_own);
    g_test_message("keeper %u kB PSS (%u its own), monitor %u kB PSS "
                   "(%u its own)", keeper, keeper_own, monitor, monitor_own);
    g_assert_cmpuint(keeper + monitor, <=, 2048);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/keeper/survival/qemu-runs-and-answers",
                    test_qemu_runs_and_answers);
    g_test_add_func("/keeper/survival/qemu-survives-monitors-killed",
                    test_qemu_survives_monitors_killed);
    g_test_add_func("/keeper/survival/qemu-survives-monitors-killed-at-work",
                    test_qemu_survives_monitors_killed_at_work);
    g_test_add_func("/keeper/survival/a-living-keeper-is-not-replaced",
                    test_a_living_keeper_is_not_replaced);
    g_test_add_func("/keeper/survival/qemu-survives-its-keeper-and-is-adopted",
                    test_qemu_survives_its_keeper_and_is_adopted);
    g_test_add_func("/keeper/survival/a-keeper-that-fails-leaves-the-monitor",
                    test_a_keeper_that_fails_leaves_the_monitor);
    g_test_add_func("/keeper/survival/adopted-twice", test_adopted_twice);
    g_test_add_func("/keeper/survival/with-both-dead-only-destroy-is-left",
                    test_with_both_dead_only_destroy_is_left);
    g_test_add_func("/keeper/survival/a-monitor-ends-with-its-vmm",
                    test_a_monitor_ends_with_its_vmm_without_a_keeper);
    g_test_add_func("/keeper/survival/an-unfinished-start-can-only-be-ended",
                    test_an_unfinished_start_can_only_be_ended);
    g_test_add_func("/keeper/survival/both-together-need-2-mib-at-most",
                    test_both_together_need_2_mib_at_most);
    return g_test_run();
}
