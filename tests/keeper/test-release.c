/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "keeper/programs.h"
#include "keeper/release.h"

typedef struct Run {
    char *top;
    int top_fd;
    int fd;
    SvirtUuid uuid;
    char text[SVIRT_UUID_TEXT];
} Run;

static void
setup(Run *run, gconstpointer unused)
{
    svirt_uuid_generate(&run->uuid);
    svirt_uuid_format(&run->uuid, run->text);
    run->top = g_dir_make_tmp("svirt-release-XXXXXX", NULL);
    run->top_fd = open(run->top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    g_assert_no_errno(mkdirat(run->top_fd, run->text, 0700));
    run->fd = openat(run->top_fd, run->text, O_RDONLY | O_DIRECTORY |
                     O_CLOEXEC);
    g_assert_no_errno(run->fd);
}

static void
teardown(Run *run, gconstpointer unused)
{
    (void)close(run->fd);
    (void)unlinkat(run->top_fd, run->text, AT_REMOVEDIR);
    (void)close(run->top_fd);
    g_assert_no_errno(g_rmdir(run->top));
    g_free(run->top);
}

static void
make_file(int dir_fd, const char *name)
{
    SVIRT_AUTO_FD fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_CLOEXEC,
                              0600);

    g_assert_no_errno(fd);
}

static bool
is_there(const Run *run)
{
    struct stat st;

    return fstatat(run->top_fd, run->text, &st, 0) == 0;
}

static void
test_files_and_directory_go(Run *run, gconstpointer unused)
{
    for (int i = 0; i < 300; i++) { /* more than one block of entries */
        g_autofree char *name = g_strdup_printf("a-file-with-a-name-%d", i);

        make_file(run->fd, name);
    }
    g_assert_no_errno(mkdirat(run->fd, "empty", 0700));
    g_assert_no_errno(symlinkat("/etc/passwd", run->fd, "link"));
    g_assert_true(svirt_release_run_dir(run->fd, &run->uuid));
    g_assert_false(is_there(run));
    g_assert_cmpint(access("/etc/passwd", F_OK), ==, 0);
}

static void
test_another_directory_of_that_name_stays(Run *run, gconstpointer unused)
{
    g_assert_no_errno(renameat(run->top_fd, run->text, run->top_fd, "moved"));
    g_assert_no_errno(mkdirat(run->top_fd, run->text, 0700));
    g_assert_false(svirt_release_run_dir(run->fd, &run->uuid));
    g_assert_cmpint(errno, ==, ESTALE);
    g_assert_true(is_there(run));
    g_assert_no_errno(unlinkat(run->top_fd, "moved", AT_REMOVEDIR));
}

static void
test_a_full_subdirectory_is_an_error(Run *run, gconstpointer unused)
{
    g_assert_no_errno(mkdirat(run->fd, "full", 0700));
    make_file(run->fd, "full/file");
    g_assert_false(svirt_release_run_dir(run->fd, &run->uuid));
    g_assert_cmpint(errno, ==, ENOTEMPTY);
    g_assert_no_errno(unlinkat(run->fd, "full/file", 0));
    g_assert_true(svirt_release_run_dir(run->fd, &run->uuid));
}

static void
test_no_cgroup_is_nothing_to_do(void)
{
    SvirtUuid uuid;

    svirt_uuid_generate(&uuid);
    g_assert_true(svirt_release_cgroups(-1, &uuid, 1000));
}

/* This test lies in a build tree, beside the folder of fake-vmm. */
static void
test_programs_are_found_beside_this_one(void)
{
    g_autofree char *self = g_file_read_link("/proc/self/exe", NULL);
    g_autofree char *dir = g_path_get_dirname(self);
    g_autofree char *want = g_build_filename(dir, "fake-vmm", NULL);
    char path[PATH_MAX];

    g_assert_true(svirt_program_path("keeper", "fake-vmm", path,
                                     sizeof(path)));
    g_assert_cmpstr(path, ==, want);
    g_assert_false(svirt_program_path("keeper", "no-such-program", path,
                                      sizeof(path)));
    g_assert_cmpint(errno, ==, ENOENT);
    g_assert_false(svirt_program_path("keeper", "fake-vmm", path, 10));
    g_assert_cmpint(errno, ==, ENAMETOOLONG);
    g_assert_false(svirt_program_path("keeper", ".", path, sizeof(path)));
    g_assert_cmpint(errno, ==, EACCES);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add("/keeper/release/files-and-directory-go", Run, NULL, setup,
               test_files_and_directory_go, teardown);
    g_test_add("/keeper/release/another-directory-of-that-name-stays", Run,
               NULL, setup, test_another_directory_of_that_name_stays,
               teardown);
    g_test_add("/keeper/release/a-full-subdirectory-is-an-error", Run, NULL,
               setup, test_a_full_subdirectory_is_an_error, teardown);
    g_test_add_func("/keeper/release/no-cgroup-is-nothing-to-do",
                    test_no_cgroup_is_nothing_to_do);
    g_test_add_func("/keeper/programs/are-found-beside-this-one",
                    test_programs_are_found_beside_this_one);
    return g_test_run();
}
