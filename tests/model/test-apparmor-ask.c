/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "model/apparmor-kernel.h"

/*
 * The kernel's file of questions, which keeps one answer: what the last
 * question deserves. Every other file is itself.
 */
static int asked_fd = -1;
static char answer[32];

ssize_t
pwrite(int fd, const void *bytes, size_t size, off_t offset)
{
    if (fd != asked_fd) {
        return syscall(SYS_pwrite64, fd, bytes, size, offset);
    }
    /* "label", the profile's name: its first letter tells. */
    (void)g_snprintf(answer, sizeof(answer), "allow 0x%x",
                     (unsigned)((const char *)bytes)[sizeof("label")]);
    return (ssize_t)size;
}

ssize_t
pread(int fd, void *bytes, size_t size, off_t offset)
{
    if (fd != asked_fd) {
        return syscall(SYS_pread64, fd, bytes, size, offset);
    }
    g_usleep(50); /* the other's turn */
    (void)g_strlcpy(bytes, answer, size);
    return (ssize_t)strlen(bytes);
}

typedef struct Asking {
    const SvirtApparmor *apparmor;
    const char *name;
    unsigned wrong;
} Asking;

static void *
ask_often(void *data)
{
    Asking *asking = data;

    for (int i = 0; i < 200; i++) {
        uint32_t allow = 0;
        bool known = false;

        if (!svirt_apparmor_ask(asking->apparmor, asking->name, "k", 1,
                                &known, &allow, NULL) ||
            !known || allow != (uint32_t)asking->name[0]) {
            asking->wrong++;
        }
    }
    return NULL;
}

static void
test_threads_get_their_own_answers(void)
{
    SVIRT_AUTO_FD file = open("/dev/null", O_RDWR | O_CLOEXEC);
    const SvirtApparmor apparmor = { -1, -1, file, -1 };
    Asking one = { &apparmor, "one", 0 };
    Asking other = { &apparmor, "two", 0 };
    GThread *thread;

    asked_fd = file;
    thread = g_thread_new("asks", ask_often, &other);
    (void)ask_often(&one);
    (void)g_thread_join(thread);
    asked_fd = -1;
    g_assert_cmpuint(one.wrong + other.wrong, ==, 0);
}

/* A process whose label cannot be read may be the one that is looked for. */
static void
test_find_process(void)
{
    g_autofree char *top = g_dir_make_tmp("procfs.XXXXXX", NULL);
    g_autofree char *first = g_build_filename(top, "11/attr/apparmor", NULL);
    g_autofree char *label = g_build_filename(first, "current", NULL);
    g_autofree char *second = g_build_filename(top, "12/attr/apparmor", NULL);
    g_autofree char *directory = g_build_filename(second, "current", NULL);
    SVIRT_AUTO_FD procfs = open(top, O_PATH | O_DIRECTORY | O_CLOEXEC);
    g_autoptr(GError) error = NULL;
    g_autofree char *remove = g_strdup_printf("rm -r '%s'", top);
    int pid = -1;

    g_assert_cmpint(g_mkdir_with_parents(first, 0700), ==, 0);
    g_assert_true(g_file_set_contents(label, "svirt-a//monitor (enforce)\n",
                                      -1, NULL));
    g_assert_true(svirt_apparmor_find_process(procfs, "svirt-a", &pid, NULL));
    g_assert_cmpint(pid, ==, 11);
    g_assert_true(svirt_apparmor_find_process(procfs, "svirt", &pid, NULL));
    g_assert_cmpint(pid, ==, 0);
    g_assert_cmpint(g_mkdir_with_parents(directory, 0700), ==, 0);
    pid = -1;
    g_assert_false(svirt_apparmor_find_process(procfs, "svirt", &pid,
                                               &error));
    g_assert_error(error, SVIRT_ERROR, SVIRT_ERROR_SYSTEM);
    g_assert_cmpint(pid, ==, -1);
    g_assert_true(g_spawn_command_line_sync(remove, NULL, NULL, NULL, NULL));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/apparmor/ask/threads-get-their-own-answers",
                    test_threads_get_their_own_answers);
    g_test_add_func("/apparmor/ask/unreadable-process-may-be-it",
                    test_find_process);
    return g_test_run();
}
