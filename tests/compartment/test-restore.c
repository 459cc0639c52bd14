/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "compartment/restore.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "compartment/relabel-apply.h"
#include "fixture.h"
#include "state/objects.h"

#define STATIC(label)                                                        \
    "<seclabel model='dac' type='static' relabel='yes'>"                     \
    "<label>" label "</label></seclabel>"
#define LABEL_A STATIC("+107:+108")
#define LABEL_B STATIC("+207:+208")

/* Start a VM with this one disk. */
static void
start(Fixture *fixture, const SvirtCompartment *compartment, const char *path)
{
    g_autoptr(SvirtObject) object = fixture_open(path);
    g_autoptr(SvirtRelabelPlan) plan = NULL;
    g_autoptr(GError) error = NULL;
    const SvirtRelabelItem item = fixture_disk(object);

    svirt_relabel_plan_new(compartment, &item, 1, &plan, &error);
    g_assert_no_error(error);
    svirt_relabel_apply(fixture->state, plan, "start", TEST_NOW, NULL,
                        &error);
    g_assert_no_error(error);
}

static GPtrArray *
release(Fixture *fixture, const SvirtCompartment *compartment,
        const char *only)
{
    g_autoptr(GError) error = NULL;
    GPtrArray *rows = NULL;

    svirt_restore_owner(fixture->state, &compartment->owner.uuid, only, NULL,
                        &rows, &error);
    g_assert_no_error(error);
    return rows;
}

/* The row of one model; there is one. */
static const SvirtRestoreRow *
row_of(const GPtrArray *rows, SvirtModelKind model)
{
    const SvirtRestoreRow *found = NULL;

    for (unsigned i = 0; i < rows->len; i++) {
        const SvirtRestoreRow *row = rows->pdata[i];

        if (row->model == model) {
            g_assert_null(found);
            found = row;
        }
    }
    g_assert_nonnull(found);
    return found;
}

static void
assert_labels(const char *path, const char *labels)
{
    g_autofree char *now = fixture_labels(path);

    g_assert_cmpstr(now, ==, labels);
}

static unsigned
remembered_count(Fixture *fixture)
{
    g_autoptr(GPtrArray) list = NULL;
    g_autoptr(GError) error = NULL;

    svirt_objects_list(fixture->state, NULL, &list, &error);
    g_assert_no_error(error);
    return list->len;
}

static void
test_two_definitions_of_one_disk(Fixture *fixture, const void *data)
{
    g_autofree char *path = fixture_file(fixture, "disk.img", "x");
    g_autoptr(SvirtCompartment) web = NULL;
    g_autoptr(SvirtCompartment) db = NULL;
    g_autoptr(GPtrArray) first = NULL;
    g_autoptr(GPtrArray) second = NULL;

    if (fixture_lacks_root()) {
        return;
    }
    g_assert_cmpint(chown(path, 55, 66), ==, 0);
    web = fixture_compartment(fixture, "web", TEST_UUID_A, LABEL_A);
    db = fixture_compartment(fixture, "db", TEST_UUID_B, LABEL_B);
    start(fixture, web, path);
    assert_labels(path, "107:108 -");
    /* The next to start takes the label over; the original stays 55:66. */
    start(fixture, db, path);
    assert_labels(path, "207:208 -");
    start(fixture, web, path);
    start(fixture, db, path);
    first = release(fixture, db, NULL);
    g_assert_cmpint(row_of(first, SVIRT_MODEL_DAC)->outcome, ==,
                    SVIRT_RESTORE_CLAIMED);
    assert_labels(path, "207:208 -");
    second = release(fixture, web, NULL);
    g_assert_cmpint(row_of(second, SVIRT_MODEL_DAC)->outcome, ==,
                    SVIRT_RESTORE_GIVEN_BACK);
    g_assert_cmpstr(row_of(second, SVIRT_MODEL_DAC)->label, ==, "+55:+66");
    assert_labels(path, "55:66 -");
    g_assert_cmpuint(remembered_count(fixture), ==, 0);
}

