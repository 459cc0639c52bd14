/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "keeper/message.h"
#include "keeper/status.h"

static const SvirtUuid uuid = { { 0xc7, 0xa5, 0xfd, 0xbd, 0xed, 0xaf, 0x94,
                                  0x55, 0x92, 0x6a, 0xd6, 0x5c, 0x16, 0xdb,
                                  0x18, 0x09 } };

static int
make_status(SvirtRunStatus *status)
{
    g_autofree char *path = NULL;
    int fd = g_file_open_tmp("svirt-status-XXXXXX", &path, NULL);

    g_assert_no_errno(fd);
    (void)g_unlink(path);
    svirt_run_status_init(status, &uuid, "web");
    status->id = 3;
    status->process[SVIRT_PROCESS_VMM].pid = 1;
    status->process[SVIRT_PROCESS_VMM].start_time = 77;
    g_assert_true(svirt_run_status_write(fd, status));
    return fd;
}

static void
test_what_is_written_is_read(void)
{
    SvirtRunStatus status, again;
    SVIRT_AUTO_FD fd = make_status(&status);

    g_assert_true(svirt_run_status_read_fd(fd, &again));
    g_assert_cmpmem(&status, sizeof(status), &again, sizeof(again));
    g_assert_cmpuint(again.sequence, ==, 1);
    g_assert_cmpstr(again.name, ==, "web");
}

/* A field out of bounds, with a checksum that is right. */
static const struct {
    const char *name;
    size_t offset;
    uint8_t byte;
} rows[] = {
    { "magic", offsetof(SvirtRunStatus, magic), 0xff },
    { "version", offsetof(SvirtRunStatus, version), 0xff },
    { "state", offsetof(SvirtRunStatus, state), 0xff },
    { "reason", offsetof(SvirtRunStatus, reason), 0xff },
    { "flags", offsetof(SvirtRunStatus, flags) + 3, 0xff },
    { "waived", offsetof(SvirtRunStatus, waived_layers) + 1, 0xff },
    { "lacking", offsetof(SvirtRunStatus, lacking_layers) + 1, 0xff },
    { "vmm-pid", offsetof(SvirtRunStatus, process) + 3, 0xff },
    { "keeper-pid", offsetof(SvirtRunStatus, keeper) + 3, 0xff },
    { "name-empty", offsetof(SvirtRunStatus, name), 0 },
};

static void
test_row(gconstpointer data)
{
    unsigned row = GPOINTER_TO_UINT(data);
    SvirtRunStatus status, untouched;
    SVIRT_AUTO_FD fd = make_status(&status);

    ((uint8_t *)&status)[rows[row].offset] = rows[row].byte;
    g_assert_true(svirt_run_status_write(fd, &status));
    memset(&untouched, 'u', sizeof(untouched));
    g_assert_false(svirt_run_status_read_fd(fd, &untouched));
    g_assert_cmpint(errno, ==, EPROTO);
    g_assert_cmpint(*(char *)&untouched, ==, 'u');
}

/* Pids that live, but as somebody else's: the file outlived its kernel. */
static void
test_another_boot_has_ended(void)
{
    SvirtRunStatus status, again;
    SVIRT_AUTO_FD fd = make_status(&status);

    status.process[SVIRT_PROCESS_VMM].pid = getpid();
    g_assert_true(svirt_process_start_time(
        getpid(), &status.process[SVIRT_PROCESS_VMM].start_time));
    status.keeper = status.process[SVIRT_PROCESS_VMM];
    status.state = SVIRT_GUEST_RUNNING;
    g_strlcpy(status.cgroup[0], "/somewhere", sizeof(status.cgroup[0]));
    g_assert_true(svirt_run_status_write(fd, &status));
    g_assert_true(svirt_run_status_read_fd(fd, &again));
    g_assert_true(
        svirt_run_process_alive(&again.process[SVIRT_PROCESS_VMM]));
    g_assert_cmpuint(again.state, ==, SVIRT_GUEST_RUNNING);
    status.boot.bytes[0] ^= 1;
    g_assert_true(svirt_run_status_write(fd, &status));
    g_assert_true(svirt_run_status_read_fd(fd, &again));
    g_assert_cmpint(again.process[SVIRT_PROCESS_VMM].pid, ==, 0);
    g_assert_cmpint(again.keeper.pid, ==, 0);
    g_assert_cmpuint(again.state, ==, SVIRT_GUEST_SHUT_OFF);
    g_assert_cmpstr(again.cgroup[0], ==, "");
    g_assert_cmpstr(again.name, ==, "web");
}

