/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/trusted-path.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"

/*
 * Below a directory of ours: own/ 0755, open/ 0777, sticky/ 1777, his/ of
 * another user; in each of them d/ and the link l to own/.
 */
static const struct {
    const char *name;
    const char *path;
    int code; /* 0: trusted */
} rows[] = {
    { "own", "own/d", 0 },
    { "missing", "own/none/deeper", 0 },
    { "link-in-own", "own/l/d", 0 },
    { "sticky", "sticky/d", 0 },
    { "slashes-and-dots", "own//./d/../d/", 0 },
    { "open", "open/d", SVIRT_ERROR_REFUSED },
    { "missing-in-open", "open/none", SVIRT_ERROR_REFUSED },
    { "link-in-open", "open/l", SVIRT_ERROR_REFUSED },
    { "of-another", "his/d", SVIRT_ERROR_REFUSED },
    { "link-to-what-another-has", "own/to-his/d", SVIRT_ERROR_REFUSED },
    { "link-of-another-in-sticky", "sticky/his-link", SVIRT_ERROR_REFUSED },
    { "link-through-another", "own/through/d", SVIRT_ERROR_REFUSED },
    { "loop", "own/loop", SVIRT_ERROR_INVALID },
};

static char *top;

static void
make(const char *name, mode_t mode)
{
    g_autofree char *path = g_build_filename(top, name, NULL);
    g_autofree char *inner = g_build_filename(path, "d", NULL);
    g_autofree char *link = g_build_filename(path, "l", NULL);

    g_assert_cmpint(mkdir(path, 0700), ==, 0);
    g_assert_cmpint(chmod(path, mode), ==, 0);
    g_assert_cmpint(mkdir(inner, 0700), ==, 0);
    g_assert_cmpint(symlink("../own", link), ==, 0);
}

static void
make_link(const char *name, const char *target)
{
    g_autofree char *path = g_build_filename(top, name, NULL);

    g_assert_cmpint(symlink(target, path), ==, 0);
}

static void
give_away(const char *name)
{
    g_autofree char *path = g_build_filename(top, name, NULL);

    g_assert_cmpint(lchown(path, 65534, 65534), ==, 0);
}

static void
clean_up(void)
{
    static const char *const names[] = {
        "own/to-his", "own/through", "own/loop", "sticky/his-link",
        "own/d", "own/l", "open/d", "open/l", "sticky/d", "sticky/l",
        "his/d", "his/l", "own", "open", "sticky", "his", "",
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *path = g_build_filename(top, names[i], NULL);

        g_assert_cmpint(remove(path), ==, 0);
    }
    g_free(top);
}

static void
test_row(gconstpointer data)
{
    unsigned row = GPOINTER_TO_UINT(data);
    g_autofree char *path = g_strconcat(top, "/", rows[row].path, NULL);
    g_autoptr(GError) error = NULL;
    bool ok = svirt_trusted_path_check(path, &error);

    if (rows[row].code == 0) {
        g_assert_no_error(error);
        g_assert_true(ok);
        return;
    }
    g_assert_false(ok);
    g_assert_error(error, SVIRT_ERROR, rows[row].code);
    g_assert_nonnull(svirt_error_hint(error));
}

int
main(int argc, char **argv)
{
    int result;

    g_test_init(&argc, &argv, NULL);
    if (geteuid() != 0) {
        (void)puts("1..0 # SKIP needs root, to give files away");
        return 0;
    }
    top = g_dir_make_tmp("svirt-trust-XXXXXX", NULL);
    make("own", 0755);
    make("open", 0777);
    make("sticky", 01777);
    make("his", 0755);
    make_link("own/to-his", "../his");
    make_link("own/through", "../his/l");
    make_link("own/loop", "loop");
    make_link("sticky/his-link", "../own");
    give_away("his");
    give_away("sticky/his-link");
    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path =
            g_strdup_printf("/host/trusted-path/%s", rows[i].name);

        g_test_add_data_func(path, GUINT_TO_POINTER(i), test_row);
    }
    result = g_test_run();
    clean_up();
    return result;
}
