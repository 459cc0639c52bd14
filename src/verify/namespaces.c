/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "verify/namespaces.h"

#include <glib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "verify/process.h"

#define COUNT 5
static const char *const words[COUNT] = { "mnt", "pid", "ipc", "uts", "net" };

/* "mnt:[4026531840]": the same text is the same namespace. */
typedef struct Names {
    char text[COUNT][48]; /* "": unknown */
} Names;

static void
read_names(int process_dir, Names *ret)
{
    for (unsigned i = 0; i < COUNT; i++) {
        char path[16];
        ssize_t length;

        (void)g_snprintf(path, sizeof(path), "ns/%s", words[i]);
        length = readlinkat(process_dir, path, ret->text[i],
                            sizeof(ret->text[i]) - 1);
        ret->text[i][MAX(length, 0)] = '\0';
    }
}

/* Ours do not change, and a thousand VMs are compared with them. */
static const Names *
own_names(void)
{
    static Names own;
    static gsize done;

    if (g_once_init_enter(&done)) {
        SVIRT_AUTO_FD self = svirt_process_open_dir(getpid());

        read_names(self, &own);
        g_once_init_leave(&done, 1);
    }
    return &own;
}

char *
svirt_verify_shared_namespaces(int process_dir, bool network)
{
    GString *shared = g_string_new(NULL);
    const Names *own = own_names();
    Names theirs;

    read_names(process_dir, &theirs);
    for (unsigned i = 0; i < (network ? COUNT : COUNT - 1); i++) {
        if (theirs.text[i][0] == '\0' || own->text[i][0] == '\0' ||
            strcmp(theirs.text[i], own->text[i]) == 0) {
            g_string_append_printf(shared, " %s", words[i]);
        }
    }
    return g_string_free(shared, FALSE);
}
