/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "compartment/relabel-apply.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "state/objects.h"
#include "vm.h"

#define STATIC                                                               \
    "<seclabel model='dac' type='static' relabel='yes'>"                     \
    "<label>+107:+108</label></seclabel>"

static SvirtRelabelPlan *
make_plan(const SvirtCompartment *compartment, const SvirtRelabelItem *items,
          size_t count)
{
    g_autoptr(GError) error = NULL;
    SvirtRelabelPlan *plan = NULL;

    svirt_relabel_plan_new(compartment, items, count, &plan, &error);
    g_assert_no_error(error);
    return plan;
}

static void
apply(Fixture *fixture, const SvirtRelabelPlan *plan)
{
    g_autoptr(GError) error = NULL;

    svirt_relabel_apply(fixture->state, plan, "start", TEST_NOW, NULL,
                        &error);
    g_assert_no_error(error);
}

static void
test_second_start_writes_nothing(Fixture *fixture, const void *data)
{
    g_autofree char *path = fixture_file(fixture, "disk.img", "x");
    g_autofree char *labels = NULL;
    g_autoptr(SvirtObject) object = fixture_open(path);
    g_autoptr(SvirtCompartment) compartment = NULL;
    g_autoptr(SvirtRelabelPlan) plan = NULL;
    g_autoptr(SvirtRelabelPlan) again = NULL;
    g_autoptr(SvirtState) reader = NULL;
    g_autoptr(GError) error = NULL;
    SvirtRelabelItem item = fixture_disk(object);
    bool needed;

    if (fixture_lacks_root()) {
        return;
    }
    compartment = fixture_compartment(fixture, "web", TEST_UUID_A, STATIC);
    plan = make_plan(compartment, &item, 1);
    g_assert_true(
        svirt_relabel_is_needed(fixture->state, plan, &needed, &error));
    g_assert_true(needed);
    apply(fixture, plan);
    labels = fixture_labels(path);
    g_assert_cmpstr(labels, ==, "107:108 -");
    again = make_plan(compartment, &item, 1);
    g_assert_cmpuint(again->steps->len, ==, 0);
    /* A state that cannot be written serves. */
    svirt_state_open(fixture->connection->state_dir, SVIRT_STATE_READ,
                     &reader, &error);
    g_assert_no_error(error);
    g_assert_true(svirt_relabel_is_needed(reader, again, &needed, &error));
    g_assert_false(needed);
    g_assert_true(svirt_relabel_apply(reader, again, "start", TEST_NOW, NULL,
                                      &error));
}

/* Descriptors alone are enough: the file stays as it is, and is claimed. */
static void
test_claim_without_label(Fixture *fixture, const void *data)
{
    g_autofree char *path = fixture_file(fixture, "disk.img", "x");
    g_autoptr(SvirtObject) object = fixture_open(path);
    g_autoptr(SvirtCompartment) compartment =
        fixture_compartment(fixture, "web", TEST_UUID_A, "");
    g_autoptr(SvirtRelabelPlan) plan = NULL;
    g_autoptr(GPtrArray) owners = NULL;
    g_autoptr(GError) error = NULL;
    SvirtRelabelItem item = fixture_disk(object);
    struct stat before;
    struct stat after;
    bool needed = true;

    plan = make_plan(compartment, &item, 1);
    g_assert_cmpuint(plan->steps->len, ==, 0);
    g_assert_cmpint(stat(path, &before), ==, 0);
    apply(fixture, plan);
    g_assert_cmpint(stat(path, &after), ==, 0);
    g_assert_cmpint(before.st_ctim.tv_nsec, ==, after.st_ctim.tv_nsec);
    svirt_objects_owners(fixture->state, &object->identity, &owners, &error);
    g_assert_cmpuint(owners->len, ==, 1);
    svirt_relabel_is_needed(fixture->state, plan, &needed, &error);
    g_assert_no_error(error);
    g_assert_false(needed);
}

