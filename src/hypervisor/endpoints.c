/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hypervisor/endpoints-private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "hypervisor/host-socket.h"
#include "hypervisor/live.h"
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
    g_free(endpoints->passwords);
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

void
svirt_endpoints_note(Maker *maker, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    g_string_append_vprintf(maker->live, format, args);
    va_end(args);
    g_string_append_c(maker->live, '\n');
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

bool
svirt_endpoints_make(const SvirtEndpointsRequest *request,
                     SvirtLaunchFds *fds, SvirtEndpoints **ret,
                     GError **error)
{
    const SvirtDomain *domain = request->domain;
    g_autoptr(SvirtEndpoints) made = g_new0(SvirtEndpoints, 1);
    g_autoptr(GPtrArray) pty_paths = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GString) live = g_string_new(NULL);
    Maker maker = { request, fds, made, pty_paths, live };

    if (!svirt_qemu_check_interfaces(domain, error)) {
        return false;
    }
    made->chardevs = g_new0(int, domain->chardev_count + 1);
    made->nets = g_new0(int, domain->interface_count + 1);
    made->taps = g_new0(SvirtQemuTap, domain->interface_count + 1);
    made->passwords = g_new0(int, domain->graphics_count + 1);
    if (!make_log(&maker, error) || !make_log_files(&maker, error) ||
        !svirt_endpoints_pair(&maker, SVIRT_FD_QMP, 0, SVIRT_TO_MONITOR,
                              SVIRT_MONITOR_FD_QMP, &made->qmp, error) ||
        !make_control(&maker, error) ||
        !svirt_endpoints_make_nets(&maker, error)) {
        return false;
    }
    for (size_t i = 0; i < domain->chardev_count; i++) {
        if (!svirt_endpoints_make_chardev(&maker, i, error)) {
            return false;
        }
    }
    if (!svirt_endpoints_make_vsock(&maker, error) ||
        !svirt_endpoints_make_graphics(&maker, error) ||
        (live->len > 0 && !request->dry_run &&
         !svirt_live_write(request->run_dir_fd, live->str, error))) {
        return false;
    }
    g_ptr_array_add(pty_paths, NULL);
    made->pty_paths = (char **)g_ptr_array_steal(pty_paths, NULL);
    *ret = g_steal_pointer(&made);
    return true;
}
