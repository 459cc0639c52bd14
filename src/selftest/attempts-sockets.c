/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sockets the attacker makes itself, of every family and kind of name. */
#include "selftest/probe.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/netlink.h>
#include <linux/vm_sockets.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#define NET (L(FILTER) | L(NAMESPACE))
#define MPTCP_PROTOCOL 262

static socklen_t
unix_address(const char *name, bool abstract, struct sockaddr_un *ret)
{
    size_t length = strnlen(name, sizeof(ret->sun_path) - 2);

    memset(ret, 0, sizeof(*ret));
    ret->sun_family = AF_UNIX;
    memcpy(ret->sun_path + abstract, name, length);
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + 1);
}

static struct sockaddr_in
loopback(int64_t port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t)port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
}

static int
connect_unix(int type, const char *name, bool abstract)
{
    struct sockaddr_un address;
    socklen_t length = unix_address(name, abstract, &address);
    int fd;
    int error;

    if (!*name) {
        return SVIRT_PROBE_UNAIMED;
    }
    fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return errno;
    }
    error = svirt_probe_result(
        connect(fd, (const struct sockaddr *)&address, length));
    (void)close(fd);
    return error;
}

static int
unix_private(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
             SvirtProbeNote *note)
{
    return connect_unix(SOCK_STREAM, t->unix_private, false);
}

static int
unix_world(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
           SvirtProbeNote *note)
{
    return connect_unix(SOCK_STREAM, t->unix_world, false);
}

static int
unix_abstract(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
              SvirtProbeNote *note)
{
    return connect_unix(SOCK_STREAM, t->abstract_stream, true);
}

static int
unix_datagram(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
              SvirtProbeNote *note)
{
    return connect_unix(SOCK_DGRAM, t->unix_datagram, false);
}

static int
unix_abstract_datagram(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
                       SvirtProbeNote *note)
{
    return connect_unix(SOCK_DGRAM, t->abstract_datagram, true);
}

static int
bind_unix(const char *name, bool abstract)
{
    struct sockaddr_un address;
    socklen_t length = unix_address(name, abstract, &address);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int error;

    if (fd < 0) {
        return errno;
    }
    error = svirt_probe_result(
        bind(fd, (const struct sockaddr *)&address, length));
    if (!error && !abstract) {
        (void)unlink(name);
    }
    (void)close(fd);
    return error;
}

static int
unix_bind_path(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
               SvirtProbeNote *note)
{
    char name[2 * SVIRT_PROBE_PATH];

    if (!*t->tmp_directory) {
        return SVIRT_PROBE_UNAIMED;
    }
    (void)snprintf(name, sizeof(name), "%s/%s", t->tmp_directory,
                   t->attempt_name);
    return bind_unix(name, false);
}

static int
unix_bind_abstract(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
                   SvirtProbeNote *note)
{
    return bind_unix(t->attempt_name, true);
}

static int
unix_pair(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
          SvirtProbeNote *note)
{
    int pair[2];

    if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair) < 0) {
        return errno;
    }
    (void)close(pair[0]);
    (void)close(pair[1]);
    return 0;
}

static int
connect_tcp(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
            SvirtProbeNote *note)
{
    struct sockaddr_in address = loopback(t->tcp_port);
    int fd;
    int error;

    if (t->tcp_port < 0) {
        return SVIRT_PROBE_UNAIMED;
    }
    fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, a->number);
    if (fd < 0) {
        return errno;
    }
    error = svirt_probe_result(
        connect(fd, (const struct sockaddr *)&address, sizeof(address)));
    (void)close(fd);
    return error;
}

static int
tcp_fast_open(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
              SvirtProbeNote *note)
{
    struct sockaddr_in address = loopback(t->tcp_port);
    int fd;
    int error;

    if (t->tcp_port < 0) {
        return SVIRT_PROBE_UNAIMED;
    }
    fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return errno;
    }
    error = svirt_probe_result(
        sendto(fd, "x", 1, MSG_FASTOPEN | MSG_NOSIGNAL,
               (const struct sockaddr *)&address, sizeof(address)));
    (void)close(fd);
    return error;
}

