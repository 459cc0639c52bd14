/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/resolve.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"

/* Renames beside a walk that must stay beneath make it EAGAIN. */
#define TRIES 64

typedef struct Request {
    int dir_fd;
    const char *path;
    const SvirtCredentials *author;
    bool no_symlinks;
    bool beneath;
} Request;

static int
open_kernel(const Request *request)
{
    struct open_how how = {
        .flags = O_PATH | O_CLOEXEC,
        .resolve = RESOLVE_NO_MAGICLINKS |
                   (request->no_symlinks ? RESOLVE_NO_SYMLINKS : 0u) |
                   (request->beneath ? RESOLVE_BENEATH : 0u),
    };
    long fd = -1;

    for (unsigned i = 0; i < TRIES; i++) {
        fd = syscall(SYS_openat2, request->dir_fd, request->path, &how,
                     sizeof(how));
        if (fd >= 0 || (errno != EAGAIN && errno != EINTR)) {
            break;
        }
    }
    return (int)fd;
}

/*
 * Without openat2 a magic link is followed like any other. What it leads to
 * has either no name, or one its author must be able to reach by name.
 */
static int
open_plain(const Request *request)
{
    SVIRT_AUTO_FD fd =
        openat(request->dir_fd, request->path, O_PATH | O_CLOEXEC);
    SVIRT_AUTO_FD again = -1;
    char link[32];
    char name[PATH_MAX];
    struct stat a, b;
    ssize_t size;

    if (fd < 0) {
        return -1;
    }
    g_snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    size = readlink(link, name, sizeof(name) - 1);
    if (size < 0) {
        return -1;
    }
    name[size] = '\0';
    again = openat(AT_FDCWD, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (name[0] != '/' || again < 0 || fstat(fd, &a) != 0 ||
        fstat(again, &b) != 0 || a.st_dev != b.st_dev ||
        a.st_ino != b.st_ino) {
        errno = ELOOP;
        return -1;
    }
    return svirt_fd_steal(&fd);
}

/* ELOOP says too many symbolic links, or one link of procfs. */
static bool
raise_loop(const Request *request, bool is_magic, GError **error)
{
    if (request->no_symlinks) {
        return svirt_raise(error, SVIRT_ERROR_REFUSED, NULL,
                           "give the path without symbolic links",
                           "'%s' passes a symbolic link", request->path);
    }
    if (is_magic) {
        return svirt_raise(error, SVIRT_ERROR_REFUSED, NULL,
                           "give the file's own path",
                           "'%s' leads through a link of procfs",
                           request->path);
    }
    return svirt_raise(error, SVIRT_ERROR_INVALID, NULL,
                       "correct the symbolic links",
                       "'%s' is a loop of symbolic links", request->path);
}

static bool
raise_open(const Request *request, int errnum, bool is_magic, GError **error)
{
    GError *cause;

    if (errnum == ELOOP) {
        return raise_loop(request, is_magic, error);
    }
    cause = g_error_new_literal(SVIRT_ERROR, SVIRT_ERROR_SYSTEM,
                                g_strerror(errnum));
    switch (errnum) {
    case ENOENT:
    case ENOTDIR:
        return svirt_raise(error, SVIRT_ERROR_NOT_FOUND, cause,
                           "create it, or correct the path",
                           "there is no '%s'", request->path);
    case ENAMETOOLONG:
        return svirt_raise(error, SVIRT_ERROR_INVALID, cause,
                           "use a shorter path", "path '%.64s...' is too long",
                           request->path);
    case EXDEV:
        return svirt_raise(error, SVIRT_ERROR_REFUSED, cause, NULL,
                           "'%s' leads out of its directory", request->path);
    case EACCES:
    case EPERM:
        if (request->author != NULL) {
            return svirt_raise(
                error, SVIRT_ERROR_REFUSED, cause,
                "give the author of the definition access to it",
                "uid %u may not reach '%s'", request->author->uid,
                request->path);
        }
        return svirt_raise(error, SVIRT_ERROR_REFUSED, cause, NULL,
                           "cannot reach '%s'", request->path);
    default:
        return svirt_raise(error, SVIRT_ERROR_SYSTEM, cause, NULL,
                           "cannot open '%s'", request->path);
    }
}

/* Would the same path open if magic links were followed? */
static bool
follows_magic_link(const Request *request)
{
    SVIRT_AUTO_FD fd =
        openat(request->dir_fd, request->path, O_PATH | O_CLOEXEC);

    return fd >= 0;
}

bool
svirt_resolve(int dir_fd, const char *path, const SvirtCredentials *author,
              bool no_symlinks, bool beneath, int *ret_fd, GError **error)
{
    const Request request = { dir_fd, path, author, no_symlinks, beneath };
    SVIRT_AUTO_CREDENTIALS scope = SVIRT_CREDENTIALS_SCOPE_INIT;
    SVIRT_AUTO_FD fd = -1;
    bool is_magic = false;
    int saved;

    if (*path == '\0') {
        return svirt_raise(error, SVIRT_ERROR_INVALID, NULL, NULL,
                           "a path is empty");
    }
    if (!svirt_credentials_enter(author, &scope, error)) {
        return false;
    }
    fd = open_kernel(&request);
    saved = errno;
    if (fd < 0 && (saved == ENOSYS || saved == EPERM)) {
        if (no_symlinks || beneath) {
            svirt_credentials_leave(&scope);
            return svirt_raise_errno(error, saved,
                                     "allow openat2, Linux 5.6 and newer",
                                     "cannot resolve '%s' safely", path);
        }
        fd = open_plain(&request);
        saved = errno;
    }
    if (fd < 0 && saved == ELOOP) {
        is_magic = follows_magic_link(&request);
    }
    svirt_credentials_leave(&scope);
    if (fd < 0) {
        return raise_open(&request, saved, is_magic, error);
    }
    *ret_fd = svirt_fd_steal(&fd);
    return true;
}
