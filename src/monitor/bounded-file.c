/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "monitor/bounded-file.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

void
svirt_bounded_file_init(SvirtBoundedFile *file, int fd, int rotated_fd,
                        uint64_t limit_bytes)
{
    struct stat st;

    *file = (SvirtBoundedFile){
        .fd = fd,
        .rotated_fd = rotated_fd,
        .limit_bytes = limit_bytes,
    };
    if (fd >= 0 && fstat(fd, &st) == 0) {
        file->size_bytes = (uint64_t)st.st_size;
    }
}

static size_t
write_at(int fd, const char *bytes, size_t length, uint64_t offset)
{
    size_t done = 0;

    while (done < length) {
        ssize_t put = pwrite(fd, bytes + done, length - done,
                             (off_t)(offset + done));

        if (put < 0 && errno == EINTR) {
            continue;
        }
        if (put <= 0) {
            break;
        }
        done += (size_t)put;
    }
    return done;
}

static void
rotate(SvirtBoundedFile *file)
{
    char block[4096];
    uint64_t offset = 0;

    /* What cannot be kept is given up: the new lines matter more. */
    if (ftruncate(file->rotated_fd, 0) == 0) {
        while (offset < file->size_bytes && offset < file->limit_bytes) {
            ssize_t got = pread(file->fd, block, sizeof(block), (off_t)offset);

            if (got <= 0 || write_at(file->rotated_fd, block, (size_t)got,
                                     offset) != (size_t)got) {
                break;
            }
            offset += (uint64_t)got;
        }
    }
    if (ftruncate(file->fd, 0) == 0) {
        file->size_bytes = 0;
    }
}

size_t
svirt_bounded_file_write(SvirtBoundedFile *file, const char *bytes,
                         size_t length)
{
    size_t done = 0;

    if (file->fd < 0) {
        return 0;
    }
    if (file->rotated_fd >= 0 && file->size_bytes > 0 &&
        file->size_bytes + length > file->limit_bytes) {
        rotate(file);
    }
    if (file->size_bytes < file->limit_bytes) {
        uint64_t room = file->limit_bytes - file->size_bytes;

        done = write_at(file->fd, bytes, length < room ? length : room,
                        file->size_bytes);
        file->size_bytes += done;
    }
    return done;
}