/* Its use was waived; the claim stays the other author's. */
static void
test_claim_of_another_author_stays(Fixture *fixture, const void *data)
{
    g_autofree char *path = fixture_file(fixture, "disk.img", "x");
    g_autoptr(SvirtObject) object = fixture_open(path);
    g_autoptr(SvirtCompartment) web =
        fixture_compartment(fixture, "web", TEST_UUID_A, "");
    g_autoptr(SvirtCompartment) db =
        fixture_compartment(fixture, "db", TEST_UUID_B, "");
    g_autoptr(SvirtRelabelPlan) first = NULL;
    g_autoptr(SvirtRelabelPlan) second = NULL;
    g_autoptr(GPtrArray) owners = NULL;
    g_autoptr(GError) error = NULL;
    const SvirtRelabelItem item = fixture_disk(object);
    bool needed = true;

    db->owner.author = 1000;
    first = make_plan(web, &item, 1);
    second = make_plan(db, &item, 1);
    apply(fixture, first);
    svirt_relabel_is_needed(fixture->state, second, &needed, &error);
    g_assert_no_error(error);
    g_assert_false(needed);
    g_assert_true(svirt_state_begin(fixture->state, &error));
    svirt_relabel_claim(fixture->state, second, &error);
    g_assert_no_error(error);
    g_assert_true(svirt_state_commit(fixture->state, &error));
    svirt_objects_owners(fixture->state, &object->identity, &owners, &error);
    g_assert_cmpuint(owners->len, ==, 1);
}

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
    vm_set_up(fixture, &vm);
    for (unsigned n = 1;; n++) {
        Countdown countdown = { .left = n };
        const SvirtFault fault = { .at = fail_at, .data = &countdown };
        g_autoptr(GError) error = NULL;

        g_assert_false(vm_apply(fixture, &vm, &fault, &error));
        g_assert_error(error, SVIRT_ERROR, SVIRT_ERROR_SYSTEM);
        g_assert_cmpuint(vm_open_journals(fixture), ==, 0);
        if (countdown.reached == SVIRT_FAULT_CLOSED) {
            g_assert_true(vm_carries(&vm, vm_after));
            vm_release(fixture, &vm);
            break;
        }
        g_assert_true(vm_carries(&vm, vm_before));
    }
    vm_tear_down(&vm);
}

/* The state on a file system of its own, its options changed at will. */
static void
mount_state(Fixture *fixture, unsigned long flags, const char *options)
{
    g_assert_cmpint(mount("none", fixture->connection->state_dir, "tmpfs",
                          flags, options), ==, 0);
}

