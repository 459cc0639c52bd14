/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>

#include "base/nearest.h"

static const char *const words[] = {
    "define", "undefine", "list", NULL, "start", "shutdown", "dominfo",
    "domstate", "qemu-monitor-command",
};

static const struct {
    const char *text;
    const char *nearest; /* NULL: none */
} rows[] = {
    { "defin", "define" },       { "difine", "define" },
    { "strat", "start" },        { "lsit", "list" },
    { "sart", "start" },         { "shut-down", "shutdown" },
    { "domifno", "dominfo" },    { "domstat", "domstate" },
    { "qemu-monitor-comand", "qemu-monitor-command" },
    { "list", "list" },          { "", NULL },
    { "ls", NULL },              { "x", NULL },
    { "migrate", NULL },         { "defenestrate", NULL },
    { "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", NULL },
};

static void
test_row(gconstpointer data)
{
    unsigned row = GPOINTER_TO_UINT(data);

    g_assert_cmpstr(svirt_nearest_word(rows[row].text, words,
                                       G_N_ELEMENTS(words)),
                    ==, rows[row].nearest);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *name = g_strdup_printf(
            "/base/nearest/%.12s-%u", rows[i].text, i);

        g_test_add_data_func(name, GUINT_TO_POINTER(i), test_row);
    }
    return g_test_run();
}
