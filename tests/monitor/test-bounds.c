/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "monitor/bounded-file.h"
#include "monitor/layout.h"
#include "monitor/log.h"
#include "monitor/outbox.h"
#include "monitor/rate.h"
#include "monitor/ring.h"

#define SECOND 1000000000LL

static void
test_a_rate_gives_what_it_promises(void)
{
    SvirtRate rate;
    uint64_t taken = 0;

    svirt_rate_init(&rate, 1000, 100, 5);
    /* A millisecond at a time for ten seconds, always everything. */
    for (int64_t now = 5; now <= 5 + 10 * SECOND; now += 1000000) {
        uint64_t there = svirt_rate_available(&rate, now);

        svirt_rate_take(&rate, there);
        taken += there;
    }
    g_assert_cmpuint(taken, >=, 10000);
    g_assert_cmpuint(taken, <=, 10100);
}

static void
test_a_slow_rate_earns_in_small_steps(void)
{
    SvirtRate rate;
    uint64_t taken = 0;

    svirt_rate_init(&rate, 2, 1, 0);
    for (int64_t now = 0; now <= 10 * SECOND; now += 1000000) {
        uint64_t there = svirt_rate_available(&rate, now);

        svirt_rate_take(&rate, there);
        taken += there;
    }
    g_assert_cmpuint(taken, >=, 20);
    g_assert_cmpuint(taken, <=, 21);
}

static void
test_a_debt_is_waited_for(void)
{
    SvirtRate rate;
    int64_t ready;

    svirt_rate_init(&rate, 1000, 1000, 0);
    svirt_rate_take(&rate, 3000); /* 2000 in debt */
    g_assert_cmpuint(svirt_rate_available(&rate, 0), ==, 0);
    ready = svirt_rate_ready_ns(&rate);
    g_assert_cmpint(ready, >=, 2 * SECOND);
    g_assert_cmpint(ready, <=, 3 * SECOND);
    g_assert_cmpuint(svirt_rate_available(&rate, ready), >=, 100);
    /* Saved up is the burst and no more, however long it takes. */
    g_assert_cmpuint(svirt_rate_available(&rate, 1000000 * SECOND), ==, 1000);
}

static void
test_a_ring_keeps_the_newest(void)
{
    char all[1000], tail[64];
    SvirtRing ring;
    size_t at = 0;

    for (unsigned i = 0; i < sizeof(all); i++) {
        all[i] = (char)('a' + i % 26);
    }
    svirt_ring_init(&ring, 50);
    g_assert_cmpuint(svirt_ring_copy_tail(&ring, tail, sizeof(tail)), ==, 0);
    for (unsigned step = 1; at + step < sizeof(all); step = step * 2 + 1) {
        int want;

        svirt_ring_add(&ring, all + at, step);
        at += step;
        want = (int)MIN(at, 50);
        g_assert_cmpuint(svirt_ring_copy_tail(&ring, tail, sizeof(tail)), ==,
                         (size_t)want);
        g_assert_cmpmem(tail, want, all + at - want, want);
        g_assert_cmpuint(svirt_ring_copy_tail(&ring, tail, 3), ==,
                         (size_t)MIN(want, 3));
    }
    svirt_ring_clear(&ring);
}

