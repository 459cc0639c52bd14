/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "keeper/socket-file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"

#define PATIENCE_MS 2000
#define DIRECTORY (O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
/* Where the child keeps the directory; everything else is closed. */
#define CHILD_DIR_FD 3

static bool
is_directory(int fd, const SvirtSpecSocket *socket)
{
    struct stat st;

    return fd >= 0 && fstat(fd, &st) == 0 &&
           st.st_dev == socket->dir_device && st.st_ino == socket->dir_inode;
}

/*
 * File-system ids alone: with the others still root's, the author can neither
 * signal nor trace this process. setfsuid(2) gives up root's override.
 */
static bool
become(const SvirtSpecAuthor *author)
{
    if (author->uid == 0 || geteuid() != 0) {
        return true;
    }
    if (syscall(SYS_setgroups, (size_t)author->n_groups, author->groups) < 0) {
        return false;
    }
    (void)setfsgid(author->gid);
    (void)setfsuid(author->uid);
    return (uid_t)setfsuid((uid_t)-1) == author->uid &&
           (gid_t)setfsgid((gid_t)-1) == author->gid;
}

/* The exit status: 0, nothing of it is left. Only system calls. */
static int
remove_in_child(const SvirtSocketFile *file)
{
    const SvirtSpecSocket *socket = &file->socket;
    int dir_fd = CHILD_DIR_FD;
    struct stat st;

    if (file->dir_fd < 0 || (file->dir_fd != CHILD_DIR_FD &&
                             dup2(file->dir_fd, CHILD_DIR_FD) < 0)) {
        (void)close(CHILD_DIR_FD);
    }
    /* No lock of the VM's may live on in here. */
    if (syscall(SYS_close_range, CHILD_DIR_FD + 1, UINT32_MAX, 0) < 0 ||
        !become(file->author)) {
        return 1;
    }
    if (!is_directory(dir_fd, socket)) {
        dir_fd = open(file->dir_path, DIRECTORY);
        if (!is_directory(dir_fd, socket)) {
            return 2;
        }
    }
    if (fstatat(dir_fd, file->name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
        return errno == ENOENT ? 0 : 3;
    }
    if (!S_ISSOCK(st.st_mode) || st.st_dev != socket->device ||
        st.st_ino != socket->inode) {
        return 4;
    }
    return unlinkat(dir_fd, file->name, 0) == 0 || errno == ENOENT ? 0 : 5;
}

bool
svirt_socket_file_remove(const SvirtSocketFile *file)
{
    pid_t child = fork();
    struct pollfd ended = { .fd = -1, .events = POLLIN };
    int status = -1;

    if (child < 0) {
        return false;
    }
    if (child == 0) {
        _exit(remove_in_child(file));
    }
    ended.fd = (int)syscall(SYS_pidfd_open, child, 0);
    if (ended.fd < 0 || poll(&ended, 1, PATIENCE_MS) <= 0) {
        (void)kill(child, SIGKILL); /* ours and not reaped: nobody else's */
        (void)poll(&ended, ended.fd >= 0, PATIENCE_MS);
    }
    svirt_fd_close(&ended.fd);
    return waitpid(child, &status, WNOHANG) == child && WIFEXITED(status) &&
           WEXITSTATUS(status) == 0;
}

void
svirt_socket_files_remove(const SvirtLaunchSpec *spec, bool sources)
{
    for (uint32_t i = 0; i < spec->n_sockets; i++) {
        const SvirtSpecSocket *socket = &spec->sockets[i];
        const SvirtSocketFile file = {
            .dir_fd = sources ? socket->source : -1,
            .dir_path = svirt_spec_string(spec, socket->dir_path),
            .name = svirt_spec_string(spec, socket->name),
            .socket = *socket,
            .author = &spec->author,
        };

        /* What stays is replaced by the next start. */
        (void)svirt_socket_file_remove(&file);
    }
}
