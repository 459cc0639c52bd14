/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/procfs.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/fd.h"

/* proc_fs.h: PROC_ROOT_INO. */
#define ROOT_INODE 1
/* A label and a model's word before it. */
#define ATTRIBUTE_BYTES 4352

static bool
is_procfs(int fd)
{
    struct statfs fs;

    if (fstatfs(fd, &fs) < 0) {
        return false;
    }
    if (fs.f_type != PROC_SUPER_MAGIC) {
        errno = ENOSYS;
        return false;
    }
    return true;
}

int
svirt_procfs_open(void)
{
    SVIRT_AUTO_FD fd =
        open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    struct stat st;

    if (fd < 0 || !is_procfs(fd) || fstat(fd, &st) < 0) {
        return -1;
    }
    /* A directory of procfs bound here is procfs, too. */
    if (st.st_ino != ROOT_INODE) {
        errno = ENOSYS;
        return -1;
    }
    return svirt_fd_steal(&fd);
}

/* Kernels before 5.6, or a filter without openat2(2): another mount has
 * another device number. */
static int
open_and_compare(int procfs, const char *path, int flags)
{
    SVIRT_AUTO_FD fd = openat(procfs, path, flags | O_CLOEXEC);
    struct stat root;
    struct stat st;

    if (fd < 0 || fstat(procfs, &root) < 0 || fstat(fd, &st) < 0) {
        return -1;
    }
    if (st.st_dev != root.st_dev) {
        errno = EXDEV;
        return -1;
    }
    return svirt_fd_steal(&fd);
}

int
svirt_procfs_open_at(int procfs, const char *path, int flags)
{
    struct open_how how = {
        .flags = (uint64_t)(flags | O_CLOEXEC),
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS,
    };
    SVIRT_AUTO_FD fd =
        (int)syscall(SYS_openat2, procfs, path, &how, sizeof(how));

    if (fd < 0 && (errno == ENOSYS || errno == EPERM)) {
        fd = open_and_compare(procfs, path, flags);
    }
    if (fd < 0 || !is_procfs(fd)) {
        return -1;
    }
    return svirt_fd_steal(&fd);
}

int
svirt_procfs_open_attribute(int procfs, const char *path, const char *fallback)
{
    SVIRT_AUTO_FD thread = svirt_procfs_open_at(procfs, "thread-self",
                                                O_PATH | O_DIRECTORY);
    int fd;

    if (thread < 0) {
        return -1;
    }
    fd = svirt_procfs_open_at(thread, path, O_WRONLY);
    if (fd < 0 && errno == ENOENT && fallback != NULL) {
        fd = svirt_procfs_open_at(thread, fallback, O_WRONLY);
    }
    return fd;
}

bool
svirt_procfs_write_attribute(int fd, const char *prefix, const char *label)
{
    char text[ATTRIBUTE_BYTES];
    int length = 0;
    ssize_t wrote;

    if (label != NULL) {
        length = snprintf(text, sizeof(text), "%s%s",
                          prefix != NULL ? prefix : "", label);
    }
    if (length < 0 || (size_t)length >= sizeof(text)) {
        errno = E2BIG;
        return false;
    }
    do {
        wrote = write(fd, text, (size_t)length);
    } while (wrote < 0 && errno == EINTR);
    if (wrote >= 0 && wrote != length) {
        errno = EIO;
        return false;
    }
    return wrote >= 0;
}

static int
open_number(int dir, const char *prefix, pid_t number)
{
    char name[32];
    int length = snprintf(name, sizeof(name), "%s%d", prefix, (int)number);

    if (length < 0 || (size_t)length >= sizeof(name) || number <= 0) {
        errno = EINVAL;
        return -1;
    }
    return svirt_procfs_open_at(dir, name, O_PATH | O_DIRECTORY);
}

int
svirt_procfs_open_process(int procfs, pid_t pid)
{
    return open_number(procfs, "", pid);
}

int
svirt_procfs_open_thread(int procfs, pid_t pid, pid_t tid)
{
    SVIRT_AUTO_FD process = svirt_procfs_open_process(procfs, pid);

    return process < 0 ? -1 : open_number(process, "task/", tid);
}
