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

static void
test_moved_below_an_overlay_is_found(Fixture *fixture, const void *data)
{
    Tree tree;
    g_autofree char *path = NULL;
    g_autofree char *moved = NULL;
    g_autofree char *now = NULL;
    SvirtIdentity identity;

    (void)data;
    if (fixture_lacks_root() || !tree_make(fixture, &tree)) {
        return;
    }
    assert_same_id(&tree);
    path = make_file(tree.low, "disk");
    identity = identity_of(path);
    moved = g_build_filename(tree.low, "moved", NULL);
    g_assert_cmpint(g_rename(path, moved), ==, 0);
    g_assert_cmpint(find(&identity, path, &now), ==, SVIRT_FOUND_OBJECT);
    g_assert_cmpstr(now, ==, moved);
    tree_free(&tree);
}

static void
test_deleted_below_an_overlay_is_gone(Fixture *fixture, const void *data)
{
    Tree tree;
    g_autofree char *path = NULL;
    SvirtIdentity identity;

    (void)data;
    if (fixture_lacks_root() || !tree_make(fixture, &tree)) {
        return;
    }
    path = make_file(tree.low, "disk");
    identity = identity_of(path);
    g_assert_cmpint(g_unlink(path), ==, 0);
    g_assert_cmpint(find(&identity, path, NULL), ==, SVIRT_FOUND_GONE);
    tree_free(&tree);
}

/* An overlay names files by handles that nobody opens: it is not known. */
static void
test_moved_on_an_overlay_is_not_gone(Fixture *fixture, const void *data)
{
    Tree tree;
    g_autofree char *path = NULL;
    g_autofree char *moved = NULL;
    SvirtIdentity identity;

    (void)data;
    if (fixture_lacks_root() || !tree_make(fixture, &tree)) {
        return;
    }
    path = make_file(tree.over, "disk");
    identity = identity_of(path);
    g_assert_cmpint(find(&identity, path, NULL), ==, SVIRT_FOUND_OBJECT);
    moved = g_build_filename(tree.over, "moved", NULL);
    g_assert_cmpint(g_rename(path, moved), ==, 0);
    g_assert_cmpint(find(&identity, path, NULL), ==, SVIRT_FOUND_MOVED);
    tree_free(&tree);
}

/* The overlay alone has the id: its "stale" says nothing. */
static void
test_with_the_file_system_unmounted(Fixture *fixture, const void *data)
{
    Tree tree;
    g_autofree char *path = NULL;
    SvirtIdentity identity;

    (void)data;
    if (fixture_lacks_root() || !tree_make(fixture, &tree)) {
        return;
    }
    path = make_file(tree.low, "disk");
    identity = identity_of(path);
    g_assert_cmpint(umount2(tree.low, 0), ==, 0);
    g_assert_cmpint(find(&identity, path, NULL), ==, SVIRT_FOUND_MOVED);
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
    FIXTURE_TEST("/compartment/object-find/moved-below-an-overlay-is-found",
                 test_moved_below_an_overlay_is_found);
    FIXTURE_TEST("/compartment/object-find/deleted-below-an-overlay-is-gone",
                 test_deleted_below_an_overlay_is_gone);
    FIXTURE_TEST("/compartment/object-find/moved-on-an-overlay-is-not-gone",
                 test_moved_on_an_overlay_is_not_gone);
    FIXTURE_TEST("/compartment/object-find/with-the-file-system-unmounted",
                 test_with_the_file_system_unmounted);
    FIXTURE_TEST("/compartment/object-find/a-hidden-mount-hides-nothing",
                 test_a_hidden_mount_hides_nothing);
    return g_test_run();
}
