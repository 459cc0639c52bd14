/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "keeper/run-spec.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/types.h>

#include "base/fd.h"
#include "keeper/layout.h"

int
svirt_run_spec_copy(int run_dir_fd)
{
    SVIRT_AUTO_FD file = openat(run_dir_fd, SVIRT_RUN_SPEC,
                                O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    SVIRT_AUTO_FD copy = -1;
    char block[16384];
    off_t offset = 0;
    ssize_t got;

    if (file < 0) {
        return -1;
    }
    copy = memfd_create("svirt-spec", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (copy < 0) {
        return -1;
    }
    while ((got = svirt_pread_full(file, block, sizeof(block), offset)) > 0) {
        if (!svirt_write_full(copy, block, (size_t)got)) {
            return -1;
        }
        offset += got;
    }
    if (got < 0 || fcntl(copy, F_ADD_SEALS,
                         F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE |
                             F_SEAL_SEAL) < 0) {
        return -1;
    }
    return svirt_fd_steal(&copy);
}
