/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "compartment/object-find.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "fixture.h"

/*
 * A tmpfs with an overlay of two of its directories, mounted so that the table
 * of mounts has the overlay first: <dir>/low is the tmpfs, <dir>/over the
 * overlay.
 */
typedef struct Tree {
    char *low;
    char *over;
} Tree;

static char *
make_dir(const char *parent, const char *name)
{
    char *path = g_build_filename(parent, name, NULL);

    g_assert_cmpint(g_mkdir(path, 0755), ==, 0);
    return path;
}

static void
tree_free(Tree *tree)
{
    (void)umount2(tree->over, MNT_DETACH);
    (void)umount2(tree->low, MNT_DETACH);
    g_free(tree->low);
    g_free(tree->over);
}

/* False: skipped, with the fact that lacks. */
static bool
tree_make(const Fixture *fixture, Tree *ret)
{
    g_autofree char *first = make_dir(fixture->dir, "first");
    g_autofree char *options = NULL;
    Tree tree = { make_dir(fixture->dir, "low"),
                  make_dir(fixture->dir, "over") };

    *ret = tree;
    g_assert_cmpint(mount("none", first, "tmpfs", 0, "mode=755"), ==, 0);
    g_free(make_dir(first, "lower"));
    g_free(make_dir(first, "upper"));
    g_free(make_dir(first, "work"));
    options = g_strdup_printf("lowerdir=%s/lower,upperdir=%s/upper,"
                              "workdir=%s/work,uuid=null",
                              first, first, first);
    if (mount("overlay", tree.over, "overlay", 0, options) < 0) {
        g_test_skip("needs overlayfs with uuid=null");
        (void)umount2(first, MNT_DETACH);
        tree_free(ret);
        return false;
    }
    g_assert_cmpint(mount(first, tree.low, NULL, MS_BIND, NULL), ==, 0);
    g_assert_cmpint(umount2(first, 0), ==, 0);
    return true;
}

static SvirtIdentity
identity_of(const char *path)
{
    g_autoptr(SvirtObject) object = fixture_open(path);

    return object->identity;
}

static SvirtFound
find(const SvirtIdentity *identity, const char *path, char **ret_path)
{
    g_autoptr(SvirtMounts) mounts = NULL;
    g_autoptr(SvirtObject) object = NULL;
    g_autoptr(GError) error = NULL;
    SvirtFound found = SVIRT_FOUND_MOVED;

    svirt_mounts_read(&mounts, &error);
    g_assert_no_error(error);
    svirt_object_find(mounts, identity, path, &found, &object, &error);
    g_assert_no_error(error);
    g_assert_cmpint(object != NULL, ==, found == SVIRT_FOUND_OBJECT);
    if (ret_path != NULL) {
        *ret_path = object == NULL ? NULL : g_strdup(object->shown_path);
    }
    return found;
}

static char *
make_file(const char *dir, const char *name)
{
    char *path = g_build_filename(dir, name, NULL);

    g_assert_true(g_file_set_contents(path, "x", -1, NULL));
    return path;
}

