/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "hypervisor/endpoints-private.h"
#include "hypervisor/host-socket.h"
#include "hypervisor/model-labels.h"
#include "hypervisor/output-file.h"
#include "hypervisor/tcp-socket.h"

/* The far ends of serial ports, consoles, channels and parallel ports. */

static bool
take(Maker *maker, int *fd, SvirtSpecFd entry, GError **error)
{
    return svirt_launch_fds_take(maker->fds, fd, &entry, error);
}

static bool
tcp_failed(const SvirtChardev *chardev, GError *cause, GError **error)
{
    return svirt_raise(error, (SvirtErrorCode)cause->code, cause,
                       svirt_error_hint(cause),
                       "cannot use <%s type='tcp'> (line %u)",
                       svirt_chardev_role_to_string(chardev->role),
                       chardev->source_line);
}

/*
 * A terminal: the monitor holds the master. The slave is made raw, and kept
 * open by the keeper so that the master never sees a hang-up.
 */
static bool
make_pty(Maker *maker, const SvirtChardev *chardev,
         uint32_t serial, GError **error)
{
    SVIRT_AUTO_FD master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    SVIRT_AUTO_FD slave = -1;
    SvirtSpecFd entry = nobody;
    struct termios modes;
    char path[64];

    if (master < 0 || unlockpt(master) < 0 ||
        ptsname_r(master, path, sizeof(path)) != 0) {
        return svirt_raise_errno(error, errno, "mount devpts on /dev/pts",
                                 "cannot make a terminal for serial%u",
                                 serial);
    }
    slave = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (slave < 0 || tcgetattr(slave, &modes) < 0) {
        return svirt_raise_errno(error, errno, NULL,
                                 "cannot open terminal '%s'", path);
    }
    cfmakeraw(&modes);
    if (tcsetattr(slave, TCSANOW, &modes) < 0) {
        return svirt_raise_errno(error, errno, NULL,
                                 "cannot set terminal '%s'", path);
    }
    g_ptr_array_add(maker->pty_paths,
                    g_strdup_printf("serial%u=%s", serial, path));
    svirt_endpoints_note(maker, "%s%u=%s",
                         svirt_chardev_role_to_string(chardev->role),
                         chardev->info.ordinal, path);
    entry.role = SVIRT_FD_SERIAL_FILE;
    entry.index = serial;
    entry.to = SVIRT_TO_KEEPER;
    if (!take(maker, &slave, entry, error)) {
        return false;
    }
    entry.to = SVIRT_TO_MONITOR;
    entry.monitor = SVIRT_MONITOR_FD_SERIAL_SINK((int)serial);
    return take(maker, &master, entry, error);
}

static bool
make_file(Maker *maker, const char *path, bool append, unsigned line,
          uint32_t serial, GError **error)
{
    SvirtOutputFileRequest request = {
        .path = path,
        .append = append,
        .author = maker->request->author,
        .refusals = maker->request->refusals,
        .line = line,
    };
    SvirtSpecFd entry = nobody;
    SVIRT_AUTO_FD file = -1;

    if (!svirt_output_file_open(&request, &file, error)) {
        return false;
    }
    entry.role = SVIRT_FD_SERIAL_FILE;
    entry.index = serial;
    entry.to = SVIRT_TO_MONITOR;
    entry.monitor = SVIRT_MONITOR_FD_SERIAL_SINK((int)serial);
    return take(maker, &file, entry, error);
}

bool
svirt_endpoints_listen_unix(Maker *maker, const char *path,
                            const char *name, unsigned line, uint32_t index,
                            int *ret_fd, GError **error)
{
    const SvirtEndpointsRequest *request = maker->request;
    const SvirtCompartment *compartment = request->compartment;
    g_autofree char *last = path != NULL ? g_path_get_basename(path) : NULL;
    g_autoptr(SvirtObject) dir = NULL;
    SVIRT_AUTO_FD listener = -1;
    GError *cause = NULL;
    bool ok = svirt_creation_begin_sockets(compartment,
                                           SVIRT_SOCKET_FOR_MONITOR,
                                           &cause) &&
              (path != NULL
                   ? svirt_host_socket_listen_path(path, request->author,
                                                   request->refusals,
                                                   &listener, &dir, &cause)
                   : svirt_host_socket_listen(request->run_dir_fd, name, NULL,
                                              name, &listener, &cause));

    svirt_creation_end(compartment);
    /* What is in the run directory goes with it. */
    if (ok && path != NULL &&
        !svirt_launch_fds_take_socket(maker->fds, dir, last, index,
                                      request->author, error)) {
        return false;
    }
    if (!ok || !svirt_creation_label_socket(compartment,
                                            SVIRT_SOCKET_FOR_MONITOR,
                                            listener, &cause)) {
        return svirt_refusals_raise_use(error, cause, "socket",
                                        path != NULL ? path : name, line);
    }
    *ret_fd = svirt_fd_steal(&listener);
    return true;
}

