/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/layers.h"

#include <fcntl.h>
#include <string.h>

#include "base/fd.h"

char *
svirt_layers_missing_controllers(const char *path)
{
    static const char *const wanted[] = { "memory", "pids", "cpu", "io" };
    g_autofree char *file = g_strdup_printf("%s/cgroup.controllers", path);
    g_autoptr(GString) missing = g_string_new(NULL);
    g_auto(GStrv) present = NULL;
    char text[1024] = "";

    if (path[0] == '\0') {
        return g_strdup("");
    }
    (void)svirt_read_small(AT_FDCWD, file, text, sizeof(text));
    g_strchomp(text);
    present = g_strsplit(text, " ", -1);
    for (unsigned i = 0; i < G_N_ELEMENTS(wanted); i++) {
        if (!g_strv_contains((const char *const *)present, wanted[i])) {
            g_string_append_printf(missing, "%s%s",
                                   missing->len > 0 ? ", " : "", wanted[i]);
        }
    }
    return g_string_free(g_steal_pointer(&missing), FALSE);
}
