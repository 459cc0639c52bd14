/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/lock-bytes.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"

#define USED_BASE 100
#define UNSHARED_BASE 200
/* Eight locks of a line each; who has more holds other bytes as well. */
#define FDINFO_BYTES 8192u

static bool
lock_byte(int fd, off_t byte)
{
    struct flock lock = {
        .l_type = F_RDLCK,
        .l_whence = SEEK_SET,
        .l_start = byte,
        .l_len = 1,
    };

    return fcntl(fd, F_OFD_SETLK, &lock) == 0;
}

/* Somebody else's lock of any kind there conflicts with what we mean. */
static bool
byte_is_free(int fd, off_t byte, bool *ret_free)
{
    struct flock lock = {
        .l_type = F_WRLCK,
        .l_whence = SEEK_SET,
        .l_start = byte,
        .l_len = 1,
    };

    if (fcntl(fd, F_OFD_GETLK, &lock) < 0) {
        return false;
    }
    *ret_free = lock.l_type == F_UNLCK;
    return true;
}

static bool
has(uint16_t mask, unsigned i)
{
    return ((mask >> i) & 1) != 0;
}

SvirtLockResult
svirt_lock_bytes_take(int fd, SvirtLockBytes bytes)
{
    for (unsigned i = 0; i < SVIRT_LOCK_PERMISSIONS; i++) {
        if ((has(bytes.used, i) && !lock_byte(fd, USED_BASE + i)) ||
            (has(bytes.unshared, i) && !lock_byte(fd, UNSHARED_BASE + i))) {
            /* A writer's lock on the byte itself: nobody of ours or QEMU's
               takes such, but whoever does means that it is in use. */
            return errno == EAGAIN || errno == EACCES ? SVIRT_LOCK_BUSY
                                                      : SVIRT_LOCK_FAILED;
        }
    }
    for (unsigned i = 0; i < SVIRT_LOCK_PERMISSIONS; i++) {
        bool unshared_free = true;
        bool used_free = true;

        if ((has(bytes.used, i) &&
             !byte_is_free(fd, UNSHARED_BASE + i, &unshared_free)) ||
            (has(bytes.unshared, i) &&
             !byte_is_free(fd, USED_BASE + i, &used_free))) {
            return SVIRT_LOCK_FAILED;
        }
        if (!unshared_free || !used_free) {
            return SVIRT_LOCK_BUSY;
        }
    }
    return SVIRT_LOCK_TAKEN;
}

/* Marks what one line of fdinfo says is held; the kernel joins neighbours. */
static void
read_line(const char *line, SvirtLockBytes *held)
{
    unsigned long long first, last;
    char kind[16], end[24];

    if (sscanf(line, "lock: %*d: %15s %*15s %*15s %*d %*23s %llu %23s", kind,
               &first, end) != 3 ||
        strcmp(kind, "OFDLCK") != 0) {
        return;
    }
    last = strcmp(end, "EOF") == 0 ? UINT64_MAX : strtoull(end, NULL, 10);
    for (unsigned i = 0; i < SVIRT_LOCK_PERMISSIONS; i++) {
        if (first <= USED_BASE + i && USED_BASE + i <= last) {
            held->used |= (uint16_t)(1u << i);
        }
        if (first <= UNSHARED_BASE + i && UNSHARED_BASE + i <= last) {
            held->unshared |= (uint16_t)(1u << i);
        }
    }
}

static bool
held_at(int dir_fd, const char *path, SvirtLockBytes bytes)
{
    SvirtLockBytes held = { 0, 0 };
    char text[FDINFO_BYTES];
    char *rest = text;
    char *line;

    if (svirt_read_small(dir_fd, path, text, sizeof(text)) < 0) {
        return false;
    }
    while ((line = strsep(&rest, "\n")) != NULL) {
        read_line(line, &held);
    }
    return (held.used & bytes.used) == bytes.used &&
           (held.unshared & bytes.unshared) == bytes.unshared;
}

bool
svirt_lock_bytes_held(int fd, SvirtLockBytes bytes)
{
    char path[40];

    (void)snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
    return held_at(AT_FDCWD, path, bytes);
}

bool
svirt_lock_bytes_held_by(int process_dir, int fd, SvirtLockBytes bytes)
{
    char path[32];

    (void)snprintf(path, sizeof(path), "fdinfo/%d", fd);
    return held_at(process_dir, path, bytes);
}
