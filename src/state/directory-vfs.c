/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "state/directory-vfs.h"

#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"

/* The log's header (https://www.sqlite.org/fileformat2.html#walformat):
 * without its magic number a log is empty. */
#define LOG_HEADER 32
/* A log that grew beyond this, behind a reader that stayed, gives it back. */
#define LOG_KEPT (1024 * 1024)

static int
full_pathname(sqlite3_vfs *vfs, const char *name, int room, char *ret)
{
    if (strlen(name) >= (size_t)room) {
        return SQLITE_CANTOPEN;
    }
    sqlite3_snprintf(room, ret, "%s", name);
    return SQLITE_OK;
}

/* What is left of the old log has other salts than what will be written. If
 * this is lost in a crash, the old log is there again, and all of it is in the
 * database. */
static int
truncate_log(sqlite3_file *file, sqlite3_int64 size)
{
    const SvirtDirectoryVfs *vfs =
        (const SvirtDirectoryVfs *)((const char *)file->pMethods -
                                    offsetof(SvirtDirectoryVfs, log));
    static const char cleared[LOG_HEADER];
    sqlite3_int64 present;
    int status;

    if (size != 0) {
        return vfs->unix_log->xTruncate(file, size);
    }
    status = vfs->unix_log->xFileSize(file, &present);
    if (status == SQLITE_OK && present > 0) {
        status = vfs->unix_log->xWrite(file, cleared, LOG_HEADER, 0);
    }
    if (status == SQLITE_OK && present > LOG_KEPT) {
        status = vfs->unix_log->xTruncate(file, LOG_KEPT);
    }
    return status;
}

/* The directory that the name lies in. */
static int
sync_directory(const char *name)
{
    const char *slash = strrchr(name, '/');
    char directory[64];
    SVIRT_AUTO_FD fd = -1;

    if (slash == NULL || slash - name >= (ptrdiff_t)sizeof(directory)) {
        return SQLITE_CANTOPEN;
    }
    memcpy(directory, name, (size_t)(slash - name));
    directory[slash - name] = '\0';
    fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd >= 0 && fsync(fd) == 0 ? SQLITE_OK : SQLITE_IOERR_DIR_FSYNC;
}

/* SQLite syncs the directory with the first commit of each process that asks
 * for the log to be made if it is not there. An empty one may be a moment old;
 * one with content was made, and synced, before anything was written. */
static int
open_file(sqlite3_vfs *base, const char *name, sqlite3_file *file, int flags,
          int *ret_flags)
{
    SvirtDirectoryVfs *vfs = (SvirtDirectoryVfs *)base;
    bool makes = (flags & SQLITE_OPEN_CREATE) != 0;
    struct stat st;
    int status;

    if ((flags & SQLITE_OPEN_WAL) == 0 || name == NULL) {
        return vfs->unix_vfs->xOpen(base, name, file, flags, ret_flags);
    }
    if (makes && lstat(name, &st) == 0 && st.st_size > 0) {
        flags &= ~SQLITE_OPEN_CREATE;
        makes = false;
    }
    status = vfs->unix_vfs->xOpen(base, name, file, flags, ret_flags);
    if (status != SQLITE_OK) {
        return status;
    }
    if (makes) {
        status = sync_directory(name);
    }
    if (status != SQLITE_OK) {
        (void)file->pMethods->xClose(file);
        file->pMethods = NULL;
        return status;
    }
    vfs->unix_log = file->pMethods;
    vfs->log = *file->pMethods;
    vfs->log.xTruncate = truncate_log;
    file->pMethods = &vfs->log;
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
    vfs->vfs.xOpen = open_file;
    vfs->unix_vfs = unix_vfs;
    return sqlite3_vfs_register(&vfs->vfs, 0);
}

void
svirt_directory_vfs_unregister(SvirtDirectoryVfs *vfs)
{
    (void)sqlite3_vfs_unregister(&vfs->vfs);
}
