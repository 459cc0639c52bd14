/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vm.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "compartment/recover.h"
#include "compartment/relabel-apply.h"
#include "compartment/restore.h"
#include "state/journal.h"
#include "state/objects.h"

#define STATIC                                                               \
    "<seclabel model='dac' type='static' relabel='yes'>"                     \
    "<label>+107:+108</label></seclabel>"

const char *const vm_before[VM_DISKS] = { "0:0 original", "0:0 -" };
const char *const vm_after[VM_DISKS] = { "107:108 theirs",
                                          "107:108 theirs" };

void
vm_set_up(Fixture *fixture, Vm *vm)
{
    for (unsigned i = 0; i < VM_DISKS; i++) {
        g_autofree char *name = g_strdup_printf("disk%u.img", i);

        vm->paths[i] = fixture_file(fixture, name, "x");
    }
    g_assert_cmpint(setxattr(vm->paths[0], "user.svirt.test", "original", 8,
                             0), ==, 0);
    vm->compartment =
        fixture_compartment(fixture, "web", TEST_UUID_A, STATIC);
    fixture_add_test_label(vm->compartment, "theirs");
}

void
vm_tear_down(Vm *vm)
{
    for (unsigned i = 0; i < VM_DISKS; i++) {
        g_free(vm->paths[i]);
    }
    svirt_compartment_free(vm->compartment);
}

bool
vm_apply(Fixture *fixture, const Vm *vm, const SvirtFault *fault,
         GError **error)
{
    g_autoptr(GPtrArray) objects =
        g_ptr_array_new_with_free_func((GDestroyNotify)svirt_object_free);
    g_autoptr(SvirtRelabelPlan) plan = NULL;
    SvirtRelabelItem items[VM_DISKS];

    for (unsigned i = 0; i < VM_DISKS; i++) {
        g_ptr_array_add(objects, fixture_open(vm->paths[i]));
        items[i] = fixture_disk(objects->pdata[i]);
    }
    svirt_relabel_plan_new(vm->compartment, items, VM_DISKS, &plan, NULL);
    g_assert_nonnull(plan);
    g_assert_cmpuint(plan->steps->len + plan->right, ==, 2 * VM_DISKS);
    return svirt_relabel_apply(fixture->state, plan, "start", TEST_NOW, fault,
                               error);
}

bool
vm_carries(const Vm *vm, const char *const labels[VM_DISKS])
{
    bool all = true;

    for (unsigned i = 0; i < VM_DISKS; i++) {
        g_autofree char *now = fixture_labels(vm->paths[i]);

        g_test_message("%s: %s", vm->paths[i], now);
        all = all && strcmp(now, labels[i]) == 0;
    }
    return all;
}

unsigned
vm_open_journals(Fixture *fixture)
{
    g_autoptr(GPtrArray) journals = NULL;
    g_autoptr(GError) error = NULL;

    svirt_journal_list_open(fixture->state, &journals, &error);
    g_assert_no_error(error);
    return journals->len;
}

unsigned
vm_recover(Fixture *fixture, const SvirtFault *fault)
{
    g_autoptr(GPtrArray) rows = NULL;
    g_autoptr(GError) error = NULL;
    unsigned left = 99;

    svirt_recover_journals(fixture->state, NULL, fault, &rows, &left, &error);
    g_assert_no_error(error);
    return left;
}

void
vm_release(Fixture *fixture, const Vm *vm)
{
    g_autoptr(GPtrArray) rows = NULL;
    g_autoptr(GPtrArray) remembered = NULL;
    g_autoptr(GError) error = NULL;

    svirt_restore_owner(fixture->state, &vm->compartment->owner.uuid, NULL,
                        NULL, &rows, &error);
    g_assert_no_error(error);
    g_assert_true(svirt_restore_rows_complete(rows));
    g_assert_true(vm_carries(vm, vm_before));
    svirt_objects_list(fixture->state, NULL, &remembered, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(remembered->len, ==, 0);
}

static bool
die_at(SvirtFaultPoint point, unsigned index, void *data, GError **error)
{
    Countdown *countdown = data;

    if (--countdown->left == 0) {
        (void)kill(getpid(), SIGKILL);
    }
    return true;
}

bool
vm_recover_work(Fixture *fixture, const Vm *vm, const SvirtFault *fault,
             GError **error)
{
    g_autoptr(GPtrArray) rows = NULL;

    return svirt_recover_journals(fixture->state, NULL, fault, &rows, NULL,
                                  error);
}

bool
vm_restore_work(Fixture *fixture, const Vm *vm, const SvirtFault *fault,
             GError **error)
{
    g_autoptr(GPtrArray) rows = NULL;

    return svirt_restore_owner(fixture->state, &vm->compartment->owner.uuid,
                               NULL, fault, &rows, error);
}

bool
vm_dies_at(Fixture *fixture, const Vm *vm, VmWork work, unsigned n)
{
    pid_t child;
    int status;

    fixture_close_state(fixture);
    child = fork();
    g_assert_cmpint(child, >=, 0);
    if (child == 0) {
        Countdown countdown = { .left = n };
        const SvirtFault fault = { .at = die_at, .data = &countdown };

        fixture_open_state(fixture);
        _exit(work(fixture, vm, &fault, NULL) ? 0 : 1);
    }
    g_assert_cmpint(waitpid(child, &status, 0), ==, child);
    fixture_open_state(fixture);
    if (WIFSIGNALED(status)) {
        g_assert_cmpint(WTERMSIG(status), ==, SIGKILL);
        return true;
    }
    g_assert_cmpint(WEXITSTATUS(status), ==, 0);
    return false;
}
