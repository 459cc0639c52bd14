/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/xattr-at.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>

bool
svirt_xattr_set_at(int dir_fd, const char *entry, const char *name,
                   const char *value)
{
    char path[64];
    int length = snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", dir_fd,
                          entry);

    if (length < 0 || (size_t)length >= sizeof(path)) {
        errno = ENAMETOOLONG;
        return false;
    }
    return lsetxattr(path, name, value, strlen(value), 0) == 0;
}
