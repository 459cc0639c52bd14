/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "compartment/recover.h"

#include <glib/gstdio.h>
#include <sys/mount.h>
#include <unistd.h>

#include "vm.h"

/* All labels are written, the journal is open. */
#define ALL_WRITTEN (3 + 3 * VM_STEPS + 1)

static void
test_killed_at_every_record(Fixture *fixture, const void *data)
{
    Vm vm = { 0 };
    unsigned undone = 0;
    unsigned n;

    if (fixture_lacks_root()) {
        return;
    }
    vm_set_up(fixture, &vm);
    for (n = 1; vm_dies_at(fixture, &vm, vm_apply, n); n++) {
        bool was_open = vm_open_journals(fixture) > 0;

        g_assert_cmpuint(vm_recover(fixture, NULL), ==, 0);
        g_assert_cmpuint(vm_open_journals(fixture), ==, 0);
        if (was_open) {
            undone++;
            g_assert_true(vm_carries(&vm, vm_before));
        } else {
            g_assert_true(vm_carries(&vm, vm_before) ||
                          vm_carries(&vm, vm_after));
        }
        vm_release(fixture, &vm);
    }
    g_assert_true(vm_carries(&vm, vm_after));
    vm_release(fixture, &vm);
    /* Two before the plan is durable, the last one behind the close. */
    g_assert_cmpuint(n, ==, ALL_WRITTEN + 2);
    g_assert_cmpuint(undone, ==, n - 4);
    vm_tear_down(&vm);
}

static void
test_recovery_killed_at_every_record(Fixture *fixture, const void *data)
{
    Vm vm = { 0 };
    unsigned n = 0;

    if (fixture_lacks_root()) {
        return;
    }
    vm_set_up(fixture, &vm);
    do {
        /* All labels are written and the journal is open. */
        g_assert_true(vm_dies_at(fixture, &vm, vm_apply, ALL_WRITTEN));
        g_assert_true(vm_carries(&vm, vm_after));
        n++;
        if (vm_dies_at(fixture, &vm, vm_recover_work, n)) {
            g_assert_cmpuint(vm_open_journals(fixture), ==, 1);
            g_assert_cmpuint(vm_recover(fixture, NULL), ==, 0);
        } else {
            n = 0;
        }
        g_assert_cmpuint(vm_open_journals(fixture), ==, 0);
        g_assert_true(vm_carries(&vm, vm_before));
        vm_release(fixture, &vm);
    } while (n > 0);
    vm_tear_down(&vm);
}

static void
test_release_killed_at_every_record(Fixture *fixture, const void *data)
{
    Vm vm = { 0 };
    unsigned n = 0;

    if (fixture_lacks_root()) {
        return;
    }
    vm_set_up(fixture, &vm);
    do {
        g_autoptr(GError) error = NULL;

        vm_apply(fixture, &vm, NULL, &error);
        g_assert_no_error(error);
        n++;
        if (!vm_dies_at(fixture, &vm, vm_restore_work, n)) {
            n = 0;
        }
        vm_release(fixture, &vm);
    } while (n > 0);
    vm_tear_down(&vm);
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

    g_assert_false(vm_apply(fixture, vm, &broken, &raised));
    g_assert_cmpstr(svirt_error_hint(raised), ==, "run svirt recover");
    /* Its writer lives: nobody else may undo it, nor start the VM. */
    g_assert_cmpuint(vm_recover(fixture, NULL), ==, 1);
    return vm_open_journals(fixture) == 1;
}

