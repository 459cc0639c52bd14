/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "compartment/recover.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "compartment/relabel-apply.h"
#include "compartment/restore.h"
#include "fixture.h"
#include "state/journal.h"
#include "state/objects.h"

#define STATIC                                                               \
    "<seclabel model='dac' type='static' relabel='yes'>"                     \
    "<label>+107:+108</label></seclabel>"

#define DISKS 2

/*
 * A VM of two disks, one with a label of the test model, one without, each
 * changed under two models: four steps.
 */
typedef struct Vm {
    char *paths[DISKS];
    SvirtCompartment *compartment;
} Vm;

static const char *const before[DISKS] = { "0:0 original", "0:0 -" };
static const char *const after[DISKS] = { "107:108 theirs",
                                          "107:108 theirs" };

static void
make_vm(Fixture *fixture, Vm *vm)
{
    for (unsigned i = 0; i < DISKS; i++) {
        g_autofree char *name = g_strdup_printf("disk%u.img", i);

        vm->paths[i] = fixture_file(fixture, name, "x");
    }
    g_assert_cmpint(setxattr(vm->paths[0], "user.svirt.test", "original", 8,
                             0), ==, 0);
    vm->compartment =
        fixture_compartment(fixture, "web", TEST_UUID_A, STATIC);
    fixture_add_test_label(vm->compartment, "theirs");
}

static void
clear_vm(Vm *vm)
{
    for (unsigned i = 0; i < DISKS; i++) {
        g_free(vm->paths[i]);
    }
    svirt_compartment_free(vm->compartment);
}

static bool
apply_vm(Fixture *fixture, const Vm *vm, const SvirtFault *fault,
         GError **error)
{
    g_autoptr(GPtrArray) objects =
        g_ptr_array_new_with_free_func((GDestroyNotify)svirt_object_free);
    g_autoptr(SvirtRelabelPlan) plan = NULL;
    SvirtRelabelItem items[DISKS];

    for (unsigned i = 0; i < DISKS; i++) {
        g_ptr_array_add(objects, fixture_open(vm->paths[i]));
        items[i] = fixture_disk(objects->pdata[i]);
    }
    svirt_relabel_plan_new(vm->compartment, items, DISKS, &plan, NULL);
    g_assert_nonnull(plan);
    g_assert_cmpuint(plan->steps->len, ==, 2 * DISKS);
    return svirt_relabel_apply(fixture->state, plan, "start", TEST_NOW, fault,
                               error);
}

static bool
carries(const Vm *vm, const char *const labels[DISKS])
{
    bool all = true;

    for (unsigned i = 0; i < DISKS; i++) {
        g_autofree char *now = fixture_labels(vm->paths[i]);

        g_test_message("%s: %s", vm->paths[i], now);
        all = all && strcmp(now, labels[i]) == 0;
    }
    return all;
}

static unsigned
open_journals(Fixture *fixture)
{
    g_autoptr(GPtrArray) journals = NULL;
    g_autoptr(GError) error = NULL;

    svirt_journal_list_open(fixture->state, &journals, &error);
    g_assert_no_error(error);
    return journals->len;
}

static unsigned
recover(Fixture *fixture, const SvirtFault *fault)
{
    g_autoptr(GPtrArray) rows = NULL;
    g_autoptr(GError) error = NULL;
    unsigned left = 99;

    svirt_recover_journals(fixture->state, NULL, fault, &rows, &left, &error);
    g_assert_no_error(error);
    return left;
}

