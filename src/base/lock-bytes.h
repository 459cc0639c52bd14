/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/*
 * Where QEMU's image locks lie: read locks of an open file description
 * (fcntl(2) F_OFD_SETLK) on byte 100 + i, permission i is in use, and 200 + i,
 * it is not shared with others; block/file-posix.c. No GLib.
 */
#define SVIRT_LOCK_PERMISSIONS 4u /* GRAPH_MOD, bit 4, is never taken here */
#define SVIRT_LOCK_ALL ((1u << SVIRT_LOCK_PERMISSIONS) - 1)

typedef struct SvirtLockBytes {
    uint16_t used;     /* bit i: byte 100 + i */
    uint16_t unshared; /* bit i: byte 200 + i */
} SvirtLockBytes;

typedef enum SvirtLockResult {
    SVIRT_LOCK_TAKEN,
    SVIRT_LOCK_BUSY,  /* announced, but somebody else's locks exclude it */
    SVIRT_LOCK_FAILED /* errno: ENOLCK, EINVAL, EOPNOTSUPP, EBADF, ... */
} SvirtLockResult;

/*
 * As QEMU: first announces all, then looks for what conflicts. Two that start
 * at the same moment may both lose, but never both win. `fd` is open for
 * reading. Never waits; locks that the description holds already stay.
 */
SvirtLockResult svirt_lock_bytes_take(int fd, SvirtLockBytes bytes);
/*
 * Does this very description hold all of them? proc(5): fdinfo of the calling
 * process. False, too, when that cannot be read.
 */
bool svirt_lock_bytes_held(int fd, SvirtLockBytes bytes);
/* The same of descriptor `fd` of the process whose /proc/PID is process_dir. */
bool svirt_lock_bytes_held_by(int process_dir, int fd, SvirtLockBytes bytes);