static bool
make_listener(Maker *maker, const SvirtChardev *chardev,
              uint32_t serial, GError **error)
{
    const SvirtEndpointsRequest *request = maker->request;
    SvirtSpecFd entry = nobody;
    SVIRT_AUTO_FD listener = -1;

    if (chardev->type == SVIRT_CHARDEV_TCP) {
        unsigned port = 0;
        GError *cause = NULL;

        if (!svirt_tcp_listen(chardev->host, chardev->port, chardev->port,
                              request->author, &listener, &port, &cause)) {
            return tcp_failed(chardev, cause, error);
        }
    } else {
        g_autofree char *name =
            g_strdup_printf("channel%u", chardev->info.ordinal - 1);

        if (!svirt_endpoints_listen_unix(maker, chardev->path, name,
                                         chardev->source_line, serial,
                                         &listener, error)) {
            return false;
        }
        if (chardev->path == NULL) {
            svirt_endpoints_note(maker, "channel%u=%s/%s",
                                 chardev->info.ordinal, request->run_dir,
                                 name);
        }
    }
    entry.role = SVIRT_FD_SERIAL_LISTEN;
    entry.index = serial;
    entry.to = SVIRT_TO_MONITOR;
    entry.monitor = SVIRT_MONITOR_FD_SERIAL_SINK((int)serial);
    return take(maker, &listener, entry, error);
}

/*
 * A server of the host's the author names. The monitor has the connection and
 * relays bytes: over a connection of its own a VMM could pass the descriptors
 * of its images to whoever listens there.
 */
static bool
make_connection(Maker *maker, const SvirtChardev *chardev, uint32_t serial,
                GError **error)
{
    SvirtSpecFd entry = nobody;
    SVIRT_AUTO_FD connection = -1;
    GError *cause = NULL;

    if (chardev->type == SVIRT_CHARDEV_TCP) {
        if (!svirt_tcp_connect(chardev->host, chardev->port,
                               maker->request->author, &connection,
                               &cause)) {
            return tcp_failed(chardev, cause, error);
        }
    } else if (!svirt_host_socket_connect(
                   chardev->path, maker->request->author,
                   maker->request->refusals, &connection, &cause)) {
        return svirt_refusals_raise_use(error, cause, "socket", chardev->path,
                                        chardev->source_line);
    }
    entry.role = SVIRT_FD_SERIAL_PEER;
    entry.index = serial;
    entry.to = SVIRT_TO_MONITOR;
    entry.monitor = SVIRT_MONITOR_FD_SERIAL_SINK((int)serial);
    return take(maker, &connection, entry, error);
}

static bool
make_sink(Maker *maker, const SvirtChardev *chardev, uint32_t serial,
          SvirtSerialKind *ret_kind, GError **error)
{
    if (chardev->log_path != NULL) {
        if (chardev->type != SVIRT_CHARDEV_PTY) {
            return svirt_raise(error, SVIRT_ERROR_UNSUPPORTED, NULL,
                               "use type='pty' with <log>",
                               "line %u: a %s chardev has no <log> here",
                               chardev->log_line,
                               svirt_chardev_type_to_string(chardev->type));
        }
        *ret_kind = SVIRT_SERIAL_FILE;
        return make_file(maker, chardev->log_path, chardev->log_append,
                         chardev->log_line, serial, error);
    }
    switch (chardev->type) {
    case SVIRT_CHARDEV_PTY:
        *ret_kind = SVIRT_SERIAL_PTY;
        return make_pty(maker, chardev, serial, error);
    case SVIRT_CHARDEV_FILE:
        *ret_kind = SVIRT_SERIAL_FILE;
        return make_file(maker, chardev->path, chardev->append,
                         chardev->source_line, serial, error);
    case SVIRT_CHARDEV_UNIX:
    case SVIRT_CHARDEV_TCP:
        if (chardev->connect) {
            *ret_kind = SVIRT_SERIAL_CONNECTED;
            return make_connection(maker, chardev, serial, error);
        }
        *ret_kind = SVIRT_SERIAL_UNIX;
        return make_listener(maker, chardev, serial, error);
    case SVIRT_CHARDEV_NULL:
    case SVIRT_CHARDEV_SPICEVMC:
    case SVIRT_CHARDEV_TYPE_MAX:
        break;
    }
    g_assert_not_reached();
}

bool
svirt_endpoints_make_chardev(Maker *maker, size_t index,
                             GError **error)
{
    const SvirtChardev *chardev = &maker->request->domain->chardevs[index];
    SvirtEndpoints *made = maker->made;
    uint32_t serial = made->n_serials;

    made->chardevs[index] = -1;
    if (chardev->repeats_serial || chardev->type == SVIRT_CHARDEV_NULL ||
        chardev->type == SVIRT_CHARDEV_SPICEVMC) {
        return true;
    }
    if (serial >= SVIRT_MONITOR_MAX_SERIALS) {
        return svirt_raise(error, SVIRT_ERROR_UNSUPPORTED, NULL,
                           "remove some of them",
                           "line %u: a domain has at most %d serial ports, "
                           "consoles and channels",
                           chardev->info.line, SVIRT_MONITOR_MAX_SERIALS);
    }
    if (!maker->request->dry_run &&
        !make_sink(maker, chardev, serial, &made->serial[serial], error)) {
        return false;
    }
    made->n_serials++;
    return svirt_endpoints_pair(maker, SVIRT_FD_SERIAL, serial,
                                     SVIRT_TO_MONITOR,
                                     SVIRT_MONITOR_FD_SERIAL((int)serial),
                                     &made->chardevs[index], error);
}
