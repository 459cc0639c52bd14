/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sqlite3.h>

#include "state/directory-vfs.h"
#include "state/state.h"

/* Statements a start asks once for each disk: compiled once. */
typedef enum SvirtKept {
    SVIRT_KEPT_OWNERS,
    SVIRT_KEPT_WRITERS,
    SVIRT_KEPT_CHAIN,
    SVIRT_KEPT_MAX
} SvirtKept;

struct SvirtState {
    SvirtStateAccess access;
    char *shown_path;  /* owned: of the directory, for messages */
    int directory_fd;  /* fd, O_PATH; -1 when there is no directory */
    int lock_fd;       /* fd of state.lock; -1 but in a transaction */
    sqlite3 *database; /* owned; NULL: an empty one that does not exist */
    sqlite3_stmt *kept[SVIRT_KEPT_MAX]; /* owned; NULL: not compiled yet */
    bool in_transaction;
    int log_frames; /* in the log after the last commit */
    bool vfs_registered;
    SvirtDirectoryVfs vfs;
};
