/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "state/directory-vfs.h"

#include <string.h>

static int
full_pathname(sqlite3_vfs *vfs, const char *name, int room, char *ret)
{
    if (strlen(name) >= (size_t)room) {
        return SQLITE_CANTOPEN;
    }
    sqlite3_snprintf(room, ret, "%s", name);
    return SQLITE_OK;
}

int
svirt_directory_vfs_register(SvirtDirectoryVfs *vfs)
{
    const sqlite3_vfs *unix_vfs = sqlite3_vfs_find("unix");

    if (unix_vfs == NULL) {
        return SQLITE_ERROR;
    }
    vfs->vfs = *unix_vfs;
    sqlite3_snprintf((int)sizeof(vfs->name), vfs->name, "svirt-%p",
                     (void *)vfs);
    vfs->vfs.zName = vfs->name;
    vfs->vfs.pNext = NULL;
    vfs->vfs.xFullPathname = full_pathname;
    return sqlite3_vfs_register(&vfs->vfs, 0);
}

void
svirt_directory_vfs_unregister(SvirtDirectoryVfs *vfs)
{
    (void)sqlite3_vfs_unregister(&vfs->vfs);
}
