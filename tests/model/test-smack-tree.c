/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/smack-tree.h"

#include <glib/gstdio.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../compartment/fuse-server.h"

/* What needs a kernel with Smack is in tests/models/smack-floor.sh. */

/* The server, mounted and asked nothing yet; 0: there is no FUSE. */
static pid_t
serve(const char *directory, const char *stall)
{
    int pipe_fds[2];
    char byte;
    pid_t pid;

    g_assert_cmpint(pipe(pipe_fds), ==, 0);
    pid = fork();
    if (pid == 0) {
        (void)close(pipe_fds[0]);
        _exit(fuse_serve(directory, stall, pipe_fds[1]));
    }
    (void)close(pipe_fds[1]);
    if (read(pipe_fds[0], &byte, 1) != 1) {
        (void)waitpid(pid, NULL, 0);
        pid = 0;
    }
    (void)close(pipe_fds[0]);
    return pid;
}

/* A file system of FUSE's below, whose server never answers. */
static void
test_asks_mounts_nothing(void)
{
    g_autofree char *tree = g_dir_make_tmp("svirt-XXXXXX", NULL);
    g_autofree char *file = g_build_filename(tree, "file", NULL);
    g_autofree char *served = g_build_filename(tree, "served", NULL);
    g_autofree char *stall = g_strconcat(tree, ".stall", NULL);
    g_auto(SvirtSmackTreeCount) count = { .changed = 0 };
    g_autoptr(GError) error = NULL;
    pid_t server;

    if (geteuid() != 0 || unshare(CLONE_NEWNS) != 0 ||
        mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) {
        g_test_skip("needs root");
        return;
    }
    g_assert_true(g_file_set_contents(file, "", 0, NULL));
    g_assert_true(g_file_set_contents(stall, "", 0, NULL));
    g_assert_cmpint(g_mkdir(served, 0755), ==, 0);
    server = serve(served, stall);
    if (server > 0) {
        svirt_smack_tree_label(tree, false, true, &count, &error);
        g_assert_no_error(error);
        g_assert_cmpuint(count.changed, ==, 2);
        g_assert_cmpuint(count.mounts->len, ==, 1);
        g_assert_cmpstr(count.mounts->pdata[0], ==, served);
        (void)kill(server, SIGKILL);
        (void)waitpid(server, NULL, 0);
        (void)umount2(served, MNT_DETACH);
    } else {
        g_test_skip("needs /dev/fuse");
    }
    g_assert_cmpint(g_rmdir(served), ==, 0);
    g_assert_cmpint(g_remove(file), ==, 0);
    g_assert_cmpint(g_remove(stall), ==, 0);
    g_assert_cmpint(g_rmdir(tree), ==, 0);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/model/smack-tree/asks-mounts-nothing",
                    test_asks_mounts_nothing);
    return g_test_run();
}
