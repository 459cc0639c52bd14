/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launch/userns.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "launch/process-private.h"

/* In one write(2): the kernel takes a map once. */
static bool
write_map(pid_t pid, const char *which, uint32_t from, uint32_t to)
{
    char path[64];
    char text[64];
    SVIRT_AUTO_FD fd = -1;
    int length;

    (void)snprintf(path, sizeof(path), "/proc/%d/%s", pid, which);
    length = snprintf(text, sizeof(text), "%u %u 1\n", from, to);
    fd = open(path, O_WRONLY | O_CLOEXEC);
    return fd >= 0 && write(fd, text, (size_t)length) == length;
}

static int
map_and_open(pid_t pid, const SvirtSpecIds *from, const SvirtSpecIds *to)
{
    char path[64];

    if (!write_map(pid, "uid_map", from->uid, to->uid) ||
        !write_map(pid, "gid_map", from->gid, to->gid)) {
        return -1;
    }
    (void)snprintf(path, sizeof(path), "/proc/%d/ns/user", pid);
    return open(path, O_RDONLY | O_CLOEXEC);
}

int
svirt_userns_for_owner(const SvirtSpecIds *from, const SvirtSpecIds *to)
{
    SVIRT_AUTO_FD pidfd = -1;
    bool enter;
    pid_t pid = svirt_process_clone(CLONE_NEWUSER, -1, &pidfd, &enter);
    siginfo_t info;
    int fd;
    int saved;

    if (pid == 0) {
        for (;;) {
            (void)pause();
        }
    }
    if (pid < 0) {
        return -1;
    }
    fd = map_and_open(pid, from, to);
    saved = errno;
    svirt_process_kill(pidfd, &info);
    errno = saved;
    return fd;
}
