/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hypervisor/endpoints-private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "hypervisor/host-socket.h"
#include "hypervisor/model-labels.h"
#include "hypervisor/output-file.h"
#include "keeper/layout.h"

void
svirt_endpoints_free(SvirtEndpoints *endpoints)
{
    if (endpoints == NULL) {
        return;
    }
    g_free(endpoints->chardevs);
    g_free(endpoints->nets);
    g_free(endpoints->taps);
    g_strfreev(endpoints->pty_paths);
    g_free(endpoints);
}

/* A pair is labelled at birth or, where a model cannot, before it is used. */
static bool
make_labelled_pair(Maker *maker, int pair[2], GError **error)
{
    const SvirtCompartment *compartment = maker->request->compartment;
    bool ok = svirt_creation_begin_sockets(compartment, SVIRT_SOCKET_FOR_VMM,
                                           error);

    pair[0] = pair[1] = -1;
    if (ok && socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0) {
        ok = svirt_raise_errno(error, errno, NULL,
                               "cannot make a socket pair");
    }
    svirt_creation_end(compartment);
    return ok &&
           svirt_creation_label_socket(compartment, SVIRT_SOCKET_FOR_VMM,
                                       pair[0], error) &&
           svirt_creation_label_socket(compartment, SVIRT_SOCKET_FOR_VMM,
                                       pair[1], error);
}

static bool
take(Maker *maker, int *fd, SvirtSpecFd entry, GError **error)
{
    return svirt_launch_fds_take(maker->fds, fd, &entry, error);
}

bool
svirt_endpoints_pair(Maker *maker, SvirtFdRole role, uint32_t index,
                     uint32_t peer, int peer_number, int *ret_vmm,
                     GError **error)
{
    SvirtSpecFd mine = nobody;
    SvirtSpecFd theirs = nobody;
    int pair[2];
    bool ok;

    if (!make_labelled_pair(maker, pair, error)) {
        svirt_fd_close(&pair[0]);
        svirt_fd_close(&pair[1]);
        return false;
    }
    mine.role = theirs.role = role;
    mine.index = theirs.index = index;
    mine.to = SVIRT_TO_VMM;
    mine.vmm = svirt_launch_fds_next(maker->fds);
    theirs.to = peer;
    theirs.monitor = peer == SVIRT_TO_MONITOR ? peer_number : -1;
    theirs.passt = peer == SVIRT_TO_MONITOR ? -1 : peer_number;
    ok = take(maker, &pair[0], mine, error) &&
         take(maker, &pair[1], theirs, error);
    svirt_fd_close(&pair[0]);
    svirt_fd_close(&pair[1]);
    if (ok) {
        *ret_vmm = mine.vmm;
    }
    return ok;
}

/* Nobody is started with a closed 0, 1 or 2: it would be the next file. */
static bool
make_null(Maker *maker, int number, bool vmm, GError **error)
{
    unsigned passts = svirt_nets_passts(maker->request->nets);
    SVIRT_AUTO_FD fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    SvirtSpecFd entry = {
        .to = SVIRT_TO_MONITOR | (vmm ? SVIRT_TO_VMM : 0) |
              (SVIRT_TO_PASST(passts) - SVIRT_TO_PASST(0)),
        .vmm = vmm ? number : -1,
        .monitor = number,
        .passt = passts > 0 ? number : -1,
        .role = SVIRT_FD_NULL,
    };

    if (fd < 0) {
        return svirt_raise_errno(error, errno, NULL, "cannot open /dev/null");
    }
    return take(maker, &fd, entry, error);
}

