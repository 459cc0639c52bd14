/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A socket the VMM was given, used for what it was not given for. */
#include "selftest/probe.h"

#include <linux/sockios.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif

static struct sockaddr_un
address_of(const char *name, bool abstract, socklen_t *ret_length)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    size_t length = strnlen(name, sizeof(address.sun_path) - 2);

    memcpy(address.sun_path + abstract, name, length);
    *ret_length =
        (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + 1);
    return address;
}

static int
send_message(const SvirtProbeTarget *t, const char *name, bool abstract)
{
    socklen_t length;
    struct sockaddr_un address = address_of(name, abstract, &length);
    struct iovec data = { .iov_base = (void *)"x", .iov_len = 1 };
    struct msghdr message = { .msg_name = &address,
                              .msg_namelen = length,
                              .msg_iov = &data,
                              .msg_iovlen = 1 };

    if (t->socket_fd < 0 || !*name) {
        return SVIRT_PROBE_UNAIMED;
    }
    return svirt_probe_result(
        sendmsg((int)t->socket_fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT));
}

static int
sendmsg_path(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
             SvirtProbeNote *note)
{
    return send_message(t, t->unix_datagram, false);
}

static int
sendmsg_abstract(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
                 SvirtProbeNote *note)
{
    return send_message(t, t->abstract_datagram, true);
}

static int
sendto_path(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
            SvirtProbeNote *note)
{
    socklen_t length;
    struct sockaddr_un address = address_of(t->unix_datagram, false, &length);

    if (t->socket_fd < 0) {
        return SVIRT_PROBE_UNAIMED;
    }
    return svirt_probe_result(
        sendto((int)t->socket_fd, "x", 1, MSG_NOSIGNAL | MSG_DONTWAIT,
               (const struct sockaddr *)&address, length));
}

static int
sendmmsg_path(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
              SvirtProbeNote *note)
{
    socklen_t length;
    struct sockaddr_un address = address_of(t->unix_datagram, false, &length);
    struct iovec data = { .iov_base = (void *)"x", .iov_len = 1 };
    struct mmsghdr message = { .msg_hdr = { .msg_name = &address,
                                            .msg_namelen = length,
                                            .msg_iov = &data,
                                            .msg_iovlen = 1 } };

    if (t->socket_fd < 0) {
        return SVIRT_PROBE_UNAIMED;
    }
    /* musl makes one sendmsg of each. */
    return svirt_probe_result(syscall(SYS_sendmmsg, (int)t->socket_fd,
                                      &message, 1,
                                      MSG_NOSIGNAL | MSG_DONTWAIT));
}

static int
connect_path(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
             SvirtProbeNote *note)
{
    socklen_t length;
    struct sockaddr_un address = address_of(t->unix_datagram, false, &length);

    if (t->socket_fd < 0) {
        return SVIRT_PROBE_UNAIMED;
    }
    return svirt_probe_result(connect(
        (int)t->socket_fd, (const struct sockaddr *)&address, length));
}

static int
bind_abstract(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
              SvirtProbeNote *note)
{
    socklen_t length;
    struct sockaddr_un address =
        address_of(t->attempt_name, true, &length);

    if (t->socket_fd < 0) {
        return SVIRT_PROBE_UNAIMED;
    }
    return svirt_probe_result(
        bind((int)t->socket_fd, (const struct sockaddr *)&address, length));
}

/*
 * A socket stays in the network namespace it was made in: interface requests
 * on an inherited one answer for that namespace, not for the caller's.
 */
static int
list_interfaces(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
                SvirtProbeNote *note)
{
    struct ifreq request = { .ifr_ifindex = 1 };

    if (t->socket_fd < 0) {
        return SVIRT_PROBE_UNAIMED;
    }
    return svirt_probe_result(
        ioctl((int)t->socket_fd, SIOCGIFNAME, &request));
}

static int
configure_interface(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
                    SvirtProbeNote *note)
{
    /* No interface has this name: said after the capability is checked. */
    struct ifreq request = { .ifr_name = "svirt-none" };

    if (t->socket_fd < 0) {
        return SVIRT_PROBE_UNAIMED;
    }
    return svirt_probe_past(
        ioctl((int)t->socket_fd, SIOCSIFMTU, &request), ENODEV);
}

static int
socket_namespace(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
                 SvirtProbeNote *note)
{
    if (t->socket_fd < 0) {
        return SVIRT_PROBE_UNAIMED;
    }
    return svirt_probe_opened(ioctl((int)t->socket_fd, SIOCGSKNS));
}

static int
force_buffer(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
             SvirtProbeNote *note)
{
    int size = 1 << 16;

    if (t->socket_fd < 0) {
        return SVIRT_PROBE_UNAIMED;
    }
    return svirt_probe_result(setsockopt((int)t->socket_fd, SOL_SOCKET,
                                         SO_SNDBUFFORCE, &size, sizeof(size)));
}

static int
signal_peer(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
            SvirtProbeNote *note)
{
    int pidfd = -1;
    socklen_t size = sizeof(pidfd);
    int error;

    if (t->socket_fd < 0) {
        return SVIRT_PROBE_UNAIMED;
    }
    if (getsockopt((int)t->socket_fd, SOL_SOCKET, SO_PEERPIDFD, &pidfd,
                   &size) < 0) {
        return errno;
    }
    error = svirt_probe_result(
        syscall(SYS_pidfd_send_signal, pidfd, 0, NULL, 0));
    (void)close(pidfd);
    return error;
}

SVIRT_PROBE_ROWS(
    inherited,
    { "inherited-sendto", "send from its socket to another socket's path",
      L(DESCRIPTOR) | L(FILTER) | L(ROOT), sendto_path },
    { "inherited-sendmsg", "sendmsg from its socket to another socket's path",
      L(DESCRIPTOR) | L(ROOT), sendmsg_path },
    { "inherited-sendmsg-abstract",
      "sendmsg from its socket to an abstract name",
      L(DESCRIPTOR) | L(LANDLOCK), sendmsg_abstract },
    { "inherited-sendmmsg", "sendmmsg from its socket to another's path",
      L(DESCRIPTOR) | L(FILTER) | L(ROOT), sendmmsg_path },
    { "inherited-connect", "connect its socket to another socket",
      L(DESCRIPTOR) | L(FILTER) | L(ROOT), connect_path },
    { "inherited-bind", "give its socket an abstract name", L(FILTER),
      bind_abstract },
    { "inherited-interfaces", "read the host's interfaces from its socket",
      L(FILTER), list_interfaces,
      .open_reason = "its sockets were made in the host's network namespace "
                     "and answer for it" },
    { "inherited-configure", "configure the host's interfaces",
      L(CAPABILITY) | L(FILTER), configure_interface },
    { "inherited-namespace", "take the network namespace of its socket",
      L(CAPABILITY) | L(FILTER), socket_namespace },
    { "inherited-buffer", "raise its socket's buffer over the limit",
      L(CAPABILITY) | L(FILTER), force_buffer },
    { "inherited-peer", "signal the process at the other end of its socket",
      L(FILTER) | L(LANDLOCK) | L(DAC) | L(NAMESPACE), signal_peer,
      .absence = SVIRT_PROBE_ABSENCE_FAMILY })
