/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>
#include <glib/gstdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "launch/huge-pages.h"

static void
test_says_what_the_host_says(void)
{
    static const SvirtHugePages told = { "always [madvise] never\n",
                                         "2097152\n" };
    g_autofree char *top = g_dir_make_tmp("svirt-huge-XXXXXX", NULL);
    g_autofree char *back = g_get_current_dir();
    g_autofree char *enabled = g_build_filename(
        top, SVIRT_HUGE_PAGES_DIRECTORY, "enabled", NULL);
    g_autofree char *size = g_build_filename(
        top, SVIRT_HUGE_PAGES_DIRECTORY, "hpage_pmd_size", NULL);
    g_autofree char *text = NULL, *number = NULL;
    SvirtLaunchFailure failure = { 0 };
    struct stat st;

    g_assert_no_errno(chdir(top));
    g_assert_true(svirt_huge_pages_show(&told, &failure));
    g_assert_true(g_file_get_contents(enabled, &text, NULL, NULL));
    g_assert_true(g_file_get_contents(size, &number, NULL, NULL));
    g_assert_cmpstr(text, ==, told.enabled);
    g_assert_cmpstr(number, ==, told.pmd_size);
    g_assert_no_errno(stat(enabled, &st));
    g_assert_cmpuint(st.st_mode & 0222, ==, 0);
    /* Not twice: what is there already is not what we made. */
    g_assert_false(svirt_huge_pages_show(&told, &failure));
    g_assert_cmpint(failure.step, ==, SVIRT_STEP_ROOT);
    (void)g_unlink(enabled);
    (void)g_unlink(size);
    (void)rmdir("sys/kernel/mm/transparent_hugepage");
    (void)rmdir("sys/kernel/mm");
    (void)rmdir("sys/kernel");
    (void)rmdir("sys");
    g_assert_no_errno(chdir(back));
    g_assert_no_errno(rmdir(top));
}

static void
test_says_nothing_where_nothing_is_to_be_asked_for(void)
{
    static const SvirtHugePages none = { .enabled = "" };
    g_autofree char *top = g_dir_make_tmp("svirt-huge-XXXXXX", NULL);
    g_autofree char *back = g_get_current_dir();
    SvirtLaunchFailure failure = { 0 };

    g_assert_no_errno(chdir(top));
    g_assert_true(svirt_huge_pages_show(&none, &failure));
    g_assert_no_errno(chdir(back));
    g_assert_no_errno(rmdir(top)); /* it is empty */
}

static void
test_reads_this_kernel(void)
{
    g_autofree char *text = NULL;
    SvirtHugePages pages;

    svirt_huge_pages_read(&pages);
    if (pages.enabled[0] == '\0') {
        return; /* the host may be busy: said by the test below */
    }
    if (!g_file_get_contents(SVIRT_HUGE_PAGES_DIRECTORY "/enabled", &text,
                             NULL, NULL) ||
        strstr(text, "[madvise]") == NULL) {
        g_assert_cmpstr(pages.enabled, ==, "");
        return;
    }
    g_assert_cmpstr(pages.enabled, ==, text);
    g_assert_cmpuint(g_ascii_strtoull(pages.pmd_size, NULL, 10), >=, 65536);
}

static void
test_busy_is_as_many_as_processors(void)
{
    static const struct {
        const char *name;
        const char *text;
        long processors;
        bool busy;
    } rows[] = {
        { "alone", "0.00 0.01 0.05 1/123 4567\n", 2, false },
        { "alone-on-one", "9.00 9.01 9.05 1/123 4567\n", 1, false },
        { "as-many", "0.00 0.01 0.05 2/123 4567\n", 2, true },
        { "more", "0.00 0.01 0.05 51/123 4567\n", 2, true },
        { "room", "0.00 0.01 0.05 51/123 4567\n", 64, false },
        { "empty", "", 64, true },
        { "cut", "0.00 0.01", 64, true },
        { "no-number", "0.00 0.01 0.05 x", 64, true },
        { "processors-not-known", "0.00 0.01 0.05 2/123 4567\n", -1, false },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_test_message("%s", rows[i].name);
        g_assert_cmpint(svirt_huge_pages_is_busy(rows[i].text,
                                                 rows[i].processors),
                        ==, rows[i].busy);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/launch/huge-pages/says-what-the-host-says",
                    test_says_what_the_host_says);
    g_test_add_func("/launch/huge-pages/says-nothing-where-nothing-is-asked",
                    test_says_nothing_where_nothing_is_to_be_asked_for);
    g_test_add_func("/launch/huge-pages/reads-this-kernel",
                    test_reads_this_kernel);
    g_test_add_func("/launch/huge-pages/busy-is-as-many-as-processors",
                    test_busy_is_as_many_as_processors);
    return g_test_run();
}
