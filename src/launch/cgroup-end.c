/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "launch/cgroup-file.h"
#include "launch/cgroup.h"

#define DIRECTORY (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
/* Between two looks, where the kernel's notice came before we waited. */
#define LOOK_AGAIN_MS 100

static int64_t
now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

bool
svirt_cgroup_file_write(int dir, const char *file, const char *text)
{
    SVIRT_AUTO_FD fd = openat(dir, file, O_WRONLY | O_CLOEXEC);
    size_t length = strlen(text);

    return fd >= 0 && write(fd, text, length) == (ssize_t)length;
}

/* cgroup.events: "populated 0" when nothing lives in it or below. */
static bool
read_populated(int fd, bool *ret)
{
    char text[256];
    ssize_t got = svirt_pread_full(fd, text, sizeof(text) - 1, 0);
    const char *found;

    if (got < 0) {
        return false;
    }
    text[got] = '\0';
    found = strstr(text, "populated ");
    if (found == NULL) {
        errno = EPROTO;
        return false;
    }
    *ret = found[strlen("populated ")] != '0';
    return true;
}

bool
svirt_cgroup_is_empty(int dir)
{
    SVIRT_AUTO_FD fd = openat(dir, "cgroup.events", O_RDONLY | O_CLOEXEC);
    bool populated = true;

    return fd >= 0 && read_populated(fd, &populated) && !populated;
}

static bool
wait_empty(int dir, int64_t deadline_ms)
{
    SVIRT_AUTO_FD fd = openat(dir, "cgroup.events", O_RDONLY | O_CLOEXEC);

    if (fd < 0) {
        return false;
    }
    for (;;) {
        struct pollfd poll_fd = { .fd = fd, .events = POLLPRI };
        bool populated;
        int64_t left_ms = deadline_ms - now_ms();

        if (!read_populated(fd, &populated)) {
            return false;
        }
        if (!populated) {
            return true;
        }
        if (left_ms <= 0) {
            errno = ETIMEDOUT;
            return false;
        }
        if (poll(&poll_fd, 1, (int)(left_ms < LOOK_AGAIN_MS
                                    ? left_ms : LOOK_AGAIN_MS)) < 0 &&
            errno != EINTR) {
            return false;
        }
    }
}

bool
svirt_cgroup_kill(int cgroup_fd, int timeout_ms)
{
    int64_t deadline_ms = now_ms() + timeout_ms;

    return svirt_cgroup_file_write(cgroup_fd, "cgroup.kill", "1") &&
           wait_empty(cgroup_fd, deadline_ms);
}

bool
svirt_cgroup_rmdir(int parent_fd, const SvirtUuid *uuid)
{
    char name[SVIRT_UUID_TEXT];
    SVIRT_AUTO_FD vm = -1;

    svirt_uuid_format(uuid, name);
    vm = openat(parent_fd, name, DIRECTORY);
    if (vm < 0) {
        return errno == ENOENT;
    }
    if ((unlinkat(vm, "vmm", AT_REMOVEDIR) < 0 && errno != ENOENT) ||
        (unlinkat(vm, "helper", AT_REMOVEDIR) < 0 && errno != ENOENT)) {
        return false;
    }
    return unlinkat(parent_fd, name, AT_REMOVEDIR) == 0 || errno == ENOENT;
}

bool
svirt_cgroup_remove(int parent_fd, const SvirtUuid *uuid, int timeout_ms)
{
    int64_t deadline_ms = now_ms() + timeout_ms;
    char name[SVIRT_UUID_TEXT];
    SVIRT_AUTO_FD vm = -1;

    svirt_uuid_format(uuid, name);
    vm = openat(parent_fd, name, DIRECTORY);
    if (vm < 0) {
        return errno == ENOENT;
    }
    if (!svirt_cgroup_kill(vm, timeout_ms)) {
        return false;
    }
    /* A dead process may hold its cgroup for a moment more. */
    for (;;) {
        const struct timespec pause = { .tv_nsec = 1000000 };

        if (svirt_cgroup_rmdir(parent_fd, uuid)) {
            return true;
        }
        if (errno != EBUSY || now_ms() >= deadline_ms) {
            return false;
        }
        (void)nanosleep(&pause, NULL);
    }
}
