/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/config.h"

#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"

static const struct {
    const char *name;
    const char *text; /* below [svirt]; NULL: no file */
    bool good;
} rows[] = {
    { "no-file", NULL, true },
    { "empty", "", true },
    { "uids", "uid_range = 2000000-2000063\n", true },
    { "uids-too-few", "uid_range = 2000000-2000010\n", false },
    { "uids-too-low", "uid_range = 1000-2000000\n", false },
    { "uids-backwards", "uid_range = 3000000-2000000\n", false },
    { "uids-nonsense", "uid_range = all\n", false },
    { "roots", "image_roots = /srv/a:/srv/b\n", true },
    { "roots-relative", "image_roots = srv\n", false },
    { "roots-upwards", "image_roots = /srv/../etc\n", false },
    { "log-limit", "log_limit_kib = 64\n", true },
    { "log-limit-zero", "log_limit_kib = 0\n", false },
    { "timeout", "ready_timeout_s = 1\n", true },
    { "shutdown", "shutdown_timeout_s = 5\n", true },
    { "shutdown-zero", "shutdown_timeout_s = 0\n", false },
    { "timeout-zero", "ready_timeout_s = 0\n", false },
    { "unknown-key", "uid_rang = 1\n", false },
};

static void
test_row(gconstpointer data)
{
    unsigned row = GPOINTER_TO_UINT(data);
    g_autofree char *top = g_dir_make_tmp("svirt-conf-XXXXXX", NULL);
    g_autofree char *file = g_build_filename(top, "svirt.conf", NULL);
    SvirtConnection connection = { .config_dir = top };
    g_autoptr(SvirtConfig) config = NULL;
    g_autoptr(GError) error = NULL;

    if (rows[row].text != NULL) {
        g_autofree char *text =
            g_strdup_printf("[svirt]\n%s", rows[row].text);

        g_assert_true(g_file_set_contents(file, text, -1, NULL));
    }
    g_assert_cmpint(svirt_config_load(&connection, &config, &error), ==,
                    rows[row].good);
    if (!rows[row].good) {
        g_assert_error(error, SVIRT_ERROR, SVIRT_ERROR_INVALID);
        g_assert_nonnull(strstr(error->message, file));
        g_assert_nonnull(svirt_error_hint(error));
    }
    (void)g_unlink(file);
    g_assert_cmpint(rmdir(top), ==, 0);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path =
            g_strdup_printf("/host/config/%s", rows[i].name);

        g_test_add_data_func(path, GUINT_TO_POINTER(i), test_row);
    }
    return g_test_run();
}
