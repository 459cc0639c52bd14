/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hypervisor/emulator.h"

#include <string.h>

#include <glib.h>

/* Replies, as an emulator that lies may give them. */
static const struct {
    const char *name;
    const char *reply;
    const char *lines; /* NULL: no answer */
} rows[] = {
    { "machines",
      "{\"id\":\"m\",\"return\":[{\"name\":\"pc-1\",\"alias\":\"pc\"},"
      "{\"name\":\"none\"}]}",
      "m pc-1\na pc pc-1\nm none\n" },
    { "cpus", "{\"id\":\"c\",\"return\":[{\"name\":\"qemu64\"}]}",
      "c qemu64\n" },
    { "greeting", "{\"QMP\":{}}", NULL },
    { "capabilities", "{\"return\":{}}", NULL },
    { "error", "{\"id\":\"m\",\"error\":{}}", NULL },
    { "no-list", "{\"id\":\"m\",\"return\":7}", NULL },
    { "no-json", "\x01\x02{[", NULL },
    { "empty", "", NULL },
    { "names-of-another-form",
      "{\"id\":\"m\",\"return\":[{\"name\":\"a b\"},{\"name\":7},7,{},"
      "{\"name\":\"x\\nm evil\"},{\"name\":\"\"},"
      "{\"name\":\"ok\",\"alias\":\"'/>\"}]}",
      "m ok\n" },
};

static void
test_reply(gconstpointer data)
{
    unsigned row = GPOINTER_TO_UINT(data);
    const char *reply = rows[row].reply;
    g_autoptr(GString) lines = g_string_new(NULL);
    bool ok = svirt_emulator_read_reply(reply, strlen(reply), lines);

    g_assert_cmpint(ok, ==, rows[row].lines != NULL);
    g_assert_cmpstr(lines->str, ==, ok ? rows[row].lines : "");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path =
            g_strdup_printf("/hypervisor/emulator/reply/%s", rows[i].name);

        g_test_add_data_func(path, GUINT_TO_POINTER(i), test_reply);
    }
    return g_test_run();
}
