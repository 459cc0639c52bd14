/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>
#include <stdint.h>

/*
 * A file that never grows over its limit. With a second descriptor the full
 * file is copied there and starts anew: two descriptors and no name, because
 * the writer has no file system. At most twice the limit on disk.
 */
typedef struct SvirtBoundedFile {
    int fd;         /* borrowed, -1 unset; regular, read-write */
    int rotated_fd; /* borrowed, -1: what does not fit is dropped */
    uint64_t limit_bytes;
    uint64_t size_bytes;
} SvirtBoundedFile;

/* The file may have content, of a predecessor: it is continued. */
void svirt_bounded_file_init(SvirtBoundedFile *file, int fd, int rotated_fd,
                             uint64_t limit_bytes);
/* How much was written; the rest is dropped (full, no space, I/O error). */
size_t svirt_bounded_file_write(SvirtBoundedFile *file, const char *bytes,
                                size_t length);