/* Somebody gave the file away between the plan and the change. */
static void
test_original_is_what_was_replaced(Fixture *fixture, const void *data)
{
    g_autofree char *path = fixture_file(fixture, "disk.img", "x");
    g_autoptr(SvirtObject) object = fixture_open(path);
    const SvirtRelabelItem item = fixture_disk(object);
    g_autoptr(SvirtCompartment) web = NULL;
    g_autoptr(SvirtRelabelPlan) plan = NULL;
    g_autoptr(GPtrArray) rows = NULL;
    g_autoptr(GError) error = NULL;

    if (fixture_lacks_root()) {
        return;
    }
    web = fixture_compartment(fixture, "web", TEST_UUID_A, LABEL_A);
    svirt_relabel_plan_new(web, &item, 1, &plan, &error);
    g_assert_no_error(error);
    g_assert_cmpint(chown(path, 55, 66), ==, 0);
    svirt_relabel_apply(fixture->state, plan, "start", TEST_NOW, NULL,
                        &error);
    g_assert_no_error(error);
    rows = release(fixture, web, NULL);
    assert_labels(path, "55:66 -");
}

static void
test_moved_file_is_found(Fixture *fixture, const void *data)
{
    g_autofree char *path = fixture_file(fixture, "disk.img", "x");
    g_autofree char *moved = g_build_filename(fixture->dir, "moved", NULL);
    g_autoptr(SvirtCompartment) web = NULL;
    g_autoptr(GPtrArray) rows = NULL;

    if (fixture_lacks_root()) {
        return;
    }
    web = fixture_compartment(fixture, "web", TEST_UUID_A, LABEL_A);
    start(fixture, web, path);
    g_assert_cmpint(g_rename(path, moved), ==, 0);
    /* A copy in its place is another file, whatever it carries. */
    g_assert_true(g_file_set_contents(path, "x", -1, NULL));
    g_assert_cmpint(chown(path, 107, 108), ==, 0);
    rows = release(fixture, web, NULL);
    g_assert_cmpint(row_of(rows, SVIRT_MODEL_DAC)->outcome, ==,
                    SVIRT_RESTORE_GIVEN_BACK);
    g_assert_cmpstr(row_of(rows, SVIRT_MODEL_DAC)->path, ==, moved);
    assert_labels(moved, "0:0 -");
    assert_labels(path, "107:108 -");
}

/* Delete and make files until one gets the inode number again. */
static bool
make_with_inode(const char *path, ino_t ino)
{
    g_autoptr(GPtrArray) others =
        g_ptr_array_new_with_free_func(g_free);
    struct stat st = { 0 };

    for (unsigned i = 0; i < 2000 && st.st_ino != ino; i++) {
        g_autofree char *other = g_strdup_printf("%s.%u", path, i);

        g_assert_true(g_file_set_contents(other, "new", -1, NULL));
        g_assert_cmpint(stat(other, &st), ==, 0);
        if (st.st_ino == ino) {
            g_assert_cmpint(g_rename(other, path), ==, 0);
        } else {
            g_ptr_array_add(others, g_steal_pointer(&other));
        }
    }
    for (unsigned i = 0; i < others->len; i++) {
        (void)g_unlink(others->pdata[i]);
    }
    return st.st_ino == ino;
}

static void
test_same_inode_number_is_another_file(Fixture *fixture, const void *data)
{
    g_autofree char *path = fixture_file(fixture, "disk.img", "x");
    g_autoptr(SvirtCompartment) web = NULL;
    g_autoptr(GPtrArray) rows = NULL;
    struct stat st;

    if (fixture_lacks_root()) {
        return;
    }
    g_assert_cmpint(chown(path, 55, 66), ==, 0);
    web = fixture_compartment(fixture, "web", TEST_UUID_A, LABEL_A);
    start(fixture, web, path);
    g_assert_cmpint(stat(path, &st), ==, 0);
    g_assert_cmpint(g_unlink(path), ==, 0);
    if (!make_with_inode(path, st.st_ino)) {
        g_test_skip("needs a file system that uses inode numbers again");
        return;
    }
    /* It even carries what svirt wrote on the former. */
    g_assert_cmpint(chown(path, 107, 108), ==, 0);
    rows = release(fixture, web, NULL);
    g_assert_cmpint(row_of(rows, SVIRT_MODEL_DAC)->outcome, ==,
                    SVIRT_RESTORE_GONE);
    assert_labels(path, "107:108 -");
    g_assert_cmpuint(remembered_count(fixture), ==, 0);
}