static void
test_names_must_end(void)
{
    SvirtRunStatus status;
    SVIRT_AUTO_FD fd = make_status(&status);

    memset(status.name, 'x', sizeof(status.name));
    g_assert_true(svirt_run_status_write(fd, &status));
    g_assert_false(svirt_run_status_read_fd(fd, &status));
    svirt_run_status_init(&status, &uuid, "web");
    memset(status.cgroup[1], 'x', sizeof(status.cgroup[1]));
    g_assert_true(svirt_run_status_write(fd, &status));
    g_assert_false(svirt_run_status_read_fd(fd, &status));
}

static void
test_every_flipped_byte_is_found(void)
{
    SvirtRunStatus status, again;
    SVIRT_AUTO_FD fd = make_status(&status);

    /* Each costs the reader's patience. */
    for (size_t i = 0; i < sizeof(status); i += 19) {
        uint8_t byte = ((uint8_t *)&status)[i] ^ 0x10;

        g_assert_cmpint(pwrite(fd, &byte, 1, (off_t)i), ==, 1);
        g_assert_false(svirt_run_status_read_fd(fd, &again));
        g_assert_cmpint(errno, ==, EPROTO);
        g_assert_cmpint(pwrite(fd, &((uint8_t *)&status)[i], 1, (off_t)i), ==,
                        1);
    }
    g_assert_true(svirt_run_status_read_fd(fd, &again));
}

static void
test_a_short_file_is_damaged(void)
{
    SvirtRunStatus status;
    SVIRT_AUTO_FD fd = make_status(&status);

    g_assert_no_errno(ftruncate(fd, sizeof(status) - 1));
    g_assert_false(svirt_run_status_read_fd(fd, &status));
    g_assert_cmpint(errno, ==, EPROTO);
}

/* A writer that never stops, and is killed: every read is whole. */
static void
test_readers_never_see_half_a_write(void)
{
    SvirtRunStatus status, again;
    SVIRT_AUTO_FD fd = make_status(&status);
    uint64_t last = 0;
    pid_t child = fork();

    if (child == 0) {
        for (;;) {
            memset(status.cgroup[0], (int)('a' + status.sequence % 20),
                   sizeof(status.cgroup[0]) - 1);
            (void)svirt_run_status_write(fd, &status);
        }
    }
    for (int i = 0; i < 20000; i++) {
        if (!svirt_run_status_read_fd(fd, &again)) {
            g_assert_cmpint(errno, ==, EAGAIN);
            continue;
        }
        g_assert_cmpuint(again.sequence, >=, last);
        last = again.sequence;
        if (again.cgroup[0][0] != '\0') {
            g_assert_cmpint(again.cgroup[0][0], ==,
                            again.cgroup[0][SVIRT_STATUS_MAX_CGROUP - 2]);
        }
    }
    g_assert_no_errno(kill(child, SIGKILL));
    g_assert_cmpint(waitpid(child, NULL, 0), ==, child);
    g_assert_true(svirt_run_status_read_fd(fd, &again));
    g_assert_cmpuint(last, >, 1);
}

static void
test_a_process_is_known_by_its_start_time(void)
{
    SvirtRunProcess self = { .pid = getpid() };
    SvirtRunProcess other;

    g_assert_true(svirt_process_start_time(self.pid, &self.start_time));
    g_assert_true(svirt_run_process_alive(&self));
    SVIRT_AUTO_FD pidfd = svirt_run_process_open(&self);
    g_assert_cmpint(pidfd, >=, 0);
    other = self;
    other.start_time++;
    g_assert_false(svirt_run_process_alive(&other));
    g_assert_cmpint(svirt_run_process_open(&other), ==, -1);
    g_assert_cmpint(errno, ==, ESRCH);
    other.pid = 0;
    g_assert_false(svirt_run_process_alive(&other));
}

static void
test_a_zombie_is_not_alive(void)
{
    SvirtRunProcess child = { .pid = fork() };
    siginfo_t info;

    if (child.pid == 0) {
        _exit(0);
    }
    g_assert_true(svirt_process_start_time(child.pid, &child.start_time));
    g_assert_no_errno(waitid(P_PID, (id_t)child.pid, &info,
                             WEXITED | WNOWAIT));
    g_assert_false(svirt_run_process_alive(&child));
    g_assert_cmpint(waitpid(child.pid, NULL, 0), ==, child.pid);
}

