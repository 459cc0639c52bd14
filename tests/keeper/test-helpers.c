/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>
#include <signal.h>
#include <string.h>

#include "vm.h"

/* Before READY, so before the guest's first instruction; once. */
static void
test_links_and_balloon_are_set(void)
{
    g_autoptr(Vm) vm = NULL;
    g_autofree char *reply = NULL;
    g_autofree char *again = NULL;
    SvirtMessage message;
    pid_t monitor;

    if (!vm_possible()) {
        return;
    }
    vm = vm_fake("settings", NULL, NULL);
    vm->args.links_down = 1u << 0 | 1u << 7;
    vm->args.balloon_bytes = 1u << 30;
    vm_start(vm, false);
    vm_expect(vm, SVIRT_MESSAGE_READY, &message);
    reply = vm_qmp(vm, "{\"execute\": \"settings\"}");
    g_assert_nonnull(strstr(reply, "\"net0 net7 1073741824 \""));
    vm_commit(vm, false);
    monitor = vm->monitor;
    g_assert_no_errno(kill(monitor, SIGKILL));
    vm_wait_monitor(vm, monitor);
    again = vm_qmp(vm, "{\"execute\": \"settings\"}");
    g_assert_cmpstr(again, ==, reply);
}

static void
test_a_refused_setting_ends_the_start(void)
{
    g_autoptr(Vm) vm = NULL;
    SvirtMessage failed;

    if (!vm_possible()) {
        return;
    }
    vm = vm_fake("serve", NULL, NULL);
    vm->args.links_down = 1;
    vm_start(vm, false);
    vm_expect(vm, SVIRT_MESSAGE_FAILED, &failed);
    g_assert_cmpint(failed.step, ==, SVIRT_STEP_READY);
    g_assert_nonnull(strstr(failed.text, "link"));
    vm_wait_released(vm);
}

static void
test_passt_that_ends_costs_the_network_alone(void)
{
    static const char *const argv[] = { "/usr/bin/tail", "-f", NULL };
    g_autoptr(Vm) vm = NULL;
    g_autofree char *reply = NULL;
    SvirtRunStatus status;

    if (!vm_possible()) {
        return;
    }
    vm = vm_fake("serve", NULL, NULL);
    vm_add_passt(vm, 0, argv);
    vm_start_and_run(vm, false);
    vm_status(vm, &status);
    g_assert_cmpint(status.process[SVIRT_PROCESS_PASST].pid, ==, vm->passt);
    g_assert_cmpuint(status.flags & SVIRT_RUN_NETWORK_LOST, ==, 0);
    g_assert_no_errno(kill(vm->passt, SIGKILL));
    vm_wait_flags(vm, SVIRT_RUN_NETWORK_LOST, SVIRT_RUN_NETWORK_LOST);
    reply = vm_qmp(vm, "{\"execute\": \"query-status\"}");
    g_assert_nonnull(strstr(reply, "running"));
    vm_kill(vm);
}

static void
test_passt_ends_with_its_vmm(void)
{
    static const char *const argv[] = { "/usr/bin/tail", "-f", NULL };
    g_autoptr(Vm) vm = NULL;

    if (!vm_possible()) {
        return;
    }
    vm = vm_fake("serve", NULL, NULL);
    vm_add_passt(vm, 0, argv);
    vm_start_and_run(vm, false);
    g_assert_true(vm_process_is_there(vm->passt));
    vm_kill(vm);
    g_assert_false(vm_process_is_there(vm->passt));
}

/* As many as there may be: each is watched, all end with the VMM. */
static void
test_every_passt_is_looked_after(void)
{
    static const char *const argv[] = { "/usr/bin/tail", "-f", NULL };
    const unsigned lost = SVIRT_PROCESS_PASST_LAST;
    g_autoptr(Vm) vm = NULL;
    SvirtRunStatus status;

    if (!vm_possible()) {
        return;
    }
    vm = vm_fake("serve", NULL, NULL);
    for (unsigned i = 0; i < SVIRT_MAX_PASSTS; i++) {
        vm_add_passt(vm, i, argv);
    }
    vm_start_and_run(vm, false);
    vm_status(vm, &status);
    for (unsigned i = SVIRT_PROCESS_PASST; i < SVIRT_PROCESS_MAX; i++) {
        g_assert_true(svirt_run_process_alive(&status.process[i]));
    }
    g_assert_no_errno(kill(status.process[lost].pid, SIGKILL));
    vm_wait_flags(vm, SVIRT_RUN_NETWORK_LOST, SVIRT_RUN_NETWORK_LOST);
    vm_status(vm, &status);
    g_assert_cmpint(status.process[lost].pid, ==, 0);
    for (unsigned i = SVIRT_PROCESS_PASST; i < lost; i++) {
        g_assert_true(svirt_run_process_alive(&status.process[i]));
    }
    vm_kill(vm);
    for (unsigned i = SVIRT_PROCESS_PASST; i < lost; i++) {
        g_assert_false(vm_process_is_there(status.process[i].pid));
    }
}

static void
test_passt_that_ends_at_once_fails_the_start(void)
{
    static const char *const argv[] = { "/usr/bin/false", NULL };
    g_autoptr(Vm) vm = NULL;
    SvirtMessage failed;

    if (!vm_possible()) {
        return;
    }
    vm = vm_fake("silent", NULL, NULL);
    vm_add_passt(vm, 0, argv);
    vm_start(vm, false);
    vm_expect(vm, SVIRT_MESSAGE_FAILED, &failed);
    g_assert_cmpint(failed.process, ==, SVIRT_PROCESS_PASST);
    vm_wait_released(vm);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/keeper/helpers/passt-that-ends-costs-the-network-alone",
                    test_passt_that_ends_costs_the_network_alone);
    g_test_add_func("/keeper/helpers/passt-ends-with-its-vmm",
                    test_passt_ends_with_its_vmm);
    g_test_add_func("/keeper/helpers/links-and-balloon-are-set",
                    test_links_and_balloon_are_set);
    g_test_add_func("/keeper/helpers/a-refused-setting-ends-the-start",
                    test_a_refused_setting_ends_the_start);
    g_test_add_func("/keeper/helpers/every-passt-is-looked-after",
                    test_every_passt_is_looked_after);
    g_test_add_func("/keeper/helpers/passt-that-ends-at-once-fails-the-start",
                    test_passt_that_ends_at_once_fails_the_start);
    return g_test_run();
}