/* The file made anew has an original of its own. */
static void
test_recreated_file_is_remembered_anew(Fixture *fixture, const void *data)
{
    g_autofree char *path = fixture_file(fixture, "disk.img", "x");
    g_autoptr(SvirtCompartment) web = NULL;
    g_autoptr(GPtrArray) rows = NULL;
    struct stat st;

    if (fixture_lacks_root()) {
        return;
    }
    g_assert_cmpint(chown(path, 55, 66), ==, 0);
    web = fixture_compartment(fixture, "web", TEST_UUID_A, LABEL_A);
    start(fixture, web, path);
    g_assert_cmpint(stat(path, &st), ==, 0);
    g_assert_cmpint(g_unlink(path), ==, 0);
    if (!make_with_inode(path, st.st_ino)) {
        g_test_skip("needs a file system that uses inode numbers again");
        return;
    }
    g_assert_cmpint(chown(path, 77, 88), ==, 0);
    start(fixture, web, path);
    assert_labels(path, "107:108 -");
    rows = release(fixture, web, NULL);
    assert_labels(path, "77:88 -");
    g_assert_cmpuint(remembered_count(fixture), ==, 0);
}

static void
test_strangers_change_is_kept(Fixture *fixture, const void *data)
{
    g_autofree char *path = fixture_file(fixture, "disk.img", "x");
    g_autoptr(SvirtCompartment) web = NULL;
    g_autoptr(GPtrArray) rows = NULL;

    if (fixture_lacks_root()) {
        return;
    }
    web = fixture_compartment(fixture, "web", TEST_UUID_A, LABEL_A);
    start(fixture, web, path);
    g_assert_cmpint(chown(path, 1, 2), ==, 0);
    rows = release(fixture, web, NULL);
    g_assert_cmpint(row_of(rows, SVIRT_MODEL_DAC)->outcome, ==,
                    SVIRT_RESTORE_FOREIGN);
    assert_labels(path, "1:2 -");
    g_assert_cmpuint(remembered_count(fixture), ==, 0);
}

static void
test_one_resource_alone(Fixture *fixture, const void *data)
{
    g_autofree char *one = fixture_file(fixture, "one.img", "x");
    g_autofree char *two = fixture_file(fixture, "two.img", "x");
    g_autofree char *soft = g_build_filename(fixture->dir, "soft", NULL);
    g_autoptr(SvirtCompartment) web = NULL;
    g_autoptr(GPtrArray) rows = NULL;
    g_autoptr(GError) error = NULL;

    if (fixture_lacks_root()) {
        return;
    }
    web = fixture_compartment(fixture, "web", TEST_UUID_A, LABEL_A);
    start(fixture, web, one);
    start(fixture, web, two);
    g_assert_cmpint(symlink(two, soft), ==, 0);
    rows = release(fixture, web, soft);
    assert_labels(two, "0:0 -");
    assert_labels(one, "107:108 -");
    g_clear_pointer(&rows, g_ptr_array_unref);
    g_assert_false(svirt_restore_owner(fixture->state, &web->owner.uuid, two,
                                       NULL, &rows, &error));
    g_assert_error(error, SVIRT_ERROR, SVIRT_ERROR_NOT_FOUND);
}

/* On a file system that went read-only the record waits for better days. */
static void
test_failure_is_tried_again(Fixture *fixture, const void *data)
{
    g_autofree char *point = g_build_filename(fixture->dir, "point", NULL);
    g_autofree char *path = g_build_filename(point, "disk.img", NULL);
    g_autoptr(SvirtCompartment) web = NULL;
    g_autoptr(GPtrArray) rows = NULL;
    g_autoptr(GPtrArray) again = NULL;
    g_autoptr(GPtrArray) unmounted = NULL;
    g_autoptr(GError) error = NULL;

    if (fixture_lacks_root()) {
        return;
    }
    g_assert_cmpint(g_mkdir(point, 0755), ==, 0);
    g_assert_cmpint(mount("none", point, "tmpfs", 0, NULL), ==, 0);
    g_assert_true(g_file_set_contents(path, "x", -1, NULL));
    web = fixture_compartment(fixture, "web", TEST_UUID_A, LABEL_A);
    start(fixture, web, path);
    g_assert_cmpint(mount(NULL, point, NULL, MS_REMOUNT | MS_RDONLY, NULL),
                    ==, 0);
    rows = release(fixture, web, NULL);
    g_assert_cmpint(row_of(rows, SVIRT_MODEL_DAC)->outcome, ==,
                    SVIRT_RESTORE_FAILED);
    g_assert_nonnull(row_of(rows, SVIRT_MODEL_DAC)->detail);
    g_assert_false(svirt_restore_rows_complete(rows));
    g_assert_cmpuint(remembered_count(fixture), ==, 1);
    g_assert_cmpint(mount(NULL, point, NULL, MS_REMOUNT, NULL), ==, 0);
    svirt_restore_unclaimed(fixture->state, NULL, &again, &error);
    g_assert_no_error(error);
    g_assert_cmpint(row_of(again, SVIRT_MODEL_DAC)->outcome, ==,
                    SVIRT_RESTORE_GIVEN_BACK);
    assert_labels(path, "0:0 -");
    g_assert_cmpuint(remembered_count(fixture), ==, 0);
    /* A file system that is not there is asked for later. */
    start(fixture, web, path);
    g_assert_cmpint(umount2(point, 0), ==, 0);
    unmounted = release(fixture, web, NULL);
    g_assert_cmpint(row_of(unmounted, SVIRT_MODEL_DAC)->outcome, ==,
                    SVIRT_RESTORE_MOVED);
    g_assert_cmpuint(remembered_count(fixture), ==, 1);
}

