/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "compartment/object-bounded.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <linux/openat2.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "compartment/object-find.h"
#include "compartment/relabel-apply.h"
#include "fixture.h"
#include "fuse-server.h"
#include "state/objects.h"

#define STATIC                                                               \
    "<seclabel model='dac' type='static' relabel='yes'>"                     \
    "<label>+107:+108</label></seclabel>"

/* A file system of FUSE's below the fixture's directory, and its server. */
typedef struct Served {
    char *directory;
    char *file;
    char *stall; /* made: it answers no more */
    pid_t server;
} Served;

/* False: skipped, with the fact that lacks. */
static bool
serve(const Fixture *fixture, Served *ret)
{
    int pipe_fds[2];
    char byte;

    *ret = (Served){ g_build_filename(fixture->dir, "served", NULL),
                     g_build_filename(fixture->dir, "served",
                                      FUSE_SERVER_FILE, NULL),
                     g_build_filename(fixture->dir, "stall", NULL), -1 };
    g_assert_cmpint(g_mkdir(ret->directory, 0755), ==, 0);
    g_assert_cmpint(pipe2(pipe_fds, O_CLOEXEC), ==, 0);
    ret->server = fork();
    if (ret->server == 0) {
        (void)close(pipe_fds[0]);
        _exit(fuse_serve(ret->directory, ret->stall, pipe_fds[1]));
    }
    (void)close(pipe_fds[1]);
    if (read(pipe_fds[0], &byte, 1) != 1) {
        g_test_skip("needs /dev/fuse");
        ret->server = 0;
    }
    (void)close(pipe_fds[0]);
    return ret->server > 0;
}

static void
served_free(Served *served)
{
    if (served->server > 0) {
        /* What waits for it fails then. */
        (void)kill(served->server, SIGKILL);
        (void)waitpid(served->server, NULL, 0);
    }
    (void)umount2(served->directory, MNT_DETACH);
    g_free(served->directory);
    g_free(served->file);
    g_free(served->stall);
}

static void
open_is_late(SvirtMounts *mounts, const char *path, const char *words)
{
    g_autoptr(SvirtObject) object = NULL;
    g_autoptr(GError) error = NULL;

    svirt_object_open_bounded(mounts, path, NULL, SVIRT_OBJECT_WANT_DISK,
                              &object, &error);
    g_assert_error(error, SVIRT_ERROR, SVIRT_ERROR_TIMEOUT);
    g_assert_nonnull(strstr(error->message, words));
    g_assert_null(object);
}

static void
test_opens(Fixture *fixture, const void *data)
{
    g_autofree char *path = fixture_file(fixture, "disk", "x");
    g_autofree char *missing = g_strconcat(path, "-", NULL);
    g_autoptr(SvirtMounts) mounts = NULL;
    g_autoptr(SvirtObject) plain = fixture_open(path);
    g_autoptr(SvirtObject) object = NULL;
    g_autoptr(GError) error = NULL;

    (void)data;
    g_assert_true(svirt_mounts_read(&mounts, NULL));
    g_assert_true(svirt_object_open_bounded(mounts, path, NULL,
                                            SVIRT_OBJECT_WANT_DISK, &object,
                                            &error));
    g_assert_true(svirt_identity_same(&object->identity, &plain->identity));
    g_clear_pointer(&object, svirt_object_free);
    /* What the kernel has not in mind, a child looks up. */
    g_assert_false(svirt_object_open_bounded(mounts, missing, NULL,
                                             SVIRT_OBJECT_WANT_DISK, &object,
                                             &error));
    g_assert_error(error, SVIRT_ERROR, SVIRT_ERROR_NOT_FOUND);
    g_clear_error(&error);
    g_assert_false(svirt_object_open_bounded(mounts, fixture->dir, NULL,
                                             SVIRT_OBJECT_WANT_DISK, &object,
                                             &error));
    g_assert_error(error, SVIRT_ERROR, SVIRT_ERROR_REFUSED);
    g_assert_cmpuint(mounts->stalls, ==, 0);
}

static void
test_asks_fuse_nothing(Fixture *fixture, const void *data)
{
    g_autoptr(SvirtMounts) before = NULL;
    g_autoptr(SvirtMounts) mounts = NULL;
    SVIRT_AUTO_FD open_file = -1;
    Served served;

    (void)data;
    g_assert_true(svirt_mounts_read(&before, NULL));
    if (fixture_lacks_root() || !serve(fixture, &served)) {
        return;
    }
    g_assert_true(svirt_mounts_read(&mounts, NULL));
    open_file = open(served.file, O_RDWR | O_CLOEXEC);
    g_assert_cmpint(open_file, >=, 0);
    open_is_late(mounts, served.file, "lies on FUSE");
    g_assert_cmpuint(mounts->stalls, ==, 0);
    /* What was mounted since is not known not to be. */
    open_is_late(before, served.file, "lies on FUSE");
    for (unsigned i = 0; i < mounts->rows->len; i++) {
        const SvirtMount *mount = mounts->rows->pdata[i];

        if (strcmp(mount->mountpoint, served.directory) == 0) {
            g_assert_true(svirt_mount_is_fuse(mount));
            g_assert_cmpint(svirt_mount_open_bounded(mounts, mount), <, 0);
        }
    }
    served_free(&served);
}

