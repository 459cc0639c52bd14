/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "selftest/targets-private.h"

#include "base/error.h"
#include "base/fd.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 128

static int
unix_listen(int type, const char *name, bool abstract, mode_t mode,
            GError **error)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    socklen_t length = (socklen_t)(G_STRUCT_OFFSET(struct sockaddr_un,
                                                   sun_path) +
                                   strlen(name) + 1);
    int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

    (void)g_strlcpy(address.sun_path + abstract, name,
                    sizeof(address.sun_path) - 1);
    if (fd < 0 ||
        bind(fd, (const struct sockaddr *)&address, length) < 0 ||
        (type == SOCK_STREAM && listen(fd, BACKLOG) < 0) ||
        (!abstract && chmod(name, mode) < 0)) {
        (void)svirt_raise_errno(error, errno, NULL,
                                "cannot listen on '%s'", name);
        if (fd >= 0) {
            (void)close(fd);
        }
        return -1;
    }
    return fd;
}

static int
inet_listen(int type, int64_t *ret_port, GError **error)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)
    };
    socklen_t length = sizeof(address);
    int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

    if (fd < 0 || bind(fd, (struct sockaddr *)&address, length) < 0 ||
        (type == SOCK_STREAM && listen(fd, BACKLOG) < 0) ||
        getsockname(fd, (struct sockaddr *)&address, &length) < 0) {
        (void)svirt_raise_errno(error, errno, NULL,
                                "cannot listen on 127.0.0.1");
        if (fd >= 0) {
            (void)close(fd);
        }
        return -1;
    }
    *ret_port = ntohs(address.sin_port);
    return fd;
}

bool
svirt_selftest_sockets_make(SvirtSelftestTargets *targets, GError **error)
{
    SvirtProbeTarget *at = &targets->target;
    const struct {
        int type;
        bool abstract;
        mode_t mode;
        const char *directory;
        const char *name;
        char *ret;
    } sockets[] = {
        { SOCK_STREAM, false, 0700, targets->private_directory, "socket",
          at->unix_private },
        { SOCK_STREAM, false, 0777, at->var_directory, "world",
          at->unix_world },
        { SOCK_DGRAM, false, 0777, at->var_directory, "datagram",
          at->unix_datagram },
        { SOCK_STREAM, true, 0, "svirt-selftest", "stream",
          at->abstract_stream },
        { SOCK_DGRAM, true, 0, "svirt-selftest", "datagram",
          at->abstract_datagram },
    };
    int *fds = targets->listen_fds;

    for (size_t i = 0; i < G_N_ELEMENTS(sockets); i++) {
        if (sockets[i].abstract) {
            (void)g_snprintf(sockets[i].ret, SVIRT_PROBE_PATH, "%s-%d-%s",
                             sockets[i].directory, getpid(),
                             sockets[i].name);
        } else {
            (void)g_snprintf(sockets[i].ret, SVIRT_PROBE_PATH, "%s/%s",
                             sockets[i].directory, sockets[i].name);
        }
        fds[i] = unix_listen(sockets[i].type, sockets[i].ret,
                             sockets[i].abstract, sockets[i].mode, error);
        if (fds[i] < 0) {
            return false;
        }
    }
    fds[5] = inet_listen(SOCK_STREAM, &at->tcp_port, error);
    if (fds[5] < 0) {
        return false;
    }
    fds[6] = inet_listen(SOCK_DGRAM, &at->udp_port, error);
    return fds[6] >= 0;
}

/* A device filter may keep root itself from a disk. */
static bool
block_try(const char *name, SvirtProbeTarget *at)
{
    g_autofree char *path = g_strconcat("/dev/", name, NULL);
    SVIRT_AUTO_FD fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    struct stat st;

    if (fd < 0 || fstat(fd, &st) < 0 || !S_ISBLK(st.st_mode)) {
        return false;
    }
    (void)g_strlcpy(at->block_device, path, sizeof(at->block_device));
    at->block_number = (int64_t)st.st_rdev;
    return true;
}

void
svirt_selftest_devices_find(SvirtSelftestTargets *targets)
{
    static const char *const cgroups[] = {
        "/sys/fs/cgroup/cgroup.procs",
        "/sys/fs/cgroup/unified/cgroup.procs",
    };
    SvirtProbeTarget *at = &targets->target;
    g_autofree char *partitions = NULL;
    g_auto(GStrv) lines = NULL;

    for (size_t i = 0; i < G_N_ELEMENTS(cgroups); i++) {
        if (access(cgroups[i], F_OK) == 0) {
            (void)g_strlcpy(at->cgroup_procs, cgroups[i],
                            sizeof(at->cgroup_procs));
            break;
        }
    }
    if (!g_file_get_contents("/proc/partitions", &partitions, NULL, NULL)) {
        partitions = g_strdup("");
    }
    lines = g_strsplit(partitions, "\n", -1);
    for (size_t i = 0; lines[i]; i++) {
        char name[64];

        if (sscanf(lines[i], "%*u %*u %*u %63s", name) == 1 &&
            !g_str_has_prefix(name, "loop") &&
            !g_str_has_prefix(name, "ram") && block_try(name, at)) {
            return;
        }
    }
    (void)block_try("loop0", at);
}
