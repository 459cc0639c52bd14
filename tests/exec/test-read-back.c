/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "exec/read-back.h"
#include "verify/verify.h"

typedef struct Row {
    const char *name;
    const char *what;
    bool ok, advice, of_host, connects;
    const char *found;
    bool matters;
} Row;

static const Row rows[] = {
    { "as-planned", "uid", true, false, false, false, "1", false },
    { "another-uid", "uid", false, false, false, false, "0", true },
    { "no-filter", "seccomp", false, false, false, false, "mode 0", true },
    { "another-label", "label smack", false, false, false, false, "_", true },
    { "a-permissive-host", "enforcing selinux", false, false, true, false,
      "no", false },
    { "a-gap-of-a-model", "gap smack", false, true, false, false, "weak",
      false },
    { "a-file-it-opened", "descriptors", false, false, false, false,
      "/disk", false },
    { "the-hosts-network", "namespaces", false, false, false, false,
      "the host's: net", true },
    { "the-hosts-network-for-a-port", "namespaces", false, false, false, true,
      "the host's: net", false },
    { "more-than-the-network", "namespaces", false, false, false, true,
      "the host's: mnt net", true },
};

static void
test_row(gconstpointer data)
{
    const Row *row = data;
    const SvirtVerifyRow verify = {
        .what = (char *)row->what,
        .ok = row->ok,
        .advice = row->advice,
        .of_host = row->of_host,
        .expected = (char *)"planned",
        .found = (char *)row->found,
    };

    g_assert_cmpint(svirt_exec_row_matters(&verify, row->connects), ==,
                    row->matters);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *name =
            g_strdup_printf("/exec/read-back/%s", rows[i].name);

        g_test_add_data_func(name, &rows[i], test_row);
    }
    return g_test_run();
}
