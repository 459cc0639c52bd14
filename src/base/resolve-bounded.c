/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/resolve-bounded.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/resolve.h"

/* Linux 5.12; older ones call it EINVAL. */
#ifndef RESOLVE_CACHED
#define RESOLVE_CACHED 0x20
#endif

/* What the child says; a descriptor goes with it when `code` is 0. */
typedef struct Answer {
    int32_t code; /* SvirtErrorCode */
    char message[512];
    char hint[128];
} Answer;

typedef union Control {
    struct cmsghdr header;
    char room[CMSG_SPACE(sizeof(int))];
} Control;

/* -1: not known without asking, or nothing that can be opened. */
static int
open_cached(const char *path, const SvirtCredentials *author)
{
    struct open_how how = {
        .flags = O_PATH | O_CLOEXEC,
        .resolve = RESOLVE_NO_MAGICLINKS | RESOLVE_CACHED,
    };
    SVIRT_AUTO_CREDENTIALS scope = SVIRT_CREDENTIALS_SCOPE_INIT;

    if (*path == '\0' || !svirt_credentials_enter(author, &scope, NULL)) {
        return -1;
    }
    return (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));
}

static void
send_answer(int socket, const Answer *answer, int fd)
{
    Control control;
    struct iovec text = { (void *)(uintptr_t)answer, sizeof(*answer) };
    struct msghdr message = { .msg_iov = &text, .msg_iovlen = 1 };

    memset(&control, 0, sizeof(control));
    if (fd >= 0) {
        message.msg_control = &control;
        message.msg_controllen = sizeof(control.room);
        control.header.cmsg_level = SOL_SOCKET;
        control.header.cmsg_type = SCM_RIGHTS;
        control.header.cmsg_len = CMSG_LEN(sizeof(fd));
        memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
    }
    (void)sendmsg(socket, &message, MSG_NOSIGNAL);
}

/* It may stay for ever: it holds nothing that somebody waits for. */
static _Noreturn void
look_up(int socket, const char *path, const SvirtCredentials *author)
{
    Answer answer = { .code = 0 };
    GError *error = NULL;
    int fd = -1;

    if (socket > 0) {
        (void)syscall(SYS_close_range, 0, (unsigned)socket - 1, 0);
    }
    (void)syscall(SYS_close_range, (unsigned)socket + 1, ~0u, 0);
    if (!svirt_resolve(AT_FDCWD, path, author, false, false, &fd, &error)) {
        const char *hint = svirt_error_hint(error);

        answer.code = error->code;
        (void)g_strlcpy(answer.message, error->message,
                        sizeof(answer.message));
        (void)g_strlcpy(answer.hint, hint != NULL ? hint : "",
                        sizeof(answer.hint));
    }
    send_answer(socket, &answer, fd);
    _exit(0);
}

/* False: nothing came, or not what was agreed on. */
static bool
receive(int socket, unsigned timeout_ms, Answer *ret, int *ret_fd)
{
    Control control;
    struct iovec text = { ret, sizeof(*ret) };
    struct msghdr message = { .msg_iov = &text, .msg_iovlen = 1,
                              .msg_control = &control,
                              .msg_controllen = sizeof(control.room) };
    struct pollfd watched = { .fd = socket, .events = POLLIN };
    const struct cmsghdr *header;
    gint64 end = g_get_monotonic_time() + (gint64)timeout_ms * 1000;
    int left, ready;

    do {
        left = (int)((end - g_get_monotonic_time()) / 1000);
        ready = poll(&watched, 1, MAX(left, 0));
    } while (ready < 0 && errno == EINTR);
    if (ready != 1 || recvmsg(socket, &message, MSG_CMSG_CLOEXEC |
                              MSG_DONTWAIT) != (ssize_t)sizeof(*ret)) {
        return false;
    }
    header = CMSG_FIRSTHDR(&message);
    if (header != NULL && header->cmsg_type == SCM_RIGHTS &&
        header->cmsg_len == CMSG_LEN(sizeof(int))) {
        memcpy(ret_fd, CMSG_DATA(header), sizeof(*ret_fd));
    }
    ret->message[sizeof(ret->message) - 1] = '\0';
    ret->hint[sizeof(ret->hint) - 1] = '\0';
    return ret->code != 0 || *ret_fd >= 0;
}

static bool
raise_late(const char *path, GError **error)
{
    return svirt_raise(error, SVIRT_ERROR_TIMEOUT, NULL,
                       "see what is mounted on the way to it",
                       "the file system of '%s' does not answer", path);
}

bool
svirt_resolve_bounded(const char *path, const SvirtCredentials *author,
                      unsigned timeout_ms, int *ret_fd, GError **error)
{
    SVIRT_AUTO_FD fd = open_cached(path, author);
    SVIRT_AUTO_FD socket = -1;
    int pair[2];
    Answer answer;
    bool answered;
    pid_t child;

    if (fd >= 0) {
        *ret_fd = svirt_fd_steal(&fd);
        return true;
    }
    if (timeout_ms == 0) {
        return raise_late(path, error);
    }
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
        return svirt_raise_errno(error, errno, NULL, "cannot look up '%s'",
                                 path);
    }
    socket = pair[0];
    child = fork();
    if (child == 0) {
        look_up(pair[1], path, author);
    }
    svirt_fd_close(&pair[1]);
    if (child < 0) {
        return svirt_raise_errno(error, errno, NULL, "cannot look up '%s'",
                                 path);
    }
    answered = receive(socket, timeout_ms, &answer, &fd);
    /* One that its file system holds dies when that one does. */
    (void)kill(child, SIGKILL);
    while (waitpid(child, NULL, answered ? 0 : WNOHANG) < 0 &&
           errno == EINTR) {
        continue;
    }
    if (!answered) {
        return raise_late(path, error);
    }
    if (answer.code != 0) {
        return svirt_raise(error, (SvirtErrorCode)answer.code, NULL,
                           answer.hint[0] != '\0' ? answer.hint : NULL, "%s",
                           answer.message);
    }
    *ret_fd = svirt_fd_steal(&fd);
    return true;
}
