/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "base/lock-bytes.h"

/*
 * QEMU's image locks (base/lock-bytes.h), taken by svirt. Another QEMU or
 * qemu-img then sees the image in use; the VMM itself runs with "locking":
 * "off" and its filter denies it every lock call.
 */
typedef enum SvirtImageLock {
    SVIRT_IMAGE_LOCK_READ,      /* reads; others may read, nobody may write */
    SVIRT_IMAGE_LOCK_SHARED,    /* reads and writes, and so may others */
    SVIRT_IMAGE_LOCK_EXCLUSIVE, /* reads and writes, nobody else writes; as
                                   QEMU, qemu-img -U may still look */
} SvirtImageLock;

/* Which bytes that is. */
SvirtLockBytes svirt_image_lock_bytes(SvirtImageLock lock);
/*
 * Takes the locks on `fd`, a description of its own that is open for reading
 * and that keeper and VMM keep: the lock lives as long as either. BUSY when
 * somebody else uses the image in a way that excludes this one; the caller
 * knows whose VM that may be. UNSUPPORTED: a file system without such locks.
 */
bool svirt_image_lock_take(int fd, SvirtImageLock lock, const char *shown_path,
                           GError **error);
