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

typedef bool (*RangeFunction)(int fd, struct flock *range);

/* The bytes from `base` on whose bit is set, as few ranges as there are. */
static bool
each_range(int fd, uint16_t bits, off_t base, RangeFunction one)
{
    for (unsigned i = 0; i < SVIRT_LOCK_PERMISSIONS; i++) {
        struct flock range = { .l_whence = SEEK_SET, .l_start = base + i };

        while (((bits >> i) & 1) != 0) {
            range.l_len++;
            i++;
        }
        if (range.l_len > 0 && !one(fd, &range)) {
            return false;
        }
    }
    return true;
}

static bool
lock_range(int fd, struct flock *range)
{
    range->l_type = F_RDLCK;
    return fcntl(fd, F_OFD_SETLK, range) == 0;
}

/* Somebody else's lock of any kind there conflicts with what we mean. */
static bool
range_is_free(int fd, struct flock *range)
{
    range->l_type = F_WRLCK;
    if (fcntl(fd, F_OFD_GETLK, range) < 0) {
        return false;
    }
    errno = EAGAIN;
    return range->l_type == F_UNLCK;
}

/* What the last call that failed means. EAGAIN of a lock: a writer's lock on
 * the byte itself, which nobody of ours or QEMU's takes; it is in use too. */
static SvirtLockResult
refusal(void)
{
    return errno == EAGAIN || errno == EACCES ? SVIRT_LOCK_BUSY
                                              : SVIRT_LOCK_FAILED;
}

SvirtLockResult
svirt_lock_bytes_take(int fd, SvirtLockBytes bytes)
{
    return each_range(fd, bytes.used, USED_BASE, lock_range) &&
                   each_range(fd, bytes.unshared, UNSHARED_BASE,
                              lock_range) &&
                   each_range(fd, bytes.used, UNSHARED_BASE,
                              range_is_free) &&
                   each_range(fd, bytes.unshared, USED_BASE, range_is_free)
               ? SVIRT_LOCK_TAKEN
               : refusal();
}

/* Marks what one line of fdinfo says is held; the kernel joins neighbours. */
static void
read_line(const char *line, SvirtLockBytes *held)
{
    unsigned long long first, last;
    char kind[16], end[24];

    if (sscanf(line, "lock: %*d: %15s %*15s %*15s %*d %*63s %llu %23s", kind,
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
