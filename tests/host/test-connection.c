/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/connection.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"

static const struct {
    const char *name;
    const char *uri;
    int code; /* 0: good */
    const char *state_dir;
} rows[] = {
    { "none-is-the-system", NULL, 0, "/var/lib/svirt" },
    { "system", "qemu:///system", 0, "/var/lib/svirt" },
    { "session", "qemu:///session", 0, "/home/u/state/svirt" },
    { "embedded", "qemu:///embed?root=/srv/x", 0, "/srv/x/lib" },
    { "embedded-escaped", "qemu:///embed?root=/srv/a%20b", 0,
      "/srv/a b/lib" },
    { "embedded-relative", "qemu:///embed?root=x", SVIRT_ERROR_INVALID,
      NULL },
    { "embedded-empty", "qemu:///embed?root=", SVIRT_ERROR_INVALID, NULL },
    { "embedded-newline", "qemu:///embed?root=/a%0ab", SVIRT_ERROR_INVALID,
      NULL },
    { "xen", "xen:///system", SVIRT_ERROR_UNSUPPORTED, NULL },
    { "remote", "qemu+ssh://host/system", SVIRT_ERROR_INVALID, NULL },
    { "nonsense", "x", SVIRT_ERROR_INVALID, NULL },
};

static void
test_row(gconstpointer data)
{
    unsigned row = GPOINTER_TO_UINT(data);
    g_autoptr(SvirtConnection) connection = NULL;
    g_autoptr(GError) error = NULL;
    bool ok = svirt_connection_parse(rows[row].uri, &connection, &error);

    g_assert_cmpint(ok, ==, rows[row].code == 0);
    if (ok) {
        g_assert_cmpstr(connection->state_dir, ==, rows[row].state_dir);
    } else {
        g_assert_error(error, SVIRT_ERROR, rows[row].code);
        g_assert_nonnull(svirt_error_hint(error));
    }
}

static void
test_directory_others_may_change_is_refused(void)
{
    g_autofree char *top = g_dir_make_tmp("svirt-dir-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(top, "run", NULL);
    g_autoptr(GError) error = NULL;
    SVIRT_AUTO_FD fd = -1;
    struct stat st;

    g_assert_false(svirt_connection_open_dir(path, false, &fd, &error));
    g_assert_error(error, SVIRT_ERROR, SVIRT_ERROR_NOT_FOUND);
    g_clear_error(&error);
    g_assert_true(svirt_connection_open_dir(path, true, &fd, &error));
    g_assert_cmpint(fstat(fd, &st), ==, 0);
    g_assert_cmpint(st.st_mode & 0777, ==, 0700);
    svirt_fd_close(&fd);
    g_assert_cmpint(chmod(path, 0777), ==, 0);
    g_assert_false(svirt_connection_open_dir(path, true, &fd, &error));
    g_assert_error(error, SVIRT_ERROR, SVIRT_ERROR_REFUSED);
    g_assert_cmpint(rmdir(path), ==, 0);
    g_assert_cmpint(rmdir(top), ==, 0);
}

int
main(int argc, char **argv)
{
    /* Before GLib asks for it the first and last time. */
    g_assert_true(g_setenv("XDG_STATE_HOME", "/home/u/state", TRUE));
    g_test_init(&argc, &argv, NULL);
    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path =
            g_strdup_printf("/host/connection/%s", rows[i].name);

        g_test_add_data_func(path, GUINT_TO_POINTER(i), test_row);
    }
    g_test_add_func("/host/connection/directory-others-may-change-is-refused",
                    test_directory_others_may_change_is_refused);
    return g_test_run();
}