/* Not where a file system on the way has its names confirmed each time. */
static bool
is_in_mind(const char *path)
{
    struct open_how how = { .flags = O_PATH | O_CLOEXEC, .resolve = 0x20 };
    SVIRT_AUTO_FD fd =
        (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));

    return fd >= 0;
}

static void
test_gives_up(Fixture *fixture, const void *data)
{
    g_autofree char *path = fixture_file(fixture, "plain", "x");
    g_autoptr(SvirtMounts) mounts = NULL;
    g_autoptr(SvirtObject) plain = fixture_open(path);
    g_autoptr(SvirtObject) object = NULL;
    g_autoptr(GError) error = NULL;
    SvirtFound found = SVIRT_FOUND_GONE;
    Served served;

    (void)data;
    if (fixture_lacks_root() || !serve(fixture, &served)) {
        return;
    }
    g_assert_true(svirt_mounts_read(&mounts, NULL));
    g_assert_true(g_file_set_contents(served.stall, "", 0, NULL));
    open_is_late(mounts, served.file, "does not answer");
    for (unsigned i = 1; i < 40; i++) {
        g_assert_cmpuint(mounts->stalls, ==, i);
        open_is_late(mounts, served.file, "does not answer");
    }
    /* A record whose path now leads there. */
    g_assert_true(svirt_object_find(mounts, &plain->identity, served.file,
                                    &found, &object, &error));
    g_assert_no_error(error);
    g_assert_cmpint(found, !=, SVIRT_FOUND_GONE);
    g_clear_pointer(&object, svirt_object_free);
    /* What is in mind is opened still. */
    if (is_in_mind(path)) {
        (void)svirt_object_open_bounded(mounts, path, NULL,
                                        SVIRT_OBJECT_WANT_DISK, &object,
                                        &error);
        g_assert_no_error(error);
    } else {
        g_test_message("below an overlay's root nothing is in mind");
    }
    served_free(&served);
}

/* A start that failed: the host's state is locked while it takes back. */
static void
test_revert_asks_fuse_nothing(Fixture *fixture, const void *data)
{
    g_autofree char *path = fixture_file(fixture, "plain", "x");
    g_autofree char *before = fixture_labels(path);
    g_autofree char *after = NULL;
    g_autoptr(SvirtCompartment) compartment = NULL;
    g_autoptr(SvirtObject) plain = fixture_open(path);
    g_autoptr(SvirtObject) object = NULL;
    g_autoptr(SvirtRelabelPlan) plan = NULL;
    g_autoptr(GError) error = NULL;
    SvirtRelabelItem items[2];
    int64_t id;
    Served served;

    (void)data;
    if (fixture_lacks_root() || !serve(fixture, &served)) {
        return;
    }
    object = fixture_open(served.file);
    items[0] = fixture_disk(plain);
    items[1] = fixture_disk(object);
    compartment = fixture_compartment(fixture, "web", TEST_UUID_A, STATIC);
    svirt_relabel_plan_new(compartment, items, 2, &plan, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(plan->steps->len, ==, 2);
    g_assert_true(svirt_state_begin(fixture->state, &error));
    for (unsigned i = 0; i < 2; i++) {
        const SvirtRelabelStep *step = plan->steps->pdata[i];

        g_assert_true(svirt_objects_remember(
            fixture->state, &step->object->identity,
            step->object->shown_path, step->model->kind, &plan->owner,
            step->current, step->wanted, &id, &error));
    }
    g_assert_true(svirt_state_commit(fixture->state, &error));
    g_assert_cmpint(chown(path, 107, 108), ==, 0);
    g_assert_true(g_file_set_contents(served.stall, "", 0, NULL));
    g_assert_false(svirt_relabel_revert(fixture->state, plan, &error));
    g_assert_error(error, SVIRT_ERROR, SVIRT_ERROR_TIMEOUT);
    after = fixture_labels(path);
    g_assert_cmpstr(after, ==, before);
    served_free(&served);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    fixture_unshare_mounts();
    FIXTURE_TEST("/compartment/object-bounded/opens-as-the-unbounded-does",
                 test_opens);
    FIXTURE_TEST("/compartment/object-bounded/asks-fuse-nothing",
                 test_asks_fuse_nothing);
    FIXTURE_TEST("/compartment/object-bounded/gives-up-a-lookup",
                 test_gives_up);
    FIXTURE_TEST("/compartment/object-bounded/revert-asks-fuse-nothing",
                 test_revert_asks_fuse_nothing);
    return g_test_run();
}