static void
test_no_space_for_the_journal(Fixture *fixture, const void *data)
{
    g_autofree char *zeros = g_malloc0(4096);
    g_autofree char *filler = NULL;
    Vm vm = { 0 };
    g_autoptr(GError) error = NULL;
    int fd;

    if (fixture_lacks_root()) {
        return;
    }
    fixture_close_state(fixture);
    mount_state(fixture, 0, "size=4m,mode=0700");
    fixture_open_state(fixture);
    vm_set_up(fixture, &vm);
    filler = g_strconcat(fixture->connection->state_dir, "/filler", NULL);
    fd = open(filler, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    g_assert_cmpint(fd, >=, 0);
    while (write(fd, zeros, 4096) > 0) {
    }
    g_assert_cmpint(errno, ==, ENOSPC);
    g_assert_false(vm_apply(fixture, &vm, NULL, &error));
    g_assert_error(error, SVIRT_ERROR, SVIRT_ERROR_SYSTEM);
    g_assert_nonnull(svirt_error_hint(error));
    g_assert_true(vm_carries(&vm, vm_before));
    g_assert_cmpuint(vm_open_journals(fixture), ==, 0);
    g_clear_error(&error);
    g_assert_cmpint(ftruncate(fd, 0), ==, 0);
    g_assert_cmpint(close(fd), ==, 0);
    vm_apply(fixture, &vm, NULL, &error);
    g_assert_no_error(error);
    vm_release(fixture, &vm);
    vm_tear_down(&vm);
    fixture_close_state(fixture);
    g_assert_cmpint(umount2(fixture->connection->state_dir, 0), ==, 0);
}

/* Full when the labels are written: they are taken back, and what the journal
 * says is still true. */
static bool
fill(SvirtFaultPoint point, unsigned index, void *data, GError **error)
{
    g_autofree char *zeros = g_malloc0(4096);
    const int *fd = data;

    if (point == SVIRT_FAULT_BEFORE_CLOSE) {
        while (write(*fd, zeros, 4096) > 0) {
        }
    }
    return true;
}

static bool
full_work(Fixture *fixture, const Vm *vm, const SvirtFault *fault,
          GError **error)
{
    g_autofree char *filler =
        g_strconcat(fixture->connection->state_dir, "/filler", NULL);
    int fd = open(filler, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    const SvirtFault filling = { .at = fill, .data = &fd };
    bool done;

    g_assert_cmpint(fd, >=, 0);
    /* The last commit may fit into the log that is there. */
    done = vm_apply(fixture, vm, &filling, NULL);
    g_assert_true(vm_carries(vm, done ? vm_after : vm_before));
    g_assert_cmpint(unlink(filler), ==, 0);
    return true;
}

static void
test_no_space_to_close_the_journal(Fixture *fixture, const void *data)
{
    Vm vm = { 0 };

    if (fixture_lacks_root()) {
        return;
    }
    fixture_close_state(fixture);
    mount_state(fixture, 0, "size=4m,mode=0700");
    fixture_open_state(fixture);
    vm_set_up(fixture, &vm);
    g_assert_false(vm_dies_at(fixture, &vm, full_work, 1));
    g_assert_cmpuint(vm_recover(fixture, NULL), ==, 0);
    g_assert_true(vm_carries(&vm, vm_before) || vm_carries(&vm, vm_after));
    vm_release(fixture, &vm);
    vm_tear_down(&vm);
    fixture_close_state(fixture);
    g_assert_cmpint(umount2(fixture->connection->state_dir, 0), ==, 0);
}

static bool
change_owner(SvirtFaultPoint point, unsigned index, void *data,
             GError **error)
{
    const Vm *vm = data;

    if (point == SVIRT_FAULT_AFTER_WRITE && index == VM_STEPS - 1) {
        g_assert_cmpint(chown(vm->paths[0], 9, 9), ==, 0);
    }
    return true;
}

static void
test_label_changed_meanwhile(Fixture *fixture, const void *data)
{
    Vm vm = { 0 };
    const SvirtFault fault = { .at = change_owner, .data = &vm };
    g_autofree char *first = NULL;
    g_autofree char *second = NULL;
    g_autoptr(GError) error = NULL;

    if (fixture_lacks_root()) {
        return;
    }
    vm_set_up(fixture, &vm);
    g_assert_false(vm_apply(fixture, &vm, &fault, &error));
    g_assert_error(error, SVIRT_ERROR, SVIRT_ERROR_UNVERIFIED);
    g_assert_cmpuint(vm_open_journals(fixture), ==, 0);
    first = fixture_labels(vm.paths[0]);
    g_assert_cmpstr(first, ==, "9:9 original");
    second = fixture_labels(vm.paths[1]);
    g_assert_cmpstr(second, ==, vm_before[1]);
    vm_tear_down(&vm);
}

/* The start failed: what it wrote goes, unless another VM relies on it. */
static void
test_revert_spares_what_others_claim(Fixture *fixture, const void *data)
{
    g_autofree char *path = fixture_file(fixture, "disk.img", "x");
    g_autofree char *before = fixture_labels(path);
    g_autoptr(SvirtObject) object = fixture_open(path);
    g_autoptr(SvirtCompartment) compartment = NULL;
    g_autoptr(GError) error = NULL;
    SvirtRelabelItem item = fixture_disk(object);
    SvirtOwner other = { .author = 0, .incarnation = 1 };

    if (fixture_lacks_root()) {
        return;
    }
    g_assert_true(svirt_uuid_parse(TEST_UUID_B, &other.uuid));
    compartment = fixture_compartment(fixture, "web", TEST_UUID_A, STATIC);
    for (unsigned claimed = 0; claimed < 2; claimed++) {
        g_autoptr(SvirtRelabelPlan) plan = make_plan(compartment, &item, 1);
        g_autofree char *after = NULL;
        int64_t id;

        apply(fixture, plan);
        if (claimed) {
            g_assert_true(svirt_state_begin(fixture->state, &error));
            g_assert_true(svirt_objects_remember(
                fixture->state, &object->identity, path, SVIRT_MODEL_DAC,
                &other, "+107:+108", "+107:+108", &id, &error));
            g_assert_true(svirt_state_commit(fixture->state, &error));
        }
        svirt_relabel_revert(fixture->state, plan, &error);
        g_assert_no_error(error);
        after = fixture_labels(path);
        g_assert_cmpstr(after, ==, claimed ? "107:108 -" : before);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    fixture_unshare_mounts();
    FIXTURE_TEST("/compartment/relabel-apply/second-start-writes-nothing",
                 test_second_start_writes_nothing);
    FIXTURE_TEST("/compartment/relabel-apply/claim-without-label",
                 test_claim_without_label);
    FIXTURE_TEST("/compartment/relabel-apply/claim-of-another-author-stays",
                 test_claim_of_another_author_stays);
    FIXTURE_TEST("/compartment/relabel-apply/failed-at-every-record",
                 test_failed_at_every_record);
    FIXTURE_TEST("/compartment/relabel-apply/no-space-for-the-journal",
                 test_no_space_for_the_journal);
    FIXTURE_TEST("/compartment/relabel-apply/no-space-to-close-the-journal",
                 test_no_space_to_close_the_journal);
    FIXTURE_TEST("/compartment/relabel-apply/label-changed-meanwhile",
                 test_label_changed_meanwhile);
    FIXTURE_TEST("/compartment/relabel-apply/revert-spares-what-others-claim",
                 test_revert_spares_what_others_claim);
    return g_test_run();
}