/* Its uid is not given to another VM while a file still carries it. */
static void
test_uid_left_on_a_file_is_not_reused(Fixture *fixture, const void *data)
{
    g_autofree char *point = g_build_filename(fixture->dir, "point", NULL);
    g_autofree char *kept = g_build_filename(point, "disk.img", NULL);
    g_autoptr(SvirtCompartment) web = NULL;
    g_autoptr(SvirtCompartment) db = NULL;
    g_autoptr(GPtrArray) rows = NULL;
    g_autoptr(GError) error = NULL;

    if (fixture_lacks_root()) {
        return;
    }
    /* Room for two blocks of uids: the search comes round at once. */
    fixture->config->uid_last = fixture->config->uid_first + 7;
    g_assert_cmpint(g_mkdir(point, 0755), ==, 0);
    g_assert_cmpint(mount("none", point, "tmpfs", 0, NULL), ==, 0);
    g_assert_true(g_file_set_contents(kept, "x", -1, NULL));
    web = fixture_compartment(
        fixture, "web", TEST_UUID_A,
        "<seclabel model='dac' type='dynamic' relabel='yes'/>");
    start(fixture, web, kept);
    g_assert_cmpint(mount(NULL, point, NULL, MS_REMOUNT | MS_RDONLY, NULL),
                    ==, 0);
    rows = release(fixture, web, NULL);
    g_assert_false(svirt_restore_rows_complete(rows));
    g_assert_true(svirt_state_begin(fixture->state, &error));
    svirt_definitions_remove(fixture->state, &web->owner.uuid, &error);
    g_assert_no_error(error);
    g_assert_true(svirt_state_commit(fixture->state, &error));
    db = fixture_compartment(fixture, "db", TEST_UUID_B, "");
    g_assert_cmpuint(db->vmm_uid, !=, web->vmm_uid);
    {
        g_autoptr(SvirtDomain) domain = fixture_domain(
            "third", "11111111-2222-4333-8444-55555555550c", "");
        g_autoptr(SvirtDefinition) definition = fixture_define(
            fixture, "third", "11111111-2222-4333-8444-55555555550c", 0);
        g_autoptr(SvirtCompartment) third = NULL;

        g_assert_false(svirt_compartment_claim(
            fixture->state, fixture->connection, fixture->config, definition,
            domain, &third, &error));
        g_assert_error(error, SVIRT_ERROR, SVIRT_ERROR_BUSY);
    }
    g_assert_cmpint(umount2(point, 0), ==, 0);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    fixture_unshare_mounts();
    FIXTURE_TEST("/compartment/restore/two-definitions-of-one-disk",
                 test_two_definitions_of_one_disk);
    FIXTURE_TEST("/compartment/restore/original-is-what-was-replaced",
                 test_original_is_what_was_replaced);
    FIXTURE_TEST("/compartment/restore/moved-file-is-found",
                 test_moved_file_is_found);
    FIXTURE_TEST("/compartment/restore/same-inode-number-is-another-file",
                 test_same_inode_number_is_another_file);
    FIXTURE_TEST("/compartment/restore/recreated-file-is-remembered-anew",
                 test_recreated_file_is_remembered_anew);
    FIXTURE_TEST("/compartment/restore/strangers-change-is-kept",
                 test_strangers_change_is_kept);
    FIXTURE_TEST("/compartment/restore/one-resource-alone",
                 test_one_resource_alone);
    FIXTURE_TEST("/compartment/restore/failure-is-tried-again",
                 test_failure_is_tried_again);
    FIXTURE_TEST("/compartment/restore/uid-left-on-a-file-is-not-reused",
                 test_uid_left_on_a_file_is_not_reused);
    return g_test_run();
}
