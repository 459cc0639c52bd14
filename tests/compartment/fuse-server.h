/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/types.h>

/* The one file of such a file system, and its size. */
#define FUSE_SERVER_FILE "disk"
#define FUSE_SERVER_BYTES (1u << 20)

/*
 * Mounts FUSE on `directory` and serves it, by the protocol of <linux/fuse.h>
 * and no library, until the mount is gone: one file, which can be read, written
 * and given attributes, and nothing of which the kernel may remember. Once
 * there is a file `stall` requests are read and never answered. `ready` gets a
 * byte when it is mounted. Returns an errno when it cannot be mounted.
 */
int fuse_serve(const char *directory, const char *stall, int ready);
