/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sqlite3.h>

#include "state/directory-vfs.h"
#include "state/state.h"

struct SvirtState {
    SvirtStateAccess access;
    char *shown_path;  /* owned: of the directory, for messages */
    int directory_fd;  /* fd, O_PATH; -1 when there is no directory */
    int lock_fd;       /* fd of state.lock; -1 but in a transaction */
    sqlite3 *database; /* owned; NULL: an empty one that does not exist */
    GPtrArray *statements; /* owned: SvirtStatement, compiled once each */
    bool in_transaction;
    int log_frames; /* in the log after the last commit */
    bool vfs_registered;
    SvirtDirectoryVfs vfs;
};