static void
test_an_outbox_is_all_or_nothing(void)
{
    SvirtOutbox box;
    int ends[2];
    char got[16];

    g_assert_no_errno(pipe2(ends, O_NONBLOCK | O_CLOEXEC));
    svirt_outbox_init(&box, 10);
    g_assert_true(svirt_outbox_add(&box, "12345", 5));
    g_assert_false(svirt_outbox_add(&box, "678901", 6));
    g_assert_true(svirt_outbox_add(&box, "67890", 5));
    g_assert_cmpuint(svirt_outbox_length(&box), ==, 10);
    g_assert_true(svirt_outbox_flush(&box, ends[1]));
    g_assert_cmpuint(svirt_outbox_length(&box), ==, 0);
    g_assert_null(box.bytes);
    g_assert_cmpint(read(ends[0], got, sizeof(got)), ==, 10);
    g_assert_cmpmem(got, 10, "1234567890", 10);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

static void
test_an_outbox_drops_what_a_slow_reader_leaves(void)
{
    g_autofree char *block = g_malloc0(100000);
    SvirtOutbox box;
    int ends[2];

    g_assert_no_errno(pipe2(ends, O_NONBLOCK | O_CLOEXEC));
    svirt_outbox_init(&box, 1000);
    for (int i = 0; i < 10; i++) {
        g_assert_true(svirt_outbox_write(&box, ends[1], block, 100000));
    }
    g_assert_cmpuint(svirt_outbox_length(&box), ==, 1000);
    svirt_outbox_clear(&box);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

static int
temporary(void)
{
    g_autofree char *path = NULL;
    int fd = g_file_open_tmp("svirt-bounds-XXXXXX", &path, NULL);

    g_assert_no_errno(fd);
    (void)g_unlink(path);
    return fd;
}

static off_t
size_of(int fd)
{
    struct stat st;

    g_assert_no_errno(fstat(fd, &st));
    return st.st_size;
}

static void
test_a_file_never_grows_over_its_limit(void)
{
    SVIRT_AUTO_FD fd = temporary();
    SVIRT_AUTO_FD rotated = temporary();
    g_autofree char *block = g_malloc(777);
    SvirtBoundedFile file;

    memset(block, 'x', 777);
    svirt_bounded_file_init(&file, fd, rotated, 10000);
    for (int i = 0; i < 1000; i++) {
        g_assert_cmpuint(svirt_bounded_file_write(&file, block, 777), ==, 777);
        g_assert_cmpint(size_of(fd), <=, 10000);
        g_assert_cmpint(size_of(rotated), <=, 10000);
    }
    /* The one before is kept whole. */
    g_assert_cmpint(size_of(rotated), ==, 12 * 777);
    /* A successor goes on where this one stopped. */
    svirt_bounded_file_init(&file, fd, rotated, 10000);
    g_assert_cmpuint(file.size_bytes, ==, (uint64_t)size_of(fd));
}

static void
test_a_full_file_drops(void)
{
    SVIRT_AUTO_FD fd = temporary();
    SvirtBoundedFile file;

    svirt_bounded_file_init(&file, fd, -1, 10);
    g_assert_cmpuint(svirt_bounded_file_write(&file, "1234567", 7), ==, 7);
    g_assert_cmpuint(svirt_bounded_file_write(&file, "8901234", 7), ==, 3);
    g_assert_cmpuint(svirt_bounded_file_write(&file, "5", 1), ==, 0);
    g_assert_cmpint(size_of(fd), ==, 10);
}

static void
check_tail(const char *said, size_t size, const char *want)
{
    g_autofree char *tail = g_malloc(size);
    SvirtLog log = { .dropped_bytes = 0 };

    svirt_ring_init(&log.tail, SVIRT_LOG_TAIL);
    svirt_ring_add(&log.tail, said, strlen(said));
    svirt_log_tail(&log, tail, size);
    g_assert_cmpstr(tail, ==, want);
    svirt_ring_clear(&log.tail);
}

static void
test_last_lines_are_whole_and_printable(void)
{
    check_tail("first line\nsecond line\n", 64, "first line\nsecond line\n");
    check_tail("first line\nsecond line\n", 16, "second line\n");
    check_tail("one very long line without end", 11, "ithout end");
    check_tail("a\tb\r\nc\x1b[0m\x7f\n", 64, "a b \nc?[0m?\n");
}

static const struct {
    const char *name;
    const char *argv; /* separated by blanks */
    bool ok;
} rows[] = {
    { "plain", "m web 0 65536 1000 5000 0 0 0 cpfrux", true },
    { "no-serial", "m web 0 65536 1000 5000 0 0 0 -", true },
    { "too-few", "m web 0 65536 1000 5000 0 0 0", false },
    { "too-many", "m web 0 65536 1000 5000 0 0 0 c c", false },
    { "unknown-kind", "m web 0 65536 1000 5000 0 0 0 y", false },
    { "too-many-serials", "m web 0 65536 1000 5000 0 0 0 ccccccccccccccccc",
      false },
    { "links-and-balloon", "m web 0 65536 1000 5000 255 1073741824 0 -",
      true },
    { "viewers", "m web 0 65536 1000 5000 0 0 3 -", true },
    { "other-viewers", "m web 0 65536 1000 5000 0 0 4 -", false },
    { "ninth-link", "m web 0 65536 1000 5000 256 0 0 -", false },
    { "no-balloon", "m web 0 65536 1000 5000 0 x 0 -", false },
    { "negative", "m web -1 65536 1000 5000 0 0 0 c", false },
    { "no-uid", "m web 4294967295 65536 1000 5000 0 0 0 c", false },
    { "hexadecimal", "m web 0x1 65536 1000 5000 0 0 0 c", false },
    { "huge", "m web 0 99999999999999999999 1000 5000 0 0 0 c", false },
};

static void
test_args(gconstpointer data)
{
    unsigned row = GPOINTER_TO_UINT(data);
    g_auto(GStrv) argv = g_strsplit(rows[row].argv, " ", -1);
    SvirtMonitorArgs args;

    g_assert_cmpint(svirt_monitor_args_parse((int)g_strv_length(argv), argv,
                                             &args), ==, rows[row].ok);
}

static void
test_args_survive_the_spec(void)
{
    SvirtMonitorArgs args = {
        .name = "web", .control_uid = 7,
        .log_limit_bytes = 1 << 20, .log_rate_bytes_per_s = 4096,
        .ready_timeout_ms = 30000, .links_down = 5,
        .balloon_bytes = 1 << 28, .n_serials = 3,
        .serial = { SVIRT_SERIAL_FILE, SVIRT_SERIAL_UNIX,
                    SVIRT_SERIAL_CONNECTED },
        .rotated = { true, false, false },
    };
    SvirtMonitorArgs again;
    SvirtLaunchSpec *spec;
    SvirtUuid uuid;
    char *argv[16];
    int argc;

    svirt_uuid_generate(&uuid);
    spec = svirt_spec_new(&uuid, "web");
    g_assert_true(svirt_monitor_layout_add(&spec, "/usr/m", &args));
    argc = (int)spec->argv[SVIRT_PROCESS_MONITOR].count;
    for (int i = 0; i < argc; i++) {
        argv[i] = (char *)svirt_spec_string(spec, spec->args[i]);
    }
    g_assert_true(svirt_monitor_args_parse(argc, argv, &again));
    g_assert_cmpstr(again.name, ==, args.name);
    again.name = args.name;
    g_assert_cmpmem(&again, sizeof(again), &args, sizeof(args));
    args.n_serials = SVIRT_MONITOR_MAX_SERIALS + 1;
    g_assert_false(svirt_monitor_layout_add(&spec, "/usr/m", &args));
    g_assert_cmpint(errno, ==, E2BIG);
    svirt_spec_free(spec);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/monitor/rate/gives-what-it-promises",
                    test_a_rate_gives_what_it_promises);
    g_test_add_func("/monitor/rate/earns-in-small-steps",
                    test_a_slow_rate_earns_in_small_steps);
    g_test_add_func("/monitor/rate/a-debt-is-waited-for",
                    test_a_debt_is_waited_for);
    g_test_add_func("/monitor/ring/keeps-the-newest",
                    test_a_ring_keeps_the_newest);
    g_test_add_func("/monitor/outbox/all-or-nothing",
                    test_an_outbox_is_all_or_nothing);
    g_test_add_func("/monitor/outbox/drops-what-a-slow-reader-leaves",
                    test_an_outbox_drops_what_a_slow_reader_leaves);
    g_test_add_func("/monitor/bounded-file/never-grows-over-its-limit",
                    test_a_file_never_grows_over_its_limit);
    g_test_add_func("/monitor/bounded-file/a-full-file-drops",
                    test_a_full_file_drops);
    g_test_add_func("/monitor/log/last-lines-are-whole-and-printable",
                    test_last_lines_are_whole_and_printable);
    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path =
            g_strdup_printf("/monitor/layout/args/%s", rows[i].name);

        g_test_add_data_func(path, GUINT_TO_POINTER(i), test_args);
    }
    g_test_add_func("/monitor/layout/args-survive-the-spec",
                    test_args_survive_the_spec);
    return g_test_run();
}
