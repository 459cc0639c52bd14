/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "verify/process.h"

#include <fcntl.h>
#include <glib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fd.h"
#include "verify/descriptors.h"

static const char confined[] = "Name:\tqemu-system-x86\n"
                               "Uid:\t31007\t31007\t31007\t31007\n"
                               "Gid:\t31007\t31007\t31007\t31007\n"
                               "Groups:\t \n"
                               "CapInh:\t0000000000000000\n"
                               "CapPrm:\t0000000000000000\n"
                               "CapEff:\t0000000000000000\n"
                               "CapBnd:\t0000000000000000\n"
                               "CapAmb:\t0000000000000000\n"
                               "NoNewPrivs:\t1\n"
                               "Seccomp:\t2\n"
                               "Seccomp_filters:\t3\n";

static void
test_confined_thread_is_read(void)
{
    SvirtThreadFacts facts;

    g_assert_true(svirt_thread_facts_parse(confined, &facts));
    g_assert_cmpuint(facts.uid[3], ==, 31007);
    g_assert_cmpuint(facts.group_count, ==, 0);
    g_assert_true(facts.no_new_privs);
    g_assert_cmpuint(facts.seccomp_mode, ==, 2);
    g_assert_cmpuint(facts.seccomp_filters, ==, 3);
}

static void
test_groups_are_counted(void)
{
    g_auto(GStrv) parts = g_strsplit(confined, "Groups:\t \n", 2);
    g_autofree char *text =
        g_strconcat(parts[0], "Groups:\t4 20 107 \n", parts[1], NULL);
    SvirtThreadFacts facts;

    g_assert_true(svirt_thread_facts_parse(text, &facts));
    g_assert_cmpuint(facts.group_count, ==, 3);
}

static void
test_missing_line_is_no_answer(void)
{
    static const char *const lines[] = { "Uid", "Gid", "Groups", "CapEff",
                                         "NoNewPrivs", "Seccomp" };

    for (unsigned i = 0; i < G_N_ELEMENTS(lines); i++) {
        g_autofree char *text = g_strdup(confined);
        g_autofree char *start = g_strdup_printf("\n%s:", lines[i]);
        SvirtThreadFacts facts;

        *(strstr(text, start) + 1) = '#';
        g_assert_false(svirt_thread_facts_parse(text, &facts));
    }
}

static void
test_own_threads_are_read(void)
{
    SVIRT_AUTO_FD dir = svirt_process_open_dir(getpid());
    SvirtThreadFacts facts;

    g_assert_cmpint(dir, >=, 0);
    g_assert_true(svirt_thread_facts_read(dir, getpid(), &facts));
    g_assert_cmpuint(facts.uid[1], ==, geteuid());
}

/* The test's own descriptors stand for a VMM's; a file too many is found. */
static void
test_strange_descriptor_is_named(void)
{
    /* Whatever the caller of this test left open is none of its business. */
    int closed = close_range(64, ~0U, 0);
    SVIRT_AUTO_FD dir = svirt_process_open_dir(getpid());
    SvirtLaunchSpec *spec = svirt_spec_new(&(SvirtUuid){ { 1 } }, "x");
    SVIRT_AUTO_FD strange = -1;
    g_autofree char *words = NULL;
    unsigned count = 0;

    g_assert_cmpint(closed, ==, 0);
    for (int fd = 0; fd < 64; fd++) {
        SvirtSpecFd entry = { .source = fd, .to = SVIRT_TO_VMM, .vmm = fd,
                              .monitor = -1, .passt = -1,
                              .role = SVIRT_FD_PROBE };

        g_assert_true(svirt_spec_add_fd(&spec, &entry));
    }
    g_assert_true(svirt_verify_descriptors(dir, -1, -1, SVIRT_PROCESS_VMM, spec,
                                           &count, &words));
    g_assert_cmpuint(count, >=, 3);
    strange = fcntl(dir, F_DUPFD_CLOEXEC, 100);
    svirt_fd_close(&strange);
    strange = open("/etc/passwd", O_RDONLY | O_CLOEXEC);
    g_assert_cmpint(dup2(strange, 100), ==, 100);
    g_assert_false(svirt_verify_descriptors(dir, -1, -1, SVIRT_PROCESS_VMM,
                                            spec, &count, &words));
    g_assert_cmpstr(words, ==, "100 is /etc/passwd");
    g_assert_cmpint(close(100), ==, 0);
    svirt_spec_free(spec);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/verify/process/confined-thread-is-read",
                    test_confined_thread_is_read);
    g_test_add_func("/verify/process/groups-are-counted",
                    test_groups_are_counted);
    g_test_add_func("/verify/process/missing-line-is-no-answer",
                    test_missing_line_is_no_answer);
    g_test_add_func("/verify/process/own-threads-are-read",
                    test_own_threads_are_read);
    g_test_add_func("/verify/descriptors/strange-one-is-named",
                    test_strange_descriptor_is_named);
    return g_test_run();
}
