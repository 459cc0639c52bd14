/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sqlite3.h>

/*
 * SQLite's own unix VFS, but for one thing: file names are taken as they are.
 * The stock one resolves every symbolic link of a name first, so that
 * /proc/self/fd/N/state.db would turn into a path that is walked again later.
 */
typedef struct SvirtDirectoryVfs {
    sqlite3_vfs vfs; /* must stay at its address while registered */
    char name[48];
} SvirtDirectoryVfs;

/* Fill in and register under a name of its own; false when SQLite has no
 * unix VFS or no memory. */
int svirt_directory_vfs_register(SvirtDirectoryVfs *vfs);
/* After the last connection that uses it was closed. */
void svirt_directory_vfs_unregister(SvirtDirectoryVfs *vfs);
