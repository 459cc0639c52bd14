/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launch/hand-over.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "launch/spec.h"

/* The kernel takes 253 descriptors in one message. */
#define PACKET_FDS 128
#define FIRST_NUMBER 3

typedef struct Packet {
    uint32_t kind; /* SvirtHandOver */
    uint32_t count;
    int32_t number[PACKET_FDS];
} Packet;

typedef union Control {
    struct cmsghdr align;
    char room[CMSG_SPACE(PACKET_FDS * sizeof(int))];
} Control;

static bool
is_number(int number)
{
    return number >= FIRST_NUMBER && number < SVIRT_SPEC_MAX_FD_NUMBER;
}

static bool
send_packet(int socket, SvirtHandOver kind, const SvirtNumberedFd *fds,
            size_t n_fds)
{
    Packet packet = { .kind = kind, .count = (uint32_t)n_fds };
    struct iovec part = { &packet, sizeof(packet) };
    struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
    Control control;
    int raw[PACKET_FDS];
    ssize_t put;

    for (size_t i = 0; i < n_fds; i++) {
        if (!is_number(fds[i].number)) {
            errno = EINVAL;
            return false;
        }
        packet.number[i] = fds[i].number;
        raw[i] = fds[i].fd;
    }
    if (n_fds > 0) {
        struct cmsghdr *header;

        memset(&control, 0, sizeof(control));
        message.msg_control = control.room;
        message.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
        header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(n_fds * sizeof(int));
        memcpy(CMSG_DATA(header), raw, n_fds * sizeof(int));
    }
    do {
        put = sendmsg(socket, &message, MSG_NOSIGNAL);
    } while (put < 0 && errno == EINTR);
    return put == (ssize_t)sizeof(packet);
}

bool
svirt_hand_over_send(int socket, SvirtHandOver kind,
                     const SvirtNumberedFd *fds, size_t n_fds)
{
    while (n_fds > PACKET_FDS) {
        if (!send_packet(socket, SVIRT_HAND_OVER_PART, fds, PACKET_FDS)) {
            return false;
        }
        fds += PACKET_FDS;
        n_fds -= PACKET_FDS;
    }
    return send_packet(socket, kind, fds, n_fds);
}

static bool
wait_readable(int socket, int timeout_ms)
{
    struct pollfd ready = { .fd = socket, .events = POLLIN };
    int got;

    do {
        got = poll(&ready, 1, timeout_ms);
    } while (got < 0 && errno == EINTR);
    if (got == 0) {
        errno = ETIMEDOUT;
    }
    return got > 0;
}

/* How many came with the message, at most PACKET_FDS. */
static size_t
attached(struct msghdr *message, int *raw)
{
    const struct cmsghdr *header = CMSG_FIRSTHDR(message);
    size_t bytes;

    if (header == NULL || header->cmsg_level != SOL_SOCKET ||
        header->cmsg_type != SCM_RIGHTS) {
        return 0;
    }
    bytes = header->cmsg_len - CMSG_LEN(0);
    memcpy(raw, CMSG_DATA(header), bytes);
    return bytes / sizeof(int);
}

static bool
is_sound(const Packet *packet, ssize_t size, int flags, size_t n_raw,
         int socket)
{
    if (size != (ssize_t)sizeof(*packet) ||
        (flags & (MSG_TRUNC | MSG_CTRUNC)) != 0 ||
        packet->kind == 0 || packet->kind >= SVIRT_HAND_OVER_MAX ||
        packet->count != n_raw) {
        return false;
    }
    for (size_t i = 0; i < n_raw; i++) {
        if (!is_number(packet->number[i]) || packet->number[i] == socket) {
            return false;
        }
        for (size_t j = 0; j < i; j++) {
            if (packet->number[j] == packet->number[i]) {
                return false;
            }
        }
    }
    return true;
}

/* One that stands where another is to be is moved out of its way first. */
static bool
place(const int32_t *numbers, int *raw, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t j = i + 1; j < count && raw[i] != numbers[i]; j++) {
            if (raw[j] == numbers[i]) {
                raw[j] = fcntl(raw[j], F_DUPFD_CLOEXEC, FIRST_NUMBER);
                if (raw[j] < 0) {
                    return false;
                }
            }
        }
        if (raw[i] == numbers[i]) {
            continue;
        }
        if (dup3(raw[i], numbers[i], O_CLOEXEC) < 0) {
            return false;
        }
        (void)close(raw[i]);
        raw[i] = numbers[i];
    }
    return true;
}

bool
svirt_hand_over_receive(int socket, int timeout_ms, SvirtHandOver *ret_kind)
{
    Packet packet;
    Control control;
    int raw[PACKET_FDS];
    struct iovec part = { &packet, sizeof(packet) };
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1,
        .msg_control = control.room, .msg_controllen = sizeof(control.room),
    };
    size_t n_raw;
    ssize_t got;
    bool placed;

    if (!wait_readable(socket, timeout_ms)) {
        return false;
    }
    got = recvmsg(socket, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    if (got <= 0) {
        errno = got == 0 ? 0 : errno;
        return false;
    }
    n_raw = attached(&message, raw);
    placed = is_sound(&packet, got, message.msg_flags, n_raw, socket);
    errno = placed ? 0 : EPROTO;
    placed = placed && place(packet.number, raw, n_raw);
    if (!placed) {
        int saved = errno;

        for (size_t i = 0; i < n_raw; i++) {
            (void)close(raw[i]);
        }
        errno = saved;
        return false;
    }
    *ret_kind = (SvirtHandOver)packet.kind;
    return true;
}