static bool
make_log(Maker *maker, GError **error)
{
    SvirtSpecFd output = nobody;
    SvirtSpecFd input = nobody;
    SVIRT_AUTO_FD again = -1;
    int pipes[2] = { -1, -1 };
    bool ok;

    /* Never blocking: a VMM must not hang on a log nobody reads. */
    if (pipe2(pipes, O_CLOEXEC | O_NONBLOCK) < 0) {
        return svirt_raise_errno(error, errno, NULL, "cannot make the log");
    }
    again = fcntl(pipes[1], F_DUPFD_CLOEXEC, 3);
    output.role = input.role = SVIRT_FD_LOG;
    output.to = SVIRT_TO_VMM;
    output.vmm = 1;
    input.to = SVIRT_TO_MONITOR;
    input.monitor = SVIRT_MONITOR_FD_LOG;
    ok = make_null(maker, 0, true, error) &&
         make_null(maker, 1, false, error) &&
         make_null(maker, 2, false, error) &&
         take(maker, &pipes[0], input, error) &&
         take(maker, &pipes[1], output, error);
    output.vmm = 2;
    ok = ok && take(maker, &again, output, error);
    svirt_fd_close(&pipes[0]);
    svirt_fd_close(&pipes[1]);
    return ok;
}

static bool
make_log_files(Maker *maker, GError **error)
{
    SVIRT_AUTO_FD dir = -1;

    if (maker->request->dry_run) {
        return true;
    }
    if (!svirt_connection_open_dir(maker->request->log_dir, true, &dir,
                                   error)) {
        return false;
    }
    for (uint32_t i = 0; i < 2; i++) {
        g_autofree char *name = svirt_log_file_name(
            maker->request->domain->name, &maker->request->domain->uuid, i);
        SvirtSpecFd entry = nobody;
        SVIRT_AUTO_FD file = openat(
            dir, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

        if (file < 0) {
            return svirt_raise_errno(error, errno, NULL,
                                     "cannot open log file '%s' in '%s'",
                                     name, maker->request->log_dir);
        }
        if (!svirt_creation_label_log(maker->request->compartment, file, name,
                                      error)) {
            return false;
        }
        entry.role = SVIRT_FD_LOG_FILE;
        entry.index = i;
        entry.to = SVIRT_TO_MONITOR;
        entry.monitor =
            i == 0 ? SVIRT_MONITOR_FD_LOG_FILE : SVIRT_MONITOR_FD_LOG_ROTATED;
        if (!take(maker, &file, entry, error)) {
            return false;
        }
    }
    return true;
}

static bool
make_control(Maker *maker, GError **error)
{
    const SvirtCompartment *compartment = maker->request->compartment;
    SvirtSpecFd entry = nobody;
    SVIRT_AUTO_FD listener = -1;
    bool ok = svirt_creation_begin_sockets(compartment,
                                           SVIRT_SOCKET_FOR_MONITOR, error) &&
              svirt_host_socket_listen(maker->request->run_dir_fd,
                                       SVIRT_RUN_CONTROL, NULL,
                                       SVIRT_RUN_CONTROL, &listener, error);

    svirt_creation_end(compartment);
    if (!ok || !svirt_creation_label_socket(compartment,
                                            SVIRT_SOCKET_FOR_MONITOR,
                                            listener, error)) {
        return false;
    }
    entry.role = SVIRT_FD_CONTROL;
    entry.to = SVIRT_TO_MONITOR;
    entry.monitor = SVIRT_MONITOR_FD_CONTROL;
    return take(maker, &listener, entry, error);
}

/*
 * A terminal: the monitor holds the master. The slave is made raw, and kept
 * open by the keeper so that the master never sees a hang-up.
 */
static bool
make_pty(Maker *maker, uint32_t serial, GError **error)
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

static bool
make_listener(Maker *maker, const SvirtChardev *chardev, uint32_t serial,
              GError **error)
{
    SvirtSpecFd entry = nobody;
    SVIRT_AUTO_FD listener = -1;
    const SvirtCompartment *compartment = maker->request->compartment;
    g_autofree char *name = g_path_get_basename(chardev->path);
    g_autoptr(SvirtObject) dir = NULL;
    GError *cause = NULL;
    bool ok = svirt_creation_begin_sockets(compartment,
                                           SVIRT_SOCKET_FOR_MONITOR,
                                           &cause) &&
              svirt_host_socket_listen_path(
                  chardev->path, maker->request->author,
                  maker->request->refusals, &listener, &dir, &cause);

    svirt_creation_end(compartment);
    if (ok && !svirt_launch_fds_take_socket(maker->fds, dir, name, serial,
                                            maker->request->author, error)) {
        return false;
    }
    if (!ok || !svirt_creation_label_socket(compartment,
                                            SVIRT_SOCKET_FOR_MONITOR,
                                            listener, &cause)) {
        return svirt_refusals_raise_use(error, cause, "socket", chardev->path,
                                        chardev->source_line);
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

    if (!svirt_host_socket_connect(chardev->path, maker->request->author,
                                   maker->request->refusals, &connection,
                                   &cause)) {
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
        if (chardev->type == SVIRT_CHARDEV_FILE ||
            chardev->type == SVIRT_CHARDEV_UNIX) {
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
        return make_pty(maker, serial, error);
    case SVIRT_CHARDEV_FILE:
        *ret_kind = SVIRT_SERIAL_FILE;
        return make_file(maker, chardev->path, chardev->append,
                         chardev->source_line, serial, error);
    case SVIRT_CHARDEV_UNIX:
        if (chardev->path == NULL) {
            *ret_kind = SVIRT_SERIAL_CONSOLE;
            return true;
        }
        if (chardev->connect) {
            *ret_kind = SVIRT_SERIAL_CONNECTED;
            return make_connection(maker, chardev, serial, error);
        }
        *ret_kind = SVIRT_SERIAL_UNIX;
        return make_listener(maker, chardev, serial, error);
    case SVIRT_CHARDEV_NULL:
    case SVIRT_CHARDEV_TYPE_MAX:
        break;
    }
    g_assert_not_reached();
}

static bool
make_chardev(Maker *maker, size_t index, GError **error)
{
    const SvirtChardev *chardev = &maker->request->domain->chardevs[index];
    SvirtEndpoints *made = maker->made;
    uint32_t serial = made->n_serials;

    made->chardevs[index] = -1;
    if (chardev->repeats_serial || chardev->type == SVIRT_CHARDEV_NULL) {
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

bool
svirt_endpoints_make(const SvirtEndpointsRequest *request,
                     SvirtLaunchFds *fds, SvirtEndpoints **ret,
                     GError **error)
{
    const SvirtDomain *domain = request->domain;
    g_autoptr(SvirtEndpoints) made = g_new0(SvirtEndpoints, 1);
    g_autoptr(GPtrArray) pty_paths = g_ptr_array_new_with_free_func(g_free);
    Maker maker = { request, fds, made, pty_paths };

    if (!svirt_qemu_check_interfaces(domain, error)) {
        return false;
    }
    made->chardevs = g_new0(int, domain->chardev_count + 1);
    made->nets = g_new0(int, domain->interface_count + 1);
    made->taps = g_new0(SvirtQemuTap, domain->interface_count + 1);
    if (!make_log(&maker, error) || !make_log_files(&maker, error) ||
        !svirt_endpoints_pair(&maker, SVIRT_FD_QMP, 0, SVIRT_TO_MONITOR,
                              SVIRT_MONITOR_FD_QMP, &made->qmp, error) ||
        !make_control(&maker, error) ||
        !svirt_endpoints_make_nets(&maker, error)) {
        return false;
    }
    for (size_t i = 0; i < domain->chardev_count; i++) {
        if (!make_chardev(&maker, i, error)) {
            return false;
        }
    }
    g_ptr_array_add(pty_paths, NULL);
    made->pty_paths = (char **)g_ptr_array_steal(pty_paths, NULL);
    *ret = g_steal_pointer(&made);
    return true;
}
