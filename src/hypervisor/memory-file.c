/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hypervisor/memory-file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif

static int
create(void)
{
    int fd = memfd_create("svirt-boot",
                          MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);

    /* Kernels before 6.3 know no MFD_NOEXEC_SEAL. */
    return fd >= 0 || errno != EINVAL
               ? fd
               : memfd_create("svirt-boot", MFD_CLOEXEC | MFD_ALLOW_SEALING);
}

bool
svirt_memory_file_copy(int source, uint64_t max_bytes, const char *shown_path,
                       int *ret_fd, GError **error)
{
    SVIRT_AUTO_FD fd = create();
    struct stat st;
    off_t done = 0;

    if (fd < 0 || fstat(source, &st) < 0) {
        return svirt_raise_errno(error, errno, NULL, "cannot copy '%s'",
                                 shown_path);
    }
    if ((uint64_t)st.st_size > max_bytes) {
        return svirt_raise(error, SVIRT_ERROR_INVALID, NULL,
                           "give the domain more <memory>, up to 1 GiB",
                           "'%s' does not fit into the guest's memory",
                           shown_path);
    }
    while (done < st.st_size) {
        ssize_t got =
            sendfile(fd, source, &done, (size_t)(st.st_size - done));

        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return svirt_raise_errno(error, got < 0 ? errno : EIO, NULL,
                                     "cannot copy '%s'", shown_path);
        }
    }
    /* World-readable bits let the VMM open it anew through its /proc. */
    if (fchmod(fd, 0444) < 0 ||
        fcntl(fd, F_ADD_SEALS,
              F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0) {
        return svirt_raise_errno(error, errno, NULL, "cannot seal '%s'",
                                 shown_path);
    }
    *ret_fd = svirt_fd_steal(&fd);
    return true;
}
