/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * A sealed memfd with the content of `source` (a regular file open for
 * reading): what QEMU reads as -kernel and -initrd, through its own
 * /proc/self/fd, without a path of the host. More than `max_bytes` is INVALID:
 * what does not fit into the guest cannot be booted, only fill the host. The
 * descriptor (CLOEXEC) is the caller's. memfd_create(2).
 */
bool svirt_memory_file_copy(int source, uint64_t max_bytes,
                            const char *shown_path, int *ret_fd,
                            GError **error);
