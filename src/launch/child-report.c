/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "launch/child-private.h"

typedef union Control {
    struct cmsghdr align;
    char room[CMSG_SPACE(sizeof(int))];
} Control;

bool
svirt_child_report_send(int socket, const SvirtChildReport *report, int fd)
{
    struct iovec part = { (void *)report, sizeof(*report) };
    Control control = { .room = { 0 } };
    struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };

    if (fd >= 0) {
        struct cmsghdr *header;

        message.msg_control = control.room;
        message.msg_controllen = sizeof(control.room);
        header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(header), &fd, sizeof(fd));
    }
    return sendmsg(socket, &message, MSG_NOSIGNAL) ==
           (ssize_t)sizeof(*report);
}

static int
attached_fd(struct msghdr *message)
{
    const struct cmsghdr *header = CMSG_FIRSTHDR(message);
    int fd;

    if (header == NULL || header->cmsg_level != SOL_SOCKET ||
        header->cmsg_type != SCM_RIGHTS ||
        header->cmsg_len != CMSG_LEN(sizeof(int))) {
        return -1;
    }
    memcpy(&fd, CMSG_DATA(header), sizeof(fd));
    return fd;
}

int
svirt_child_report_receive(int socket, int timeout_ms, SvirtChildReport *ret,
                           int *ret_fd)
{
    struct pollfd poll_fd = { .fd = socket, .events = POLLIN };
    struct iovec part = { ret, sizeof(*ret) };
    Control control = { .room = { 0 } };
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1,
        .msg_control = control.room, .msg_controllen = sizeof(control.room),
    };
    ssize_t got;
    int ready;

    do {
        ready = poll(&poll_fd, 1, timeout_ms);
    } while (ready < 0 && errno == EINTR);
    if (ready <= 0) {
        errno = ready == 0 ? ETIMEDOUT : errno;
        return -1;
    }
    got = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    if (got == 0) {
        return 0;
    }
    if (got != (ssize_t)sizeof(*ret)) {
        int stray = got > 0 ? attached_fd(&message) : -1;

        svirt_fd_close(&stray);
        errno = got > 0 ? EPROTO : errno;
        return -1;
    }
    *ret_fd = attached_fd(&message);
    return 1;
}
