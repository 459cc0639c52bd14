/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "model/apparmor-kernel.h"

/* A name, perhaps a stack of them, and a mode. */
#define LABEL_BYTES 8192
#define ATTRIBUTE "attr/apparmor/current"
/* Kernels before 5.8, where AppArmor is then the only one to answer. */
#define OLD_ATTRIBUTE "attr/current"

bool
svirt_apparmor_read_task(int task, char **ret_name,
                         SvirtApparmorMode *ret_mode, GError **error)
{
    char text[LABEL_BYTES];
    ssize_t length = svirt_read_small(task, ATTRIBUTE, text, sizeof(text));
    SvirtApparmorMode mode;

    if (length < 0 && errno == ENOENT) {
        length = svirt_read_small(task, OLD_ATTRIBUTE, text, sizeof(text));
    }
    if (length < 0) {
        int code = errno == ESRCH ? ENOENT : errno;

        return svirt_raise_errno(error, code, NULL,
                                 "cannot read a thread's AppArmor label");
    }
    text[strcspn(text, "\n")] = '\0';
    if (!svirt_apparmor_split(text, &mode)) {
        return svirt_raise(error, SVIRT_ERROR_CORRUPT, NULL, NULL,
                           "'%.128s' is no AppArmor label", text);
    }
    if (ret_name != NULL) {
        *ret_name = g_strdup(text);
    }
    if (ret_mode != NULL) {
        *ret_mode = mode;
    }
    return true;
}

/* `name` itself, a child "NAME//x", or a stack that holds one. */
static bool
is_or_holds(const char *label, const char *name)
{
    const size_t length = strlen(name);

    for (const char *at = strstr(label, name); at != NULL;
         at = strstr(at + 1, name)) {
        bool begins = at == label || at[-1] == '&' || at[-1] == ':';
        bool ends = at[length] == '\0' || strncmp(at + length, "//", 2) == 0;

        if (begins && ends) {
            return true;
        }
    }
    return false;
}

/* It has ended, or what it has is no profile with a mode, as ours are. */
static bool
has_other_label(const GError *problem)
{
    return g_error_matches(problem, SVIRT_ERROR, SVIRT_ERROR_NOT_FOUND) ||
           g_error_matches(problem, SVIRT_ERROR, SVIRT_ERROR_CORRUPT);
}

bool
svirt_apparmor_find_process(int procfs, const char *name, int *ret_pid,
                            GError **error)
{
    int list = openat(procfs, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = list < 0 ? NULL : fdopendir(list);
    const struct dirent *entry;
    bool ok = true;
    int found = 0;

    if (dir == NULL) {
        svirt_fd_close(&list);
        return svirt_raise_errno(error, errno, NULL,
                                 "cannot list the processes");
    }
    while (ok && found == 0 && (entry = readdir(dir)) != NULL) {
        SVIRT_AUTO_FD process = -1;
        g_autofree char *label = NULL;
        g_autoptr(GError) problem = NULL;

        if (!isdigit((unsigned char)entry->d_name[0])) {
            continue;
        }
        process = openat(procfs, entry->d_name,
                         O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
        if (process < 0) {
            ok = errno == ENOENT || errno == ESRCH ||
                 svirt_raise_errno(error, errno, NULL,
                                   "cannot open process %s", entry->d_name);
        } else if (svirt_apparmor_read_task(process, &label, NULL,
                                            &problem)) {
            found = is_or_holds(label, name) ? atoi(entry->d_name) : 0;
        } else if (!has_other_label(problem)) {
            g_propagate_error(error, g_steal_pointer(&problem));
            ok = false;
        }
    }
    (void)closedir(dir);
    if (ok) {
        *ret_pid = found;
    }
    return ok;
}
