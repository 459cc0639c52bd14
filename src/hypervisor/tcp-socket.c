/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hypervisor/tcp-socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"

#define BACKLOG 16
#define CONNECT_MS 5000
#define PRIVILEGED_PORTS 1024u

typedef union Address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
} Address;

static socklen_t
fill(Address *ret, const char *text, unsigned port)
{
    memset(ret, 0, sizeof(*ret));
    if (inet_pton(AF_INET, text, &ret->v4.sin_addr) == 1) {
        ret->v4.sin_family = AF_INET;
        ret->v4.sin_port = htons((uint16_t)port);
        return sizeof(ret->v4);
    }
    (void)inet_pton(AF_INET6, text, &ret->v6.sin6_addr);
    ret->v6.sin6_family = AF_INET6;
    ret->v6.sin6_port = htons((uint16_t)port);
    return sizeof(ret->v6);
}

/* 0 or errno. */
static int
try_port(const char *text, unsigned port, int *ret_fd)
{
    const int yes = 1;
    Address address;
    socklen_t length = fill(&address, text, port);
    SVIRT_AUTO_FD fd =
        socket(address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    /* A port whose last connection just ended is free. */
    if (fd < 0 ||
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) < 0 ||
        bind(fd, &address.any, length) < 0 || listen(fd, BACKLOG) < 0) {
        return errno;
    }
    *ret_fd = svirt_fd_steal(&fd);
    return 0;
}

bool
svirt_tcp_listen(const char *address, unsigned first, unsigned last,
                 const SvirtCredentials *author, int *ret_fd,
                 unsigned *ret_port, GError **error)
{
    int problem = EADDRINUSE;

    if (first < PRIVILEGED_PORTS && author != NULL && author->uid != 0) {
        return svirt_raise(error, SVIRT_ERROR_REFUSED, NULL,
                           "use a port from 1024 on",
                           "port %u is root's to listen on", first);
    }
    for (unsigned port = first; port <= last && problem == EADDRINUSE;
         port++) {
        problem = try_port(address, port, ret_fd);
        *ret_port = port;
    }
    if (problem == EADDRINUSE) {
        return svirt_raise(error, SVIRT_ERROR_BUSY, NULL,
                           first == last ? "give it a port of its own, or see "
                                           "who listens: ss -ltnp"
                                         : "widen graphics_ports in "
                                           "svirt.conf",
                           first == last
                               ? "port %u of address '%s' is in use"
                               : "no port from %u on is free on address '%s'",
                           first, address);
    }
    return problem == 0 ||
           svirt_raise_errno(error, problem,
                             "name an address of this host, as 127.0.0.1",
                             "cannot listen on address '%s', port %u", address,
                             *ret_port);
}

bool
svirt_tcp_connect(const char *text, unsigned port,
                  const SvirtCredentials *author, int *ret_fd, GError **error)
{
    SVIRT_AUTO_CREDENTIALS scope = SVIRT_CREDENTIALS_SCOPE_INIT;
    Address address;
    socklen_t length = fill(&address, text, port);
    SVIRT_AUTO_FD fd = -1;
    struct pollfd ready = { .events = POLLOUT };
    int problem = 0;

    /* The host's firewall asks who made the socket. */
    if (!svirt_credentials_enter(author, &scope, error)) {
        return false;
    }
    fd = socket(address.any.sa_family,
                SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    ready.fd = fd;
    if (fd < 0 || connect(fd, &address.any, length) < 0) {
        problem = errno;
    }
    if (problem == EINPROGRESS) {
        socklen_t size = sizeof(problem);

        if (poll(&ready, 1, CONNECT_MS) <= 0) {
            problem = ETIMEDOUT;
        } else {
            (void)getsockopt(fd, SOL_SOCKET, SO_ERROR, &problem, &size);
        }
    }
    if (problem != 0) {
        return svirt_raise_errno(error, problem, "start its server first",
                                 "cannot connect to address '%s', port %u",
                                 text, port);
    }
    *ret_fd = svirt_fd_steal(&fd);
    return true;
}
