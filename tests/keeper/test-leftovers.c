/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "keeper/layout.h"
#include "vm.h"

/* What a keeper leaves that dies, or cannot finish, at the wrong moment. */

/* A `cont` that QEMU never answers: the keeper dies between the two. */
static Vm *
vm_dead_in_commit(const char *mode)
{
    Vm *vm = vm_fake(mode, NULL, NULL);

    vm_start(vm, false);
    vm_expect(vm, SVIRT_MESSAGE_READY, NULL);
    vm_commit(vm, false);
    vm_wait_flags(vm, SVIRT_RUN_COMMITTING | SVIRT_RUN_STARTING,
                  SVIRT_RUN_COMMITTING | SVIRT_RUN_STARTING);
    g_usleep(100000); /* `cont` is on its way, or there */
    vm_kill_keeper(vm);
    return vm;
}

static SvirtControlState
ask_state(const SvirtAdopt *adopt)
{
    SVIRT_AUTO_FD fd = svirt_control_connect(svirt_adopt_run_dir(adopt));
    SvirtControlState state = { 0 };
    char why[SVIRT_CONTROL_WHY];

    g_assert_true(svirt_control_state(fd, 5000, &state, why));
    return state;
}

static void
test_a_guest_that_runs_is_finished(void)
{
    g_autoptr(Vm) vm = NULL;
    SvirtAdopt *adopt;
    SvirtMessage answer = { 0 };

    if (!vm_possible()) {
        return;
    }
    vm = vm_dead_in_commit("mute-cont");
    adopt = vm_open_adoption(vm, SVIRT_ADOPT_COMMITTING);
    g_assert_cmpint(ask_state(adopt).state, ==, SVIRT_GUEST_RUNNING);
    /* Undecided it can be ended alone. */
    g_assert_false(svirt_adopt_start(adopt, KEEPER_PROGRAM, 1000, &answer));
    g_assert_cmpint(errno, ==, EINVAL);
    svirt_adopt_decide(adopt, true);
    vm_adopt(vm, adopt, SVIRT_MESSAGE_READY);
    svirt_adopt_free(adopt);
    vm_kill(vm);
}

static void
test_a_guest_that_never_ran_is_ended(void)
{
    g_autoptr(Vm) vm = NULL;
    SvirtAdopt *adopt;
    SvirtControlState state;

    if (!vm_possible()) {
        return;
    }
    vm = vm_dead_in_commit("ignore-cont");
    adopt = vm_open_adoption(vm, SVIRT_ADOPT_COMMITTING);
    state = ask_state(adopt);
    g_assert_cmpint(state.state, ==, SVIRT_GUEST_PAUSED);
    g_assert_cmpint(state.reason, ==, SVIRT_REASON_STARTING);
    svirt_adopt_decide(adopt, false);
    g_assert_cmpint(svirt_adopt_state(adopt), ==, SVIRT_ADOPT_UNFINISHED);
    vm_end_adoption(vm, adopt);
}

/* Nobody is left to ask, and who started it was told that it failed. */
static void
test_with_the_monitor_dead_it_is_unfinished(void)
{
    g_autoptr(Vm) vm = NULL;

    if (!vm_possible()) {
        return;
    }
    vm = vm_dead_in_commit("mute-cont");
    g_assert_no_errno(kill(vm->monitor, SIGKILL));
    vm_wait_gone(vm->monitor);
    vm_end_adoption(vm, vm_open_adoption(vm, SVIRT_ADOPT_UNFINISHED));
}

/* Before the read-back an emulator's word that it runs counts nothing. */
static void
test_before_the_commit_it_is_unfinished(void)
{
    g_autoptr(Vm) vm = NULL;
    SvirtAdopt *adopt;
    struct stat st;

    if (!vm_possible()) {
        return;
    }
    vm = vm_fake("serve", NULL, NULL);
    vm_start(vm, false);
    vm_expect(vm, SVIRT_MESSAGE_READY, NULL);
    /* Its spec is there already, and all of it. */
    g_assert_no_errno(fstatat(vm->run_dir_fd, SVIRT_RUN_SPEC, &st, 0));
    g_assert_cmpint(fstatat(vm->run_dir_fd, SVIRT_RUN_SPEC_NEW, &st, 0), ==,
                    -1);
    vm_kill_keeper(vm);
    adopt = vm_open_adoption(vm, SVIRT_ADOPT_UNFINISHED);
    svirt_adopt_decide(adopt, true);
    g_assert_cmpint(svirt_adopt_state(adopt), ==, SVIRT_ADOPT_UNFINISHED);
    vm_end_adoption(vm, adopt);
}

