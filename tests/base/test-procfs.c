/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/procfs.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"

static void
test_opens_the_root(void)
{
    SVIRT_AUTO_FD procfs = svirt_procfs_open();
    SVIRT_AUTO_FD status = -1;

    g_assert_cmpint(procfs, >=, 0);
    status = svirt_procfs_open_at(procfs, "self/status", O_RDONLY);
    g_assert_cmpint(status, >=, 0);
    g_assert_cmpint(svirt_procfs_open_at(procfs, "self/root", O_PATH), ==,
                    -1);
    g_assert_cmpint(svirt_procfs_open_at(procfs, "self/fd/0", O_PATH), ==,
                    -1);
    g_assert_cmpint(svirt_procfs_open_at(procfs, "../etc", O_PATH), ==, -1);
}

static void
test_writes_an_attribute(void)
{
    SVIRT_AUTO_FD procfs = svirt_procfs_open();
    SVIRT_AUTO_FD file =
        svirt_procfs_open_attribute(procfs, "no-such-file", "comm");
    SVIRT_AUTO_FD thread = svirt_procfs_open_thread(procfs, getpid(),
                                                    getpid());
    char text[32];
    char *large = g_strnfill(5000, 'x');

    g_assert_cmpint(file, >=, 0);
    g_assert_true(svirt_procfs_write_attribute(file, "a ", "label"));
    g_assert_cmpint(svirt_read_small(thread, "comm", text, sizeof(text)), ==,
                    8);
    g_assert_cmpstr(text, ==, "a label\n");
    g_assert_false(svirt_procfs_write_attribute(file, NULL, large));
    g_assert_cmpint(errno, ==, E2BIG);
    g_assert_cmpint(svirt_procfs_open_attribute(procfs, "no-such-file", NULL),
                    ==, -1);
    g_assert_cmpint(errno, ==, ENOENT);
    g_free(large);
}

/* In a mount namespace of its own; `code` says what was found. */
static int
in_child(int (*run)(void))
{
    int status = 0;
    pid_t pid = fork();

    if (pid == 0) {
        if (unshare(CLONE_NEWNS) != 0 ||
            mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) {
            _exit(77);
        }
        _exit(run());
    }
    g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
    g_assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* CVE-2025-52881: a harmless file of procfs stands where the attribute was. */
static int
redirect_attribute(void)
{
    SVIRT_AUTO_FD procfs = -1;
    char path[64];

    (void)snprintf(path, sizeof(path), "/proc/%d/task/%d/comm", getpid(),
                   getpid());
    if (mount("/proc/sys/kernel/hostname", path, NULL, MS_BIND, NULL) != 0) {
        return 77;
    }
    procfs = svirt_procfs_open();
    return procfs >= 0 &&
           svirt_procfs_open_attribute(procfs, "comm", NULL) == -1 &&
           errno == EXDEV ? 0 : 1;
}

static int
cover_by_tmpfs(void)
{
    if (mount("tmpfs", "/proc", "tmpfs", 0, NULL) != 0) {
        return 77;
    }
    return svirt_procfs_open() == -1 && errno == ENOSYS ? 0 : 1;
}

static int
cover_by_a_part(void)
{
    if (mount("/proc/self", "/proc", NULL, MS_BIND, NULL) != 0) {
        return 77;
    }
    return svirt_procfs_open() == -1 && errno == ENOSYS ? 0 : 1;
}

static void
test_refuses_what_is_mounted_over(void)
{
    static const struct {
        const char *name;
        int (*run)(void);
    } cases[] = {
        { "attribute-redirected", redirect_attribute },
        { "tmpfs-over-proc", cover_by_tmpfs },
        { "part-of-proc-over-proc", cover_by_a_part },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        int code = in_child(cases[i].run);

        g_test_message("%s: %d", cases[i].name, code);
        if (code == 77) {
            g_test_skip("needs root: mounts");
            return;
        }
        g_assert_cmpint(code, ==, 0);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/base/procfs/opens-the-root", test_opens_the_root);
    g_test_add_func("/base/procfs/writes-an-attribute",
                    test_writes_an_attribute);
    g_test_add_func("/base/procfs/refuses-what-is-mounted-over",
                    test_refuses_what_is_mounted_over);
    return g_test_run();
}
