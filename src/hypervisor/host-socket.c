/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hypervisor/host-socket.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"

#define BACKLOG 16

static bool
fill_address(int dir_fd, const char *name, struct sockaddr_un *ret,
             GError **error)
{
    if (strlen(name) > SVIRT_HOST_SOCKET_NAME_MAX) {
        return svirt_raise(error, SVIRT_ERROR_INVALID, NULL,
                           "give the socket a shorter name",
                           "socket name '%s' is longer than %d bytes", name,
                           SVIRT_HOST_SOCKET_NAME_MAX);
    }
    memset(ret, 0, sizeof(*ret));
    ret->sun_family = AF_UNIX;
    (void)g_snprintf(ret->sun_path, sizeof(ret->sun_path),
                     "/proc/self/fd/%d/%s", dir_fd, name);
    return true;
}

/* The thread's effective ids alone; libc's functions would take them all. */
static bool
set_effective(uid_t uid, gid_t gid, bool gid_first)
{
    const uid_t keep = (uid_t)-1;

    return (!gid_first || syscall(SYS_setresgid, keep, gid, keep) == 0) &&
           syscall(SYS_setresuid, keep, uid, keep) == 0 &&
           (gid_first || syscall(SYS_setresgid, keep, gid, keep) == 0);
}

/* What the author's scope had set, and the effective uid takes along. */
static bool
set_file_system(const SvirtCredentials *author)
{
    (void)setfsgid(author->gid);
    (void)setfsuid(author->uid);
    return (gid_t)setfsgid((gid_t)-1) == author->gid &&
           (uid_t)setfsuid((uid_t)-1) == author->uid;
}

/*
 * connect(2) tells the server the effective ids (SO_PEERCRED, unix(7)), which
 * the file system's are not: a server that trusts root would take the VMM,
 * which the connection is for, for root. Within the author's scope; errno.
 */
static bool
connect_as(const SvirtCredentials *author, int fd,
           const struct sockaddr_un *address)
{
    const struct sockaddr *to = (const struct sockaddr *)address;
    const uid_t uid = geteuid();
    const gid_t gid = getegid();
    bool connected = false;
    int saved;

    if (author == NULL || author->uid == 0 || author->uid == uid) {
        return connect(fd, to, sizeof(*address)) == 0;
    }
    if (set_effective(author->uid, author->gid, true)) {
        connected = connect(fd, to, sizeof(*address)) == 0;
    }
    saved = errno;
    /* The way back: uid first, it gives the right to the other. */
    if (!set_effective(uid, gid, false) || !set_file_system(author)) {
        abort();
    }
    errno = saved;
    return connected;
}

/* ECONNREFUSED is the kernel's word that nobody listens any more. */
static bool
remove_stale(int dir_fd, const char *name, const struct sockaddr_un *address,
             const SvirtCredentials *author, const char *shown_path,
             GError **error)
{
    SVIRT_AUTO_FD probe =
        socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    struct stat st;

    if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
        return errno == ENOENT ||
               svirt_refusals_raise_errno(error, errno, author,
                                          "cannot examine '%s'", shown_path);
    }
    if (!S_ISSOCK(st.st_mode) || probe < 0 ||
        connect_as(author, probe, address) || errno != ECONNREFUSED) {
        return svirt_raise(error, SVIRT_ERROR_BUSY, NULL,
                           "remove it or name another path",
                           "socket '%s' is taken", shown_path);
    }
    if (unlinkat(dir_fd, name, 0) < 0) {
        return svirt_refusals_raise_errno(error, errno, author,
                                          "cannot remove stale socket '%s'",
                                          shown_path);
    }
    return true;
}

bool
svirt_host_socket_listen(int dir_fd, const char *name,
                         const SvirtCredentials *author,
                         const char *shown_path, int *ret_fd, GError **error)
{
    SVIRT_AUTO_FD fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    SVIRT_AUTO_CREDENTIALS scope = SVIRT_CREDENTIALS_SCOPE_INIT;
    struct sockaddr_un address;
    mode_t mask;
    int result;

    if (fd < 0) {
        return svirt_raise_errno(error, errno, NULL, "cannot make a socket");
    }
    if (!fill_address(dir_fd, name, &address, error) ||
        !svirt_credentials_enter(author, &scope, error) ||
        !remove_stale(dir_fd, name, &address, author, shown_path, error)) {
        return false;
    }
    /* Born 0600: there is no moment in which others may connect. */
    mask = umask(0177);
    result = bind(fd, (const struct sockaddr *)&address, sizeof(address));
    (void)umask(mask);
    if (result < 0 || listen(fd, BACKLOG) < 0) {
        return svirt_refusals_raise_errno(error, errno, author,
                                          "cannot listen on socket '%s'",
                                          shown_path);
    }
    *ret_fd = svirt_fd_steal(&fd);
    return true;
}

bool
svirt_host_socket_listen_path(const char *path, const SvirtCredentials *author,
                              const SvirtRefusals *refusals, int *ret_fd,
                              SvirtObject **ret_dir, GError **error)
{
    g_autofree char *parent = g_path_get_dirname(path);
    g_autofree char *name = g_path_get_basename(path);
    g_autoptr(SvirtObject) dir = NULL;

    if (!svirt_object_open(parent, author, SVIRT_OBJECT_WANT(DIRECTORY),
                           SVIRT_OBJECT_NO_IDENTITY, &dir, error) ||
        !svirt_refusals_check(refusals, dir, path, NULL,
                              SVIRT_REFUSAL_USE_SOCKET, error) ||
        !svirt_host_socket_listen(dir->path_fd, name, author, path, ret_fd,
                                  error)) {
        return false;
    }
    *ret_dir = g_steal_pointer(&dir);
    return true;
}

bool
svirt_host_socket_connect(const char *path, const SvirtCredentials *author,
                          const SvirtRefusals *refusals, int *ret_fd,
                          GError **error)
{
    SVIRT_AUTO_FD fd =
        socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    SVIRT_AUTO_CREDENTIALS scope = SVIRT_CREDENTIALS_SCOPE_INIT;
    g_autoptr(SvirtObject) object = NULL;
    struct sockaddr_un address = { .sun_family = AF_UNIX };

    if (fd < 0) {
        return svirt_raise_errno(error, errno, NULL, "cannot make a socket");
    }
    if (!svirt_object_open(path, author, SVIRT_OBJECT_WANT(SOCKET),
                           SVIRT_OBJECT_NO_IDENTITY, &object, error) ||
        !svirt_refusals_check(refusals, object, path, NULL,
                              SVIRT_REFUSAL_USE_SOCKET, error) ||
        !svirt_credentials_enter(author, &scope, error)) {
        return false;
    }
    (void)g_snprintf(address.sun_path, sizeof(address.sun_path),
                     "/proc/self/fd/%d", object->path_fd);
    if (!connect_as(author, fd, &address)) {
        return svirt_raise_errno(error, errno, "start its server first",
                                 "cannot connect to socket '%s'", path);
    }
    *ret_fd = svirt_fd_steal(&fd);
    return true;
}