/* A spec that was being written is no spec: the VM can be ended. */
static void
test_half_a_spec_is_none(void)
{
    g_autoptr(Vm) vm = NULL;

    if (!vm_possible()) {
        return;
    }
    vm = vm_fake("serve", NULL, NULL);
    vm_start(vm, false);
    vm_expect(vm, SVIRT_MESSAGE_READY, NULL);
    vm_kill_keeper(vm);
    g_assert_no_errno(renameat(vm->run_dir_fd, SVIRT_RUN_SPEC, vm->run_dir_fd,
                               SVIRT_RUN_SPEC_NEW));
    vm_end_adoption(vm, vm_open_adoption(vm, SVIRT_ADOPT_UNFINISHED));
}

/* A cgroup within the VMM's: the kernel removes neither. */
static void
test_a_cgroup_that_stays_keeps_the_run_directory(void)
{
    g_autoptr(Vm) vm = NULL;
    g_autofree char *inner = NULL;
    SvirtRunStatus status;
    SvirtAdopt *adopt;

    if (!vm_possible()) {
        return;
    }
    vm = vm_fake("serve", NULL, NULL);
    if (!vm_add_cgroups(vm)) {
        g_test_skip("needs cgroup v2");
        return;
    }
    vm_start_and_run(vm, false);
    vm_status(vm, &status);
    inner = g_build_filename(status.cgroup[SVIRT_LEAF_VMM], "inner", NULL);
    g_assert_no_errno(mkdir(inner, 0755));
    g_assert_no_errno(kill(vm->vmm, SIGKILL));
    vm_wait_gone(vm->keeper);
    vm_status(vm, &status);
    g_assert_cmpint(status.state, ==, SVIRT_GUEST_SHUT_OFF);
    g_assert_cmpint(status.process[SVIRT_PROCESS_VMM].pid, ==, 0);
    g_assert_true(vm_image_is_free(vm));
    /* It is found, and not given up before all of it is gone. */
    adopt = vm_open_adoption(vm, SVIRT_ADOPT_DEAD);
    g_assert_false(svirt_adopt_end(adopt, 200));
    svirt_adopt_free(adopt);
    adopt = vm_open_adoption(vm, SVIRT_ADOPT_DEAD);
    g_assert_no_errno(rmdir(inner));
    vm_end_adoption(vm, adopt);
    g_assert_cmpint(access(status.cgroup[SVIRT_LEAF_VMM], F_OK), ==, -1);
}

/* An emulator that closes its console loses that, and no more. */
static void
test_a_closed_console_is_no_obstacle(void)
{
    g_autoptr(Vm) vm = NULL;
    g_autofree char *reply = NULL;
    SvirtRunStatus status;

    if (!vm_possible()) {
        return;
    }
    vm = vm_fake("deaf", NULL, NULL);
    vm_start_and_run(vm, false);
    reply = vm_qmp(vm, "{\"execute\": \"close-fd\", \"arguments\": "
                       "{\"fd\":11}}");
    g_assert_true(g_str_has_prefix(reply, "{\"return\""));
    g_usleep(50000);
    vm_kill_keeper(vm);
    vm_adopt_and_free(vm, SVIRT_ADOPT_MANAGED, SVIRT_MESSAGE_READY);
    vm_status(vm, &status);
    g_assert_cmpuint(status.flags & SVIRT_RUN_UNMANAGED, ==, 0);
    vm_kill(vm);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/keeper/leftovers/commit/a-guest-that-runs-is-finished",
                    test_a_guest_that_runs_is_finished);
    g_test_add_func("/keeper/leftovers/commit/a-guest-that-never-ran-is-ended",
                    test_a_guest_that_never_ran_is_ended);
    g_test_add_func("/keeper/leftovers/commit/with-the-monitor-dead",
                    test_with_the_monitor_dead_it_is_unfinished);
    g_test_add_func("/keeper/leftovers/commit/before-it-is-unfinished",
                    test_before_the_commit_it_is_unfinished);
    g_test_add_func("/keeper/leftovers/a-closed-console-is-no-obstacle",
                    test_a_closed_console_is_no_obstacle);
    g_test_add_func("/keeper/leftovers/half-a-spec-is-none",
                    test_half_a_spec_is_none);
    g_test_add_func("/keeper/leftovers/a-cgroup-that-stays",
                    test_a_cgroup_that_stays_keeps_the_run_directory);
    return g_test_run();
}
