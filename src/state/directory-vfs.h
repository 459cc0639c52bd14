/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sqlite3.h>

/*
 * SQLite's own unix VFS, but for three things. File names are taken as they
 * are: the stock one resolves every symbolic link of a name first, so that
 * /proc/self/fd/N/state.db would turn into a path that is walked again later.
 * The log's directory entry is made durable when the log is made, and not
 * again by every process. And the log is emptied by clearing its header: the
 * blocks stay, so that a commit's fdatasync has no metadata to write.
 */
typedef struct SvirtDirectoryVfs {
    sqlite3_vfs vfs; /* must stay at its address while registered */
    char name[48];
    const sqlite3_vfs *unix_vfs;    /* borrowed */
    const sqlite3_io_methods *unix_log; /* borrowed; of the log file */
    sqlite3_io_methods log;         /* the same with another xTruncate */
} SvirtDirectoryVfs;

/* Fill in and register under a name of its own; false when SQLite has no
 * unix VFS or no memory. */
int svirt_directory_vfs_register(SvirtDirectoryVfs *vfs);
/* After the last connection that uses it was closed. */
void svirt_directory_vfs_unregister(SvirtDirectoryVfs *vfs);
