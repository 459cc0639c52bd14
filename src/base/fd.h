/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Closes *fd when it is not -1; errno is kept. */
void svirt_fd_close(int *fd);
/* Hands the descriptor over: *fd becomes -1. */
int svirt_fd_steal(int *fd);

/* A descriptor that is closed at the end of its scope; -1 is unset. */
#define SVIRT_AUTO_FD __attribute__((cleanup(svirt_fd_close))) int

/*
 * Read or write the whole buffer, through EINTR and short counts. Read gives
 * the bytes got (less than size at end of file), -1 with errno on failure.
 */
ssize_t svirt_read_full(int fd, void *buffer, size_t size);
ssize_t svirt_pread_full(int fd, void *buffer, size_t size, off_t offset);
bool svirt_write_full(int fd, const void *buffer, size_t size);

/*
 * The content of a small file (/proc, /sys) as text with a NUL, at most
 * size - 1 bytes. The length, or -1 with errno (EFBIG: longer than that).
 */
ssize_t svirt_read_small(int dir_fd, const char *path, char *text, size_t size);