static int
tcp_listen(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
           SvirtProbeNote *note)
{
    struct sockaddr_in address = loopback(0);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int error;

    if (fd < 0) {
        return errno;
    }
    error = svirt_probe_result(
        bind(fd, (const struct sockaddr *)&address, sizeof(address)));
    if (!error) {
        error = svirt_probe_result(listen(fd, 1));
    }
    (void)close(fd);
    return error;
}

static int
tcp_listen_unbound(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
                   SvirtProbeNote *note)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int error;

    if (fd < 0) {
        return errno;
    }
    /* The kernel picks a port: no bind for a filter or Landlock to see. */
    error = svirt_probe_result(listen(fd, 1));
    (void)close(fd);
    return error;
}

static int
udp_send(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
         SvirtProbeNote *note)
{
    struct sockaddr_in address = loopback(t->udp_port);
    int fd;
    int error;

    if (t->udp_port < 0) {
        return SVIRT_PROBE_UNAIMED;
    }
    fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return errno;
    }
    error = svirt_probe_result(sendto(fd, "x", 1, 0,
                                      (const struct sockaddr *)&address,
                                      sizeof(address)));
    (void)close(fd);
    return error;
}

static int
udp_connect(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
            SvirtProbeNote *note)
{
    struct sockaddr_in address = loopback(t->udp_port);
    int fd;
    int error;

    if (t->udp_port < 0) {
        return SVIRT_PROBE_UNAIMED;
    }
    fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return errno;
    }
    error = svirt_probe_result(
        connect(fd, (const struct sockaddr *)&address, sizeof(address)));
    if (!error) {
        error = svirt_probe_result(write(fd, "x", 1));
    }
    (void)close(fd);
    return error;
}

static int
open_socket(int family, int type, int protocol)
{
    return svirt_probe_opened(socket(family, type | SOCK_CLOEXEC, protocol));
}

static int
tcp6_socket(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
            SvirtProbeNote *note)
{
    return open_socket(AF_INET6, SOCK_STREAM, 0);
}

static int
raw_socket(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
           SvirtProbeNote *note)
{
    return open_socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
}

static int
packet_socket(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
              SvirtProbeNote *note)
{
    return open_socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL));
}

static int
xdp_socket(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
           SvirtProbeNote *note)
{
    return open_socket(AF_XDP, SOCK_RAW, 0);
}

static int
sctp_socket(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
            SvirtProbeNote *note)
{
    return open_socket(AF_INET, SOCK_STREAM, IPPROTO_SCTP);
}

static int
crypto_socket(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
              SvirtProbeNote *note)
{
    return open_socket(AF_ALG, SOCK_SEQPACKET, 0);
}

static int
netlink_bind(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
             SvirtProbeNote *note)
{
    struct sockaddr_nl address = { .nl_family = AF_NETLINK, .nl_groups = 1 };
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, a->number);
    int error;

    if (fd < 0) {
        return errno;
    }
    error = svirt_probe_result(
        bind(fd, (const struct sockaddr *)&address, sizeof(address)));
    (void)close(fd);
    return error;
}

static int
vsock_bind(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
           SvirtProbeNote *note)
{
    struct sockaddr_vm address = { .svm_family = AF_VSOCK,
                                   .svm_cid = VMADDR_CID_ANY,
                                   .svm_port = VMADDR_PORT_ANY };
    int fd = socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int error;

    if (fd < 0) {
        return errno;
    }
    error = svirt_probe_result(
        bind(fd, (const struct sockaddr *)&address, sizeof(address)));
    (void)close(fd);
    return error;
}

static bool
has_row(int family)
{
    return family == AF_UNIX || family == AF_INET || family == AF_INET6 ||
           family == AF_NETLINK || family == AF_PACKET ||
           family == AF_VSOCK || family == AF_ALG || family == AF_XDP;
}

static int
other_family(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
             SvirtProbeNote *note)
{
    static const int types[] = { SOCK_DGRAM, SOCK_STREAM, SOCK_RAW,
                                 SOCK_SEQPACKET };
    int error = EAFNOSUPPORT;

    for (int family = 1; family < 64; family++) {
        if (has_row(family)) {
            continue;
        }
        for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
            int one = open_socket(family, types[i], 0);

            if (one == 0) {
                (void)snprintf(note->text, sizeof(note->text), "family %d",
                               family);
                return 0;
            }
            if (one != EAFNOSUPPORT && one != ESOCKTNOSUPPORT &&
                one != EPROTONOSUPPORT) {
                error = one;
            }
        }
    }
    return error;
}

