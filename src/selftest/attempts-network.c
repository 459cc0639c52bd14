/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Through passt, which stands in the host's network: frames as no guest's
 * kernel would send them.
 */
#include "selftest/frame.h"
#include "selftest/probe.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>

/* passt may still be starting at the first attempt. */
#define ALIVE_MS 1500
#define ANSWER_MS 500
#define FIRST_PORT 40000

static int64_t
now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* A frame on the stream has its length before it, in network order. */
static bool
frame_send(int fd, uint8_t *frame, size_t size)
{
    uint32_t length = htonl((uint32_t)size);
    const struct iovec parts[] = { { &length, sizeof(length) },
                                   { frame, size } };

    return writev(fd, parts, 2) == (ssize_t)(sizeof(length) + size);
}

static bool
bytes_read(int fd, uint8_t *bytes, size_t size, int64_t deadline_ms)
{
    while (size > 0) {
        struct pollfd wait = { .fd = fd, .events = POLLIN };
        int64_t left = deadline_ms - now_ms();
        ssize_t got;

        if (left <= 0 || poll(&wait, 1, (int)left) <= 0) {
            return false;
        }
        got = read(fd, bytes, size);
        if (got <= 0) {
            return false;
        }
        bytes += got;
        size -= (size_t)got;
    }
    return true;
}

/* Waits for the first frame of a kind in `wanted` (bits); -1: none came. */
static int
frame_await(int fd, unsigned wanted, uint16_t port, int timeout_ms)
{
    int64_t deadline = now_ms() + timeout_ms;
    uint8_t frame[SVIRT_FRAME_MAX];
    uint32_t length;

    while (bytes_read(fd, (uint8_t *)&length, sizeof(length), deadline)) {
        SvirtFrameKind kind;

        length = ntohl(length);
        if (length > sizeof(frame) ||
            !bytes_read(fd, frame, length, deadline)) {
            return -1;
        }
        kind = svirt_frame_classify(frame, length, port);
        if (wanted & (1u << kind)) {
            return (int)kind;
        }
    }
    return -1;
}

/* Without this a passt that is gone would look like one that holds. */
static bool
is_alive(int fd, SvirtProbeNote *note)
{
    uint8_t frame[SVIRT_FRAME_MAX];

    if (!frame_send(fd, frame, svirt_frame_arp(frame)) ||
        frame_await(fd, 1u << SVIRT_FRAME_ARP_REPLY, 0, ALIVE_MS) < 0) {
        (void)snprintf(note->text, sizeof(note->text),
                       "passt does not answer");
        return false;
    }
    return true;
}

static int
connect_by_passt(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
                 SvirtProbeNote *note)
{
    const uint16_t port = (uint16_t)(FIRST_PORT + a->number);
    uint8_t frame[SVIRT_FRAME_MAX];
    int fd = (int)t->passt_fd;
    int got;

    if (fd < 0 || t->passt_port < 0 || !is_alive(fd, note)) {
        return SVIRT_PROBE_UNAIMED;
    }
    if (!frame_send(fd, frame,
                    svirt_frame_tcp_syn(frame, a->path, port,
                                        (uint16_t)t->passt_port))) {
        return errno;
    }
    got = frame_await(fd,
                      1u << SVIRT_FRAME_TCP_ACCEPTED |
                          1u << SVIRT_FRAME_TCP_REFUSED,
                      port, ANSWER_MS);
    return got < 0                           ? ETIMEDOUT
           : got == SVIRT_FRAME_TCP_ACCEPTED ? 0
                                             : ECONNREFUSED;
}

static int
send_by_passt(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
              SvirtProbeNote *note)
{
    const uint16_t port = (uint16_t)(FIRST_PORT + a->number);
    uint8_t frame[SVIRT_FRAME_MAX];
    int fd = (int)t->passt_fd;

    if (fd < 0 || t->passt_port < 0 || !is_alive(fd, note)) {
        return SVIRT_PROBE_UNAIMED;
    }
    if (!frame_send(fd, frame,
                    svirt_frame_udp(frame, a->path, port,
                                    (uint16_t)t->passt_port))) {
        return errno;
    }
    /* The driver's listener sends back whatever reaches it. */
    return frame_await(fd, 1u << SVIRT_FRAME_UDP, port, ANSWER_MS) < 0
               ? ETIMEDOUT
               : 0;
}

#define IF_PASST .absence = SVIRT_PROBE_ABSENCE_TARGET

SVIRT_PROBE_ROWS(
    network,
    { "passt-gateway-tcp", "reach the host's loopback as the gateway by TCP",
      L(PASST) | L(CGROUP), connect_by_passt, SVIRT_FRAME_GATEWAY, 1,
      IF_PASST },
    { "passt-gateway-udp", "reach the host's loopback as the gateway by UDP",
      L(PASST) | L(CGROUP), send_by_passt, SVIRT_FRAME_GATEWAY, 2, IF_PASST },
    { "passt-loopback-tcp", "send a SYN for 127.0.0.1 to passt", L(CGROUP),
      connect_by_passt, "127.0.0.1", 3, IF_PASST },
    { "passt-loopback-udp", "send a datagram for 127.0.0.1 to passt",
      L(CGROUP), send_by_passt, "127.0.0.1", 4, IF_PASST },
    { "passt-metadata-tcp", "send a SYN for 169.254.169.254 to passt",
      L(CGROUP), connect_by_passt, SVIRT_FRAME_METADATA, 5, IF_PASST },
    { "passt-metadata-udp", "send a datagram for 169.254.169.254 to passt",
      L(CGROUP), send_by_passt, SVIRT_FRAME_METADATA, 6, IF_PASST },
    { "passt-host-tcp", "send a SYN for the host's own address to passt",
      L(CGROUP), connect_by_passt, SVIRT_FRAME_GUEST, 7, IF_PASST },
    { "passt-host-udp", "send a datagram for the host's address to passt",
      L(CGROUP), send_by_passt, SVIRT_FRAME_GUEST, 8, IF_PASST },
    { "passt-any-tcp", "send a SYN for 0.0.0.0 to passt", L(CGROUP),
      connect_by_passt, "0.0.0.0", 9, IF_PASST })
