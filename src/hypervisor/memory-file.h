/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* Larger kernels and initrds are INVALID. */
#define SVIRT_MEMORY_FILE_MAX (2ull * 1024 * 1024 * 1024)

/*
 * A sealed memfd with the content of `source` (a regular file open for
 * reading): what QEMU reads as -kernel and -initrd, through its own
 * /proc/self/fd, without a path of the host. The descriptor (CLOEXEC) is the
 * caller's. memfd_create(2).
 */
bool svirt_memory_file_copy(int source, const char *shown_path, int *ret_fd,
                            GError **error);