static void
test_undo_that_fails_is_recovered(Fixture *fixture, const void *data)
{
    Vm vm = { 0 };

    if (fixture_lacks_root()) {
        return;
    }
    vm_set_up(fixture, &vm);
    g_assert_false(vm_dies_at(fixture, &vm, broken_work, 1));
    g_assert_cmpuint(vm_open_journals(fixture), ==, 1);
    g_assert_false(vm_carries(&vm, vm_before));
    g_assert_cmpuint(vm_recover(fixture, NULL), ==, 0);
    g_assert_true(vm_carries(&vm, vm_before));
    vm_release(fixture, &vm);
    vm_tear_down(&vm);
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
    vm_set_up(fixture, &vm);
    g_assert_true(vm_dies_at(fixture, &vm, vm_apply, 3));
    g_assert_false(vm_apply(fixture, &vm, NULL, &error));
    g_assert_error(error, SVIRT_ERROR, SVIRT_ERROR_BUSY);
    g_clear_error(&error);
    svirt_recover_journals(fixture->state, NULL, NULL, &rows, NULL, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(rows->len, ==, VM_STEPS);
    for (unsigned i = 0; i < rows->len; i++) {
        const SvirtRecoverRow *row = rows->pdata[i];

        g_assert_cmpint(row->outcome, ==, SVIRT_RECOVER_UNTOUCHED);
        g_assert_cmpstr(row->verb, ==, "start");
    }
    vm_apply(fixture, &vm, NULL, &error);
    g_assert_no_error(error);
    g_assert_true(vm_carries(&vm, vm_after));
    vm_release(fixture, &vm);
    vm_tear_down(&vm);
}

/* Nothing is left to be written, and yet the journal would be undone. */
static void
test_start_with_right_labels_waits_too(Fixture *fixture, const void *data)
{
    Vm vm = { 0 };
    g_autoptr(GError) error = NULL;

    if (fixture_lacks_root()) {
        return;
    }
    vm_set_up(fixture, &vm);
    g_assert_true(vm_dies_at(fixture, &vm, vm_apply, ALL_WRITTEN));
    g_assert_true(vm_carries(&vm, vm_after));
    g_assert_false(vm_apply(fixture, &vm, NULL, &error));
    g_assert_error(error, SVIRT_ERROR, SVIRT_ERROR_BUSY);
    g_assert_cmpuint(vm_recover(fixture, NULL), ==, 0);
    g_assert_true(vm_carries(&vm, vm_before));
    vm_release(fixture, &vm);
    vm_tear_down(&vm);
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
    vm_set_up(fixture, &vm);
    g_assert_true(vm_dies_at(fixture, &vm, vm_apply, ALL_WRITTEN));
    g_assert_cmpint(chown(vm.paths[0], 55, 66), ==, 0);
    g_assert_cmpuint(vm_recover(fixture, NULL), ==, 0);
    now = fixture_labels(vm.paths[0]);
    g_assert_cmpstr(now, ==, "55:66 original");
    vm_tear_down(&vm);
}

static void
test_recovery_does_not_touch_another_file(Fixture *fixture, const void *data)
{
    Vm vm = { 0 };
    g_autofree char *now = NULL;

    if (fixture_lacks_root()) {
        return;
    }
    vm_set_up(fixture, &vm);
    g_assert_true(vm_dies_at(fixture, &vm, vm_apply, ALL_WRITTEN));
    /* The new file has the very labels the journal wrote. */
    g_assert_cmpint(g_unlink(vm.paths[1]), ==, 0);
    g_assert_true(g_file_set_contents(vm.paths[1], "new", -1, NULL));
    g_assert_cmpint(chown(vm.paths[1], 107, 108), ==, 0);
    g_assert_cmpuint(vm_recover(fixture, NULL), ==, 0);
    now = fixture_labels(vm.paths[1]);
    g_assert_cmpstr(now, ==, "107:108 -");
    g_free(now);
    now = fixture_labels(vm.paths[0]);
    g_assert_cmpstr(now, ==, vm_before[0]);
    vm_tear_down(&vm);
}

/* Died with the label written; then the file system went read-only. */
static void
test_journal_waits_for_its_object(Fixture *fixture, const void *data)
{
    g_autofree char *point = g_build_filename(fixture->dir, "point", NULL);
    Vm vm = { 0 };

    if (fixture_lacks_root()) {
        return;
    }
    vm_set_up(fixture, &vm);
    g_assert_cmpint(g_mkdir(point, 0755), ==, 0);
    g_assert_cmpint(mount(fixture->dir, point, NULL, MS_BIND, NULL), ==, 0);
    g_free(vm.paths[1]);
    vm.paths[1] = g_build_filename(point, "disk1.img", NULL);
    g_assert_true(vm_dies_at(fixture, &vm, vm_apply, ALL_WRITTEN));
    g_assert_cmpint(mount(NULL, point, NULL,
                          MS_REMOUNT | MS_BIND | MS_RDONLY, NULL), ==, 0);
    g_assert_false(vm_dies_at(fixture, &vm, vm_recover_work, 99));
    g_assert_cmpuint(vm_open_journals(fixture), ==, 1);
    {
        g_autofree char *first = fixture_labels(vm.paths[0]);

        g_assert_cmpstr(first, ==, vm_before[0]);
    }
    g_assert_cmpint(mount(NULL, point, NULL, MS_REMOUNT | MS_BIND, NULL), ==,
                    0);
    g_assert_cmpuint(vm_recover(fixture, NULL), ==, 0);
    g_assert_true(vm_carries(&vm, vm_before));
    g_assert_cmpint(umount2(point, 0), ==, 0);
    vm_tear_down(&vm);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    fixture_unshare_mounts();
    FIXTURE_TEST("/compartment/recover/start-with-right-labels-waits-too",
                 test_start_with_right_labels_waits_too);
    FIXTURE_TEST("/compartment/recover/killed-at-every-record",
                 test_killed_at_every_record);
    FIXTURE_TEST("/compartment/recover/recovery-killed-at-every-record",
                 test_recovery_killed_at_every_record);
    FIXTURE_TEST("/compartment/recover/release-killed-at-every-record",
                 test_release_killed_at_every_record);
    FIXTURE_TEST("/compartment/recover/undo-that-fails-is-recovered",
                 test_undo_that_fails_is_recovered);
    FIXTURE_TEST("/compartment/recover/start-waits-for-recovery",
                 test_start_waits_for_recovery);
    FIXTURE_TEST("/compartment/recover/leaves-a-strangers-label",
                 test_recovery_leaves_a_strangers_label);
    FIXTURE_TEST("/compartment/recover/does-not-touch-another-file",
                 test_recovery_does_not_touch_another_file);
    FIXTURE_TEST("/compartment/recover/journal-waits-for-its-object",
                 test_journal_waits_for_its_object);
    return g_test_run();
}
