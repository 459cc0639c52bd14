/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <linux/vhost.h>
#include <sys/ioctl.h>

#include "base/error.h"
#include "base/fd.h"
#include "hypervisor/endpoints-private.h"

#define VHOST_VSOCK "/dev/vhost-vsock"
/* So many guests are looked at for a free address. */
#define TRIES 65536u

/* The kernel gives each address to one open device of the host at a time. */
static bool
set_cid(int fd, unsigned cid)
{
    uint64_t value = cid;

    return ioctl(fd, VHOST_VSOCK_SET_GUEST_CID, &value) == 0;
}

static bool
take_cid(int fd, const SvirtVsock *vsock, unsigned *ret, GError **error)
{
    unsigned cid = vsock->cid;

    if (cid != 0) {
        *ret = cid;
        return set_cid(fd, cid) ||
               (errno == EADDRINUSE
                    ? svirt_raise(error, SVIRT_ERROR_BUSY, NULL,
                                  "give another <cid address>, or "
                                  "auto='yes'",
                                  "line %u: the CID %u is in use by another VM "
                                  "of this host",
                                  vsock->info.line, cid)
                    : svirt_raise_errno(error, errno, NULL,
                                        "line %u: cannot take the CID %u",
                                        vsock->info.line, cid));
    }
    for (cid = SVIRT_VSOCK_CID_MIN; cid < TRIES; cid++) {
        if (set_cid(fd, cid)) {
            *ret = cid;
            return true;
        }
        if (errno != EADDRINUSE) {
            break;
        }
    }
    return svirt_raise_errno(error, errno, "give a <cid address>",
                             "line %u: no CID is free", vsock->info.line);
}

/* Root's alone: what listens on the host's own CID hears this guest. */
bool
svirt_endpoints_make_vsock(Maker *maker, GError **error)
{
    const SvirtVsock *vsock = &maker->request->domain->vsock;
    SvirtQemuVsock *made = &maker->made->vsock;
    SvirtSpecFd entry = nobody;
    SVIRT_AUTO_FD fd = -1;

    if (vsock->info.line == 0) {
        return true;
    }
    if (maker->request->author != NULL) {
        return svirt_raise(error, SVIRT_ERROR_REFUSED, NULL,
                           "use <channel type='unix'>",
                           "line %u: an author who is not root gets no vsock",
                           vsock->info.line);
    }
    entry.role = SVIRT_FD_DEVICE;
    entry.to = SVIRT_TO_VMM;
    entry.vmm = svirt_launch_fds_next(maker->fds);
    made->fd = entry.vmm;
    made->cid = MAX(vsock->cid, SVIRT_VSOCK_CID_MIN);
    if (maker->request->dry_run) {
        return true;
    }
    fd = open(VHOST_VSOCK, O_RDWR | O_CLOEXEC);
    if (fd < 0) {
        return svirt_raise_errno(error, errno,
                                 "modprobe vhost_vsock, or remove <vsock>",
                                 "line %u: cannot use '%s'", vsock->info.line,
                                 VHOST_VSOCK);
    }
    if (!take_cid(fd, vsock, &made->cid, error)) {
        return false;
    }
    svirt_endpoints_note(maker, "vsock1=%u", made->cid);
    return svirt_launch_fds_take(maker->fds, &fd, &entry, error);
}
