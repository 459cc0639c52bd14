/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "keeper/message.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

#include "base/enum-table.h"

SVIRT_ENUM_TABLE(SvirtGuestState, svirt_guest_state, SVIRT_GUEST_STATE_MAX,
    [SVIRT_GUEST_NOSTATE] = "no state",
    [SVIRT_GUEST_RUNNING] = "running",
    [SVIRT_GUEST_BLOCKED] = "idle",
    [SVIRT_GUEST_PAUSED] = "paused",
    [SVIRT_GUEST_IN_SHUTDOWN] = "in shutdown",
    [SVIRT_GUEST_SHUT_OFF] = "shut off",
    [SVIRT_GUEST_CRASHED] = "crashed",
    [SVIRT_GUEST_PMSUSPENDED] = "pmsuspended")

SVIRT_ENUM_TABLE(SvirtGuestReason, svirt_guest_reason, SVIRT_REASON_MAX,
    [SVIRT_REASON_UNKNOWN] = "unknown",
    [SVIRT_REASON_BOOTED] = "booted",
    [SVIRT_REASON_STARTING] = "starting up",
    [SVIRT_REASON_USER] = "user",
    [SVIRT_REASON_IO_ERROR] = "I/O error",
    [SVIRT_REASON_WATCHDOG] = "watchdog",
    [SVIRT_REASON_SHUTDOWN] = "shutdown",
    [SVIRT_REASON_DESTROYED] = "destroyed",
    [SVIRT_REASON_CRASHED] = "crashed",
    [SVIRT_REASON_PANICKED] = "panicked",
    [SVIRT_REASON_FAILED] = "failed")

bool
svirt_message_send(int fd, const SvirtMessage *message)
{
    ssize_t put;

    do {
        put = send(fd, message, sizeof(*message),
                   MSG_NOSIGNAL | MSG_DONTWAIT);
    } while (put < 0 && errno == EINTR);
    return put == (ssize_t)sizeof(*message);
}

static int64_t
now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now); /* this clock never fails */
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool
wait_readable(int fd, int timeout_ms)
{
    int64_t end_ms = now_ms() + timeout_ms;
    struct pollfd poll_fd = { .fd = fd, .events = POLLIN };

    for (;;) {
        int64_t left_ms = timeout_ms < 0 ? -1 : end_ms - now_ms();
        int got;

        if (timeout_ms >= 0 && left_ms < 0) {
            left_ms = 0;
        }
        got = poll(&poll_fd, 1, (int)left_ms);
        if (got > 0) {
            return true;
        }
        if (got == 0) {
            errno = ETIMEDOUT;
            return false;
        }
        if (errno != EINTR) {
            return false;
        }
    }
}

bool
svirt_message_receive(int fd, int timeout_ms, SvirtMessage *ret)
{
    SvirtMessage message;
    struct iovec part = { &message, sizeof(message) };
    struct msghdr header = { .msg_iov = &part, .msg_iovlen = 1 };
    ssize_t got;

    /* With no room for control data, descriptors sent along are dropped. */
    for (;;) {
        got = recvmsg(fd, &header, MSG_DONTWAIT);
        if (got >= 0) {
            break;
        }
        if (errno == EAGAIN) {
            if (!wait_readable(fd, timeout_ms)) {
                return false;
            }
        } else if (errno != EINTR) {
            return false;
        }
    }
    if (got == 0 && (header.msg_flags & MSG_CTRUNC) == 0) {
        errno = 0;
        return false;
    }
    if (got != (ssize_t)sizeof(message) ||
        (header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0 ||
        message.type == SVIRT_MESSAGE_NONE ||
        message.type >= SVIRT_MESSAGE_MAX ||
        memchr(message.text, '\0', sizeof(message.text)) == NULL) {
        errno = EPROTO;
        return false;
    }
    *ret = message;
    return true;
}

void
svirt_message_end_words(int status, char ret[SVIRT_END_WORDS])
{
    int signo = WTERMSIG(status);

    if (!WIFSIGNALED(status)) {
        (void)snprintf(ret, SVIRT_END_WORDS, "status %d", WEXITSTATUS(status));
        return;
    }
    /* Those above have no name that every libc agrees on. */
    (void)snprintf(ret, SVIRT_END_WORDS, "signal %d (%s)%s", signo,
                   signo < 32 ? strsignal(signo) : "unknown",
                   signo == SIGSEGV ? ": it aborted or crashed"
                                               : "");
}