static void
test_another_vms_block_is_refused(void)
{
    g_autofree char *top = g_dir_make_tmp("svirt-status-XXXXXX", NULL);
    const char *mine = "c7a5fdbd-edaf-9455-926a-d65c16db1809";
    const char *other = "c7a5fdbd-edaf-9455-926a-d65c16db1810";
    SVIRT_AUTO_FD top_fd = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    SvirtRunStatus status;

    svirt_run_status_init(&status, &uuid, "web");
    for (int i = 0; i < 2; i++) {
        g_autofree char *path = g_strdup_printf("%s/status",
                                                i == 0 ? mine : other);

        g_assert_no_errno(mkdirat(top_fd, i == 0 ? mine : other, 0700));
        SVIRT_AUTO_FD fd = openat(top_fd, path, O_RDWR | O_CREAT, 0600);
        g_assert_true(svirt_run_status_write(fd, &status));
    }
    g_assert_true(svirt_run_status_read(top_fd, mine, &status));
    g_assert_false(svirt_run_status_read(top_fd, other, &status));
    g_assert_cmpint(errno, ==, EPROTO);
    g_assert_false(svirt_run_status_read(top_fd, "../etc", &status));
    g_assert_cmpint(errno, ==, ENOENT);
    for (int i = 0; i < 2; i++) {
        g_autofree char *path = g_build_filename(top, i == 0 ? mine : other,
                                                 "status", NULL);
        g_autofree char *dir = g_path_get_dirname(path);

        (void)g_unlink(path);
        (void)g_rmdir(dir);
    }
    (void)g_rmdir(top);
}

static void
test_fifty_are_listed_in_a_millisecond(void)
{
    g_autofree char *top = g_dir_make_tmp("svirt-status-XXXXXX", NULL);
    SVIRT_AUTO_FD top_fd = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    char texts[50][SVIRT_UUID_TEXT];
    SvirtRunProcess self = { .pid = getpid() };
    int64_t best = G_MAXINT64;

    g_assert_true(svirt_process_start_time(self.pid, &self.start_time));
    for (int i = 0; i < 50; i++) {
        g_autofree char *path = NULL;
        SvirtRunStatus status;
        SvirtUuid one;

        svirt_uuid_generate(&one);
        svirt_uuid_format(&one, texts[i]);
        path = g_strdup_printf("%s/status", texts[i]);
        g_assert_no_errno(mkdirat(top_fd, texts[i], 0700));
        SVIRT_AUTO_FD fd = openat(top_fd, path, O_RDWR | O_CREAT, 0600);
        svirt_run_status_init(&status, &one, "web");
        status.process[SVIRT_PROCESS_VMM] = self;
        g_assert_true(svirt_run_status_write(fd, &status));
    }
    for (int round = 0; round < 20; round++) {
        int64_t before = g_get_monotonic_time();

        for (int i = 0; i < 50; i++) {
            SvirtRunStatus status;

            g_assert_true(svirt_run_status_read(top_fd, texts[i], &status));
            g_assert_true(svirt_run_process_alive(
                &status.process[SVIRT_PROCESS_VMM]));
        }
        best = MIN(best, g_get_monotonic_time() - before);
    }
    g_test_message("50 in %" G_GINT64_FORMAT " us", best);
    g_assert_cmpint(best, <, 1500); /* sanitizers and a busy machine */
    for (int i = 0; i < 50; i++) {
        g_autofree char *path = g_strdup_printf("%s/status", texts[i]);

        (void)unlinkat(top_fd, path, 0);
        (void)unlinkat(top_fd, texts[i], AT_REMOVEDIR);
    }
    (void)g_rmdir(top);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/keeper/status/what-is-written-is-read",
                    test_what_is_written_is_read);
    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path =
            g_strdup_printf("/keeper/status/refuses/%s", rows[i].name);

        g_test_add_data_func(path, GUINT_TO_POINTER(i), test_row);
    }
    g_test_add_func("/keeper/status/another-boot-has-ended",
                    test_another_boot_has_ended);
    g_test_add_func("/keeper/status/names-must-end", test_names_must_end);
    g_test_add_func("/keeper/status/every-flipped-byte-is-found",
                    test_every_flipped_byte_is_found);
    g_test_add_func("/keeper/status/a-short-file-is-damaged",
                    test_a_short_file_is_damaged);
    g_test_add_func("/keeper/status/readers-never-see-half-a-write",
                    test_readers_never_see_half_a_write);
    g_test_add_func("/keeper/status/a-process-is-known-by-its-start-time",
                    test_a_process_is_known_by_its_start_time);
    g_test_add_func("/keeper/status/a-zombie-is-not-alive",
                    test_a_zombie_is_not_alive);
    g_test_add_func("/keeper/status/another-vms-block-is-refused",
                    test_another_vms_block_is_refused);
    g_test_add_func("/keeper/status/fifty-are-listed-in-a-millisecond",
                    test_fifty_are_listed_in_a_millisecond);
    return g_test_run();
}
