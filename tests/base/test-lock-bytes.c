/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/lock-bytes.h"

#include <fcntl.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <unistd.h>

#include "base/fd.h"

/* Two descriptions of one file. */
typedef struct Fixture {
    int first;
    int second;
} Fixture;

static void
set_up(Fixture *fixture, gconstpointer data)
{
    g_autofree char *path = NULL;

    (void)data;
    fixture->first = g_file_open_tmp("svirt-lock-XXXXXX", &path, NULL);
    g_assert_cmpint(fixture->first, >=, 0);
    fixture->second = open(path, O_RDONLY | O_CLOEXEC);
    g_assert_cmpint(fixture->second, >=, 0);
    (void)g_unlink(path);
}

static void
tear_down(Fixture *fixture, gconstpointer data)
{
    (void)data;
    svirt_fd_close(&fixture->first);
    svirt_fd_close(&fixture->second);
}

static const SvirtLockBytes writer = { 0xf, 0xa };
static const SvirtLockBytes reader = { 0x1, 0xa };
static const SvirtLockBytes none = { 0, 0 };

static void
test_held_by_this_description_alone(Fixture *fixture, gconstpointer data)
{
    (void)data;
    g_assert_true(svirt_lock_bytes_held(fixture->first, none));
    g_assert_false(svirt_lock_bytes_held(fixture->first, reader));
    g_assert_cmpint(svirt_lock_bytes_take(fixture->first, writer), ==,
                    SVIRT_LOCK_TAKEN);
    g_assert_true(svirt_lock_bytes_held(fixture->first, writer));
    g_assert_true(svirt_lock_bytes_held(fixture->first, reader));
    g_assert_false(svirt_lock_bytes_held(fixture->second, reader));
    g_assert_true(svirt_lock_bytes_held(fixture->second, none));
}

/* A copy of the descriptor is the same description, in any process. */
static void
test_held_by_a_copy(Fixture *fixture, gconstpointer data)
{
    SVIRT_AUTO_FD copy = fcntl(fixture->first, F_DUPFD_CLOEXEC, 50);
    SVIRT_AUTO_FD self = open("/proc/self", O_RDONLY | O_DIRECTORY);

    (void)data;
    g_assert_cmpint(svirt_lock_bytes_take(fixture->first, writer), ==,
                    SVIRT_LOCK_TAKEN);
    svirt_fd_close(&fixture->first);
    g_assert_true(svirt_lock_bytes_held(copy, writer));
    g_assert_true(svirt_lock_bytes_held_by(self, copy, writer));
    g_assert_false(svirt_lock_bytes_held_by(self, fixture->second, writer));
    g_assert_false(svirt_lock_bytes_held_by(self, 9999, none));
}

static void
test_part_is_not_all(Fixture *fixture, gconstpointer data)
{
    const SvirtLockBytes all = { 0xf, 0xf };
    const struct {
        short type;
        off_t start, length;
        bool held;
    } rows[] = {
        { F_UNLCK, 102, 1, false }, { F_RDLCK, 102, 1, true },
        { F_UNLCK, 203, 1, false }, { F_RDLCK, 150, 0, true },
        { F_UNLCK, 0, 0, false },   { F_WRLCK, 0, 0, true },
    };

    (void)data;
    g_assert_cmpint(svirt_lock_bytes_take(fixture->first, all), ==,
                    SVIRT_LOCK_TAKEN);
    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct flock lock = { .l_type = rows[i].type,
                              .l_start = rows[i].start,
                              .l_len = rows[i].length };

        g_assert_cmpint(fcntl(fixture->first, F_OFD_SETLK, &lock), ==, 0);
        g_assert_cmpint(svirt_lock_bytes_held(fixture->first, all), ==,
                        rows[i].held);
    }
}

/* A process' own locks (POSIX) go with any descriptor it closes. */
static void
test_a_lock_of_the_process_does_not_count(Fixture *fixture,
                                          gconstpointer data)
{
    struct flock lock = { .l_type = F_RDLCK, .l_start = 0, .l_len = 0 };

    (void)data;
    g_assert_cmpint(fcntl(fixture->first, F_SETLK, &lock), ==, 0);
    g_assert_false(svirt_lock_bytes_held(fixture->first, reader));
}

static void
test_taking_again_changes_nothing(Fixture *fixture, gconstpointer data)
{
    (void)data;
    for (int i = 0; i < 3; i++) {
        g_assert_cmpint(svirt_lock_bytes_take(fixture->first, writer), ==,
                        SVIRT_LOCK_TAKEN);
    }
    g_assert_cmpint(svirt_lock_bytes_take(fixture->second, writer), ==,
                    SVIRT_LOCK_BUSY);
    /* Who lost has announced itself and is seen until it goes. */
    g_assert_cmpint(svirt_lock_bytes_take(fixture->first, writer), ==,
                    SVIRT_LOCK_BUSY);
}

static void
test_what_cannot_be_locked_fails(void)
{
    SVIRT_AUTO_FD path = open("/", O_PATH | O_CLOEXEC);

    g_assert_cmpint(svirt_lock_bytes_take(path, reader), ==,
                    SVIRT_LOCK_FAILED);
    g_assert_cmpint(svirt_lock_bytes_take(-1, reader), ==, SVIRT_LOCK_FAILED);
    g_assert_false(svirt_lock_bytes_held(-1, none));
}

/* Whatever number a file system gives an inode: 64 bits on several. */
static void
test_inode_of_twenty_digits(void)
{
    static const char text[] =
        "pos:\t0\nflags:\t0100000\nmnt_id:\t42\nino:\t9\n"
        "lock:\t1: OFDLCK ADVISORY  READ -1 "
        "fd:00:18446744073709551615 100 103\n"
        "lock:\t2: OFDLCK ADVISORY  READ -1 "
        "fd:00:18446744073709551615 201 201\n"
        "lock:\t3: OFDLCK ADVISORY  READ -1 "
        "fd:00:18446744073709551615 203 203\n";
    g_autofree char *top = g_dir_make_tmp("svirt-lock-XXXXXX", NULL);
    g_autofree char *dir = g_build_filename(top, "fdinfo", NULL);
    g_autofree char *file = g_build_filename(dir, "7", NULL);
    SVIRT_AUTO_FD process = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    g_assert_cmpint(g_mkdir(dir, 0700), ==, 0);
    g_assert_true(g_file_set_contents(file, text, -1, NULL));
    g_assert_true(svirt_lock_bytes_held_by(process, 7, writer));
    (void)g_unlink(file);
    (void)g_rmdir(dir);
    (void)g_rmdir(top);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(name, function)                                                  \
    g_test_add("/base/lock-bytes/" name, Fixture, NULL, set_up, function,    \
               tear_down)
    ADD("held-by-this-description-alone",
        test_held_by_this_description_alone);
    ADD("held-by-a-copy", test_held_by_a_copy);
    ADD("part-is-not-all", test_part_is_not_all);
    ADD("a-lock-of-the-process-does-not-count",
        test_a_lock_of_the_process_does_not_count);
    ADD("taking-again-changes-nothing", test_taking_again_changes_nothing);
    g_test_add_func("/base/lock-bytes/inode-of-twenty-digits",
                    test_inode_of_twenty_digits);
    g_test_add_func("/base/lock-bytes/what-cannot-be-locked-fails",
                    test_what_cannot_be_locked_fails);
    return g_test_run();
}
