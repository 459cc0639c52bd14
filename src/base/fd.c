/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

void
svirt_fd_close(int *fd)
{
    int saved = errno;

    if (*fd >= 0) {
        /* Nothing can be done about a failing close: the number is gone. */
        (void)close(*fd);
        *fd = -1;
    }
    errno = saved;
}

int
svirt_fd_steal(int *fd)
{
    int taken = *fd;

    *fd = -1;
    return taken;
}

/* A negative offset: from where the descriptor stands. */
static ssize_t
read_whole(int fd, void *buffer, size_t size, off_t offset)
{
    size_t done = 0;

    while (done < size) {
        char *to = (char *)buffer + done;
        ssize_t got = offset < 0
                          ? read(fd, to, size - done)
                          : pread(fd, to, size - done, offset + (off_t)done);

        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return -1;
        }
        if (got == 0) {
            break;
        }
        done += (size_t)got;
    }
    return (ssize_t)done;
}

ssize_t
svirt_read_full(int fd, void *buffer, size_t size)
{
    return read_whole(fd, buffer, size, -1);
}

ssize_t
svirt_pread_full(int fd, void *buffer, size_t size, off_t offset)
{
    if (offset < 0) {
        errno = EINVAL;
        return -1;
    }
    return read_whole(fd, buffer, size, offset);
}

bool
svirt_write_full(int fd, const void *buffer, size_t size)
{
    size_t done = 0;

    while (done < size) {
        ssize_t put = write(fd, (const char *)buffer + done, size - done);

        if (put < 0 && errno == EINTR) {
            continue;
        }
        if (put < 0) {
            return false;
        }
        done += (size_t)put;
    }
    return true;
}

ssize_t
svirt_read_small(int dir_fd, const char *path, char *text, size_t size)
{
    SVIRT_AUTO_FD fd = openat(dir_fd, path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    ssize_t got;

    if (fd < 0) {
        return -1;
    }
    got = svirt_read_full(fd, text, size);
    if (got < 0) {
        return -1;
    }
    if ((size_t)got == size) {
        errno = EFBIG;
        return -1;
    }
    text[got] = '\0';
    return got;
}