SVIRT_PROBE_ROWS(
    sockets,
    { "unix-private", "connect to the other VM's socket",
      L(ROOT) | L(FILTER) | L(DAC), unix_private },
    { "unix-world", "connect to a socket of mode 0777", L(ROOT) | L(FILTER),
      unix_world },
    { "unix-abstract", "connect to an abstract socket",
      NET | L(LANDLOCK), unix_abstract },
    { "unix-datagram", "connect a datagram socket to one of mode 0777",
      L(ROOT) | L(FILTER), unix_datagram },
    { "unix-abstract-datagram", "connect to an abstract datagram socket",
      NET | L(LANDLOCK), unix_abstract_datagram },
    { "unix-bind", "create a socket in /tmp",
      L(ROOT) | L(FILTER) | L(LANDLOCK), unix_bind_path },
    { "unix-bind-abstract", "listen under an abstract name", L(FILTER),
      unix_bind_abstract },
    { "unix-pair", "make a pair of datagram sockets", L(FILTER), unix_pair },
    { "tcp-connect", "connect to the host's 127.0.0.1", NET | L(LANDLOCK),
      connect_tcp },
    { "tcp-listen", "listen on a TCP port", L(FILTER) | L(LANDLOCK),
      tcp_listen },
    { "tcp-listen-unbound", "listen on a TCP port the kernel picks",
      L(FILTER), tcp_listen_unbound },
    { "tcp-fast-open", "connect by TCP fast open", NET, tcp_fast_open },
    { "mptcp-connect", "connect by multipath TCP", NET, connect_tcp,
      .number = MPTCP_PROTOCOL, .absence = SVIRT_PROBE_ABSENCE_FAMILY },
    { "udp-send", "send a datagram to the host's 127.0.0.1", NET, udp_send },
    { "udp-connect", "connect a datagram socket to the host's 127.0.0.1",
      NET, udp_connect },
    { "tcp6-socket", "make an IPv6 socket", L(FILTER), tcp6_socket,
      .absence = SVIRT_PROBE_ABSENCE_FAMILY },
    { "raw-socket", "make a raw IP socket", L(FILTER) | L(CAPABILITY),
      raw_socket },
    { "packet-socket", "capture the host's network traffic",
      L(FILTER) | L(CAPABILITY), packet_socket,
      .absence = SVIRT_PROBE_ABSENCE_FAMILY },
    { "xdp-socket", "make an XDP socket", L(FILTER) | L(CAPABILITY),
      xdp_socket, .absence = SVIRT_PROBE_ABSENCE_FAMILY },
    { "sctp-socket", "make an SCTP socket", L(FILTER), sctp_socket,
      .absence = SVIRT_PROBE_ABSENCE_FAMILY },
    { "alg-socket", "use the kernel's crypto sockets", L(FILTER),
      crypto_socket, .absence = SVIRT_PROBE_ABSENCE_FAMILY },
    { "netlink-route", "watch the host's network interfaces", L(FILTER),
      netlink_bind, .number = NETLINK_ROUTE },
    { "netlink-audit", "listen to the audit log",
      L(FILTER) | L(CAPABILITY) | L(NAMESPACE), netlink_bind,
      .number = NETLINK_AUDIT, .absence = SVIRT_PROBE_ABSENCE_FAMILY },
    { "netlink-uevent", "listen to device events", L(FILTER), netlink_bind,
      .number = NETLINK_KOBJECT_UEVENT },
    { "netlink-diag", "list the host's sockets", L(FILTER), netlink_bind,
      .number = NETLINK_SOCK_DIAG, .absence = SVIRT_PROBE_ABSENCE_FAMILY },
    { "vsock", "listen for guests and the hypervisor below", L(FILTER),
      vsock_bind, .absence = SVIRT_PROBE_ABSENCE_FAMILY },
    { "other-family", "make a socket of any other family", L(FILTER),
      other_family, .absence = SVIRT_PROBE_ABSENCE_FAMILY,
      /* The kernel asks for a module for each. */
      .flags = SVIRT_PROBE_FLAG_SLOW })
