/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "keeper/programs.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool
svirt_program_path(const char *folder, const char *name, char *ret_path,
                   size_t size)
{
    char self[PATH_MAX], path[PATH_MAX];
    ssize_t got = readlink("/proc/self/exe", self, sizeof(self) - 1);
    struct stat st;
    char *slash;
    int length;

    if (got < 0) {
        return false;
    }
    self[got] = '\0';
    slash = strrchr(self, '/');
    if (slash == NULL || got == (ssize_t)sizeof(self) - 1) {
        errno = ENAMETOOLONG;
        return false;
    }
    *slash = '\0';
    if (strcmp(self, SVIRT_BINDIR) == 0) {
        length = snprintf(path, sizeof(path), "%s/%s", SVIRT_LIBEXECDIR, name);
    } else {
        /* No "..": a launch spec takes plain paths alone. */
        slash = strrchr(self, '/');
        if (slash == NULL) {
            errno = ENOENT;
            return false;
        }
        *slash = '\0';
        length = snprintf(path, sizeof(path), "%s/%s/%s", self, folder, name);
    }
    if (length < 0 || (size_t)length >= sizeof(path) ||
        (size_t)length >= size) {
        errno = ENAMETOOLONG;
        return false;
    }
    if (stat(path, &st) < 0) {
        return false;
    }
    if (!S_ISREG(st.st_mode) || access(path, X_OK) < 0) {
        errno = EACCES;
        return false;
    }
    memcpy(ret_path, path, (size_t)length + 1);
    return true;
}