/* Everything of this VM's is given back, and nothing is remembered. */
static void
release(Fixture *fixture, const Vm *vm)
{
    g_autoptr(GPtrArray) rows = NULL;
    g_autoptr(GPtrArray) remembered = NULL;
    g_autoptr(GError) error = NULL;

    svirt_restore_owner(fixture->state, &vm->compartment->owner.uuid, NULL,
                        NULL, &rows, &error);
    g_assert_no_error(error);
    g_assert_true(svirt_restore_rows_complete(rows));
    g_assert_true(carries(vm, before));
    svirt_objects_list(fixture->state, NULL, &remembered, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(remembered->len, ==, 0);
}

/* ---- ending the process at the Nth record -------------------------------- */

typedef struct Countdown {
    unsigned left;
    SvirtFaultPoint reached;
} Countdown;

static bool
die_at(SvirtFaultPoint point, unsigned index, void *data, GError **error)
{
    Countdown *countdown = data;

    if (--countdown->left == 0) {
        (void)kill(getpid(), SIGKILL);
    }
    return true;
}

typedef bool (*Work)(Fixture *fixture, const Vm *vm, const SvirtFault *fault,
                     GError **error);

static bool
recover_work(Fixture *fixture, const Vm *vm, const SvirtFault *fault,
             GError **error)
{
    g_autoptr(GPtrArray) rows = NULL;

    return svirt_recover_journals(fixture->state, NULL, fault, &rows, NULL,
                                  error);
}

static bool
restore_work(Fixture *fixture, const Vm *vm, const SvirtFault *fault,
             GError **error)
{
    g_autoptr(GPtrArray) rows = NULL;

    return svirt_restore_owner(fixture->state, &vm->compartment->owner.uuid,
                               NULL, fault, &rows, error);
}

/* True when `work` was ended at its Nth record, false when it has fewer. */
static bool
dies_at(Fixture *fixture, const Vm *vm, Work work, unsigned n)
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

static void
test_killed_at_every_record(Fixture *fixture, const void *data)
{
    Vm vm = { 0 };
    unsigned undone = 0;
    unsigned n;

    if (fixture_lacks_root()) {
        return;
    }
    make_vm(fixture, &vm);
    for (n = 1; dies_at(fixture, &vm, apply_vm, n); n++) {
        bool was_open = open_journals(fixture) > 0;

        g_assert_cmpuint(recover(fixture, NULL), ==, 0);
        g_assert_cmpuint(open_journals(fixture), ==, 0);
        if (was_open) {
            undone++;
            g_assert_true(carries(&vm, before));
        } else {
            g_assert_true(carries(&vm, before) || carries(&vm, after));
        }
        release(fixture, &vm);
    }
    g_assert_true(carries(&vm, after));
    release(fixture, &vm);
    /* Two before the plan is durable, the last one behind the close. */
    g_assert_cmpuint(n, ==, 2 + 1 + 3 * 2 * DISKS + 1 + 1 + 1);
    g_assert_cmpuint(undone, ==, n - 4);
    clear_vm(&vm);
}

static void
test_recovery_killed_at_every_record(Fixture *fixture, const void *data)
{
    Vm vm = { 0 };
    unsigned n = 0;

    if (fixture_lacks_root()) {
        return;
    }
    make_vm(fixture, &vm);
    do {
        /* All labels are written and the journal is open. */
        g_assert_true(dies_at(fixture, &vm, apply_vm, 3 + 3 * 2 * DISKS + 1));
        g_assert_true(carries(&vm, after));
        n++;
        if (dies_at(fixture, &vm, recover_work, n)) {
            g_assert_cmpuint(open_journals(fixture), ==, 1);
            g_assert_cmpuint(recover(fixture, NULL), ==, 0);
        } else {
            n = 0;
        }
        g_assert_cmpuint(open_journals(fixture), ==, 0);
        g_assert_true(carries(&vm, before));
        release(fixture, &vm);
    } while (n > 0);
    clear_vm(&vm);
}

static void
test_release_killed_at_every_record(Fixture *fixture, const void *data)
{
    Vm vm = { 0 };
    unsigned n = 0;

    if (fixture_lacks_root()) {
        return;
    }
    make_vm(fixture, &vm);
    do {
        g_autoptr(GError) error = NULL;

        apply_vm(fixture, &vm, NULL, &error);
        g_assert_no_error(error);
        n++;
        if (!dies_at(fixture, &vm, restore_work, n)) {
            n = 0;
        }
        release(fixture, &vm);
    } while (n > 0);
    clear_vm(&vm);
}

/* ---- failing at the Nth record ------------------------------------------- */

static bool
fail_at(SvirtFaultPoint point, unsigned index, void *data, GError **error)
{
    Countdown *countdown = data;

    countdown->reached = point;
    return --countdown->left != 0 ||
           svirt_raise(error, SVIRT_ERROR_SYSTEM, NULL, NULL, "a test's");
}

static void
test_failed_at_every_record(Fixture *fixture, const void *data)
{
    Vm vm = { 0 };

    if (fixture_lacks_root()) {
        return;
    }
    make_vm(fixture, &vm);
    for (unsigned n = 1;; n++) {
        Countdown countdown = { .left = n };
        const SvirtFault fault = { .at = fail_at, .data = &countdown };
        g_autoptr(GError) error = NULL;

        g_assert_false(apply_vm(fixture, &vm, &fault, &error));
        g_assert_error(error, SVIRT_ERROR, SVIRT_ERROR_SYSTEM);
        g_assert_cmpuint(open_journals(fixture), ==, 0);
        if (countdown.reached == SVIRT_FAULT_CLOSED) {
            g_assert_true(carries(&vm, after));
            release(fixture, &vm);
            break;
        }
        g_assert_true(carries(&vm, before));
    }
    clear_vm(&vm);
}

static bool
fail_and_fail_to_undo(SvirtFaultPoint point, unsigned index, void *data,
                      GError **error)
{
    if (point == SVIRT_FAULT_READ_BACK ||
        (point == SVIRT_FAULT_BEFORE_UNDO && index == 1)) {
        return svirt_raise(error, SVIRT_ERROR_SYSTEM, NULL, NULL, "a test's");
    }
    return true;
}

static bool
broken_work(Fixture *fixture, const Vm *vm, const SvirtFault *fault,
            GError **error)
{
    const SvirtFault broken = { .at = fail_and_fail_to_undo };
    g_autoptr(GError) raised = NULL;

    g_assert_false(apply_vm(fixture, vm, &broken, &raised));
    g_assert_cmpstr(svirt_error_hint(raised), ==, "run svirt recover");
    /* Its writer lives: nobody else may undo it, nor start the VM. */
    g_assert_cmpuint(recover(fixture, NULL), ==, 1);
    return open_journals(fixture) == 1;
}

static void
test_undo_that_fails_is_recovered(Fixture *fixture, const void *data)
{
    Vm vm = { 0 };

    if (fixture_lacks_root()) {
        return;
    }
    make_vm(fixture, &vm);
    g_assert_false(dies_at(fixture, &vm, broken_work, 1));
    g_assert_cmpuint(open_journals(fixture), ==, 1);
    g_assert_false(carries(&vm, before));
    g_assert_cmpuint(recover(fixture, NULL), ==, 0);
    g_assert_true(carries(&vm, before));
    release(fixture, &vm);
    clear_vm(&vm);
}

static void
test_start_waits_for_recovery(Fixture *fixture, const void *data)
{
    Vm vm = { 0 };
    g_autoptr(GPtrArray) rows = NULL;
    g_autoptr(GError) error = NULL;

    if (fixture_lacks_root()) {
        return;
    }
    make_vm(fixture, &vm);
    g_assert_true(dies_at(fixture, &vm, apply_vm, 3));
    g_assert_false(apply_vm(fixture, &vm, NULL, &error));
    g_assert_error(error, SVIRT_ERROR, SVIRT_ERROR_BUSY);
    g_clear_error(&error);
    svirt_recover_journals(fixture->state, NULL, NULL, &rows, NULL, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(rows->len, ==, 2 * DISKS);
    for (unsigned i = 0; i < rows->len; i++) {
        const SvirtRecoverRow *row = rows->pdata[i];

        g_assert_cmpint(row->outcome, ==, SVIRT_RECOVER_UNTOUCHED);
        g_assert_cmpstr(row->verb, ==, "start");
    }
    apply_vm(fixture, &vm, NULL, &error);
    g_assert_no_error(error);
    g_assert_true(carries(&vm, after));
    release(fixture, &vm);
    clear_vm(&vm);
}

/* What somebody else wrote between the crash and the recovery stays. */
static void
test_recovery_leaves_a_strangers_label(Fixture *fixture, const void *data)
{
    Vm vm = { 0 };
    g_autofree char *now = NULL;

    if (fixture_lacks_root()) {
        return;
    }
    make_vm(fixture, &vm);
    g_assert_true(dies_at(fixture, &vm, apply_vm, 3 + 3 * 2 * DISKS + 1));
    g_assert_cmpint(chown(vm.paths[0], 55, 66), ==, 0);
    g_assert_cmpuint(recover(fixture, NULL), ==, 0);
    now = fixture_labels(vm.paths[0]);
    g_assert_cmpstr(now, ==, "55:66 original");
    clear_vm(&vm);
}

static void
test_recovery_does_not_touch_another_file(Fixture *fixture, const void *data)
{
    Vm vm = { 0 };
    g_autofree char *now = NULL;

    if (fixture_lacks_root()) {
        return;
    }
    make_vm(fixture, &vm);
    g_assert_true(dies_at(fixture, &vm, apply_vm, 3 + 3 * 2 * DISKS + 1));
    /* The new file has the very labels the journal wrote. */
    g_assert_cmpint(g_unlink(vm.paths[1]), ==, 0);
    g_assert_true(g_file_set_contents(vm.paths[1], "new", -1, NULL));
    g_assert_cmpint(chown(vm.paths[1], 107, 108), ==, 0);
    g_assert_cmpuint(recover(fixture, NULL), ==, 0);
    now = fixture_labels(vm.paths[1]);
    g_assert_cmpstr(now, ==, "107:108 -");
    g_free(now);
    now = fixture_labels(vm.paths[0]);
    g_assert_cmpstr(now, ==, before[0]);
    clear_vm(&vm);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    FIXTURE_TEST("/compartment/recover/killed-at-every-record",
                 test_killed_at_every_record);
    FIXTURE_TEST("/compartment/recover/recovery-killed-at-every-record",
                 test_recovery_killed_at_every_record);
    FIXTURE_TEST("/compartment/recover/release-killed-at-every-record",
                 test_release_killed_at_every_record);
    FIXTURE_TEST("/compartment/recover/failed-at-every-record",
                 test_failed_at_every_record);
    FIXTURE_TEST("/compartment/recover/undo-that-fails-is-recovered",
                 test_undo_that_fails_is_recovered);
    FIXTURE_TEST("/compartment/recover/start-waits-for-recovery",
                 test_start_waits_for_recovery);
    FIXTURE_TEST("/compartment/recover/leaves-a-strangers-label",
                 test_recovery_leaves_a_strangers_label);
    FIXTURE_TEST("/compartment/recover/does-not-touch-another-file",
                 test_recovery_does_not_touch_another_file);
    return g_test_run();
}