/* The ids are the same: the test would prove nothing otherwise. */
static void
assert_same_id(const Tree *tree)
{
    SVIRT_AUTO_FD low = open(tree->low, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    SVIRT_AUTO_FD over = open(tree->over, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    SvirtIdentity a, b;

    g_assert_true(svirt_identity_read(low, &a, NULL));
    g_assert_true(svirt_identity_read(over, &b, NULL));
    g_assert_cmpuint(a.fsid, ==, b.fsid);
    g_assert_cmpuint(a.fsid, !=, 0);
}

typedef enum Fate {
    FATE_MOVED,
    FATE_DELETED,
    FATE_UNMOUNTED,
} Fate;

typedef struct Row {
    const char *name;
    bool over; /* made on the overlay, else on the file system below it */
    Fate fate;
    SvirtFound found;
} Row;

/* An overlay names files by handles that nobody opens: moved on it they are
 * not known, and its "stale" says nothing of a file system that is away. */
static const Row rows[] = {
    { "moved-below-an-overlay-is-found", false, FATE_MOVED,
      SVIRT_FOUND_OBJECT },
    { "deleted-below-an-overlay-is-gone", false, FATE_DELETED,
      SVIRT_FOUND_GONE },
    { "moved-on-an-overlay-is-not-gone", true, FATE_MOVED,
      SVIRT_FOUND_MOVED },
    { "with-the-file-system-unmounted", false, FATE_UNMOUNTED,
      SVIRT_FOUND_MOVED },
};

static void
meet(const Tree *tree, Fate fate, const char *path, const char *moved)
{
    switch (fate) {
    case FATE_MOVED:
        g_assert_cmpint(g_rename(path, moved), ==, 0);
        break;
    case FATE_DELETED:
        g_assert_cmpint(g_unlink(path), ==, 0);
        break;
    case FATE_UNMOUNTED:
        g_assert_cmpint(umount2(tree->low, 0), ==, 0);
        break;
    }
}

static void
test_beside_an_overlay(Fixture *fixture, const void *data)
{
    const Row *row = data;
    Tree tree;
    g_autofree char *path = NULL;
    g_autofree char *moved = NULL;
    g_autofree char *now = NULL;
    SvirtIdentity identity;
    const char *dir;

    if (fixture_lacks_root() || !tree_make(fixture, &tree)) {
        return;
    }
    assert_same_id(&tree);
    dir = row->over ? tree.over : tree.low;
    path = make_file(dir, "disk");
    moved = g_build_filename(dir, "moved", NULL);
    identity = identity_of(path);
    g_assert_cmpint(find(&identity, path, NULL), ==, SVIRT_FOUND_OBJECT);
    meet(&tree, row->fate, path, moved);
    g_assert_cmpint(find(&identity, path, &now), ==, row->found);
    g_assert_cmpstr(now, ==,
                    row->found == SVIRT_FOUND_OBJECT ? moved : NULL);
    tree_free(&tree);
}

/* A mount that another one hides does not answer for its file system. */
static void
test_a_hidden_mount_hides_nothing(Fixture *fixture, const void *data)
{
    g_autofree char *hidden = NULL;
    g_autofree char *shown = NULL;
    g_autofree char *path = NULL;
    g_autofree char *moved = NULL;
    SvirtIdentity identity;

    (void)data;
    if (fixture_lacks_root()) {
        return;
    }
    hidden = make_dir(fixture->dir, "hidden");
    shown = make_dir(fixture->dir, "shown");
    g_assert_cmpint(mount("none", hidden, "tmpfs", 0, NULL), ==, 0);
    g_assert_cmpint(mount(hidden, shown, NULL, MS_BIND, NULL), ==, 0);
    g_assert_cmpint(mount("none", hidden, "tmpfs", 0, NULL), ==, 0);
    path = make_file(shown, "disk");
    identity = identity_of(path);
    moved = g_build_filename(shown, "moved", NULL);
    g_assert_cmpint(g_rename(path, moved), ==, 0);
    g_assert_cmpint(find(&identity, path, NULL), ==, SVIRT_FOUND_OBJECT);
    g_assert_cmpint(umount2(hidden, 0), ==, 0);
    g_assert_cmpint(umount2(hidden, 0), ==, 0);
    g_assert_cmpint(umount2(shown, 0), ==, 0);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    fixture_unshare_mounts();
    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *name =
            g_strdup_printf("/compartment/object-find/%s", rows[i].name);

        g_test_add(name, Fixture, &rows[i], fixture_set_up,
                   test_beside_an_overlay, fixture_tear_down);
    }
    FIXTURE_TEST("/compartment/object-find/a-hidden-mount-hides-nothing",
                 test_a_hidden_mount_hides_nothing);
    return g_test_run();
}
