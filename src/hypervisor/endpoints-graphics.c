/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "hypervisor/endpoints-private.h"
#include "hypervisor/host-socket.h"
#include "hypervisor/live.h"
#include "hypervisor/model-labels.h"
#include "hypervisor/tcp-socket.h"

/*
 * Where viewers come in. The socket is made here, where names and ports of the
 * host exist; the monitor accepts, and QEMU gets one end of a pair.
 */

static bool
listen_tcp(Maker *maker, const SvirtGraphics *graphics,
           int *ret_fd, GError **error)
{
    const SvirtEndpointsRequest *request = maker->request;
    const char *type = svirt_graphics_type_to_string(graphics->type);
    unsigned first = graphics->port != 0 ? graphics->port
                                         : request->graphics_port_first;
    unsigned last = graphics->port != 0 ? graphics->port
                                        : request->graphics_port_last;
    GError *cause = NULL;
    unsigned port = 0;

    if (!svirt_tcp_listen(graphics->address, first, last, request->author,
                          ret_fd, &port, &cause)) {
        return svirt_raise(error, (SvirtErrorCode)cause->code, cause,
                           svirt_error_hint(cause),
                           "cannot open the port of <graphics type='%s'> "
                           "(line %u)", type, graphics->listen_line);
    }
    svirt_endpoints_note(maker, "graphics%u=%s %u", graphics->info.ordinal,
                         graphics->address, port);
    return true;
}

/* In the run directory, unless the definition says where. */
static bool
listen_unix(Maker *maker, const SvirtGraphics *graphics,
            SvirtGraphicsKind kind, int *ret_fd, GError **error)
{
    const SvirtEndpointsRequest *request = maker->request;
    const char *type = svirt_graphics_type_to_string(graphics->type);
    SVIRT_AUTO_FD fd = -1;

    if (!svirt_endpoints_listen_unix(maker, graphics->path, type,
                                     graphics->listen_line,
                                     SVIRT_MONITOR_MAX_SERIALS + kind, &fd,
                                     error)) {
        return false;
    }
    if (graphics->path != NULL) {
        svirt_endpoints_note(maker, "graphics%u=%s", graphics->info.ordinal,
                             graphics->path);
    } else {
        svirt_endpoints_note(maker, "graphics%u=%s/%s",
                             graphics->info.ordinal, request->run_dir, type);
    }
    *ret_fd = svirt_fd_steal(&fd);
    return true;
}

/* QEMU reads it from its own /proc/self/fd; it stands in no command line. */
static bool
make_password(Maker *maker, const SvirtGraphics *graphics,
              int *ret_number, GError **error)
{
    const SvirtCompartment *compartment = maker->request->compartment;
    size_t length = strlen(graphics->password);
    SVIRT_AUTO_FD fd = -1;
    bool ok = svirt_creation_begin_files(compartment, error);
    SvirtSpecFd entry = nobody;

    if (ok) {
        fd = memfd_create("graphics-password",
                          MFD_CLOEXEC | MFD_ALLOW_SEALING);
        ok = (fd >= 0 &&
              write(fd, graphics->password, length) == (ssize_t)length &&
              lseek(fd, 0, SEEK_SET) == 0 &&
              fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW |
                                         F_SEAL_WRITE | F_SEAL_SEAL) == 0) ||
             svirt_raise_errno(error, errno, NULL,
                               "cannot hand over a password");
    }
    svirt_creation_end(compartment);
    if (!ok) {
        return false;
    }
    entry.role = SVIRT_FD_KERNEL; /* the same kind: a sealed memfd */
    entry.to = SVIRT_TO_VMM;
    entry.vmm = svirt_launch_fds_next(maker->fds);
    *ret_number = entry.vmm;
    return svirt_launch_fds_take(maker->fds, &fd, &entry, error);
}

static bool
make_listener(Maker *maker, const SvirtGraphics *graphics,
              GError **error)
{
    SvirtGraphicsKind kind = graphics->type == SVIRT_GRAPHICS_SPICE
                                 ? SVIRT_GRAPHICS_KIND_SPICE
                                 : SVIRT_GRAPHICS_KIND_VNC;
    SvirtSpecFd entry = nobody;
    SVIRT_AUTO_FD fd = -1;

    if (graphics->listen == SVIRT_GRAPHICS_LISTEN_NONE) {
        return true;
    }
    if (!(graphics->listen == SVIRT_GRAPHICS_LISTEN_SOCKET
              ? listen_unix(maker, graphics, kind, &fd, error)
              : listen_tcp(maker, graphics, &fd, error))) {
        return false;
    }
    maker->made->graphics[kind] = true;
    entry.role = SVIRT_FD_GRAPHICS_LISTEN;
    entry.index = kind;
    entry.to = SVIRT_TO_MONITOR;
    entry.monitor = SVIRT_MONITOR_FD_GRAPHICS((int)kind);
    return svirt_launch_fds_take(maker->fds, &fd, &entry, error);
}

bool
svirt_endpoints_make_graphics(Maker *maker, GError **error)
{
    const SvirtDomain *domain = maker->request->domain;

    for (size_t i = 0; i < domain->graphics_count; i++) {
        const SvirtGraphics *graphics = &domain->graphics[i];

        maker->made->passwords[i] = -1;
        if (graphics->password != NULL &&
            !make_password(maker, graphics, &maker->made->passwords[i],
                           error)) {
            return false;
        }
        if (!maker->request->dry_run &&
            !make_listener(maker, graphics, error)) {
            return false;
        }
    }
    return true;
}
