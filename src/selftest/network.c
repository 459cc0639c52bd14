/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "selftest/network.h"

#include "base/error.h"
#include "base/fd.h"
#include "selftest/frame.h"
#include "selftest/network-private.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <net/route.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define UPLINK "uplink"
#define BACKLOG 64

static struct sockaddr
address_of(const char *text)
{
    struct sockaddr_in in = { .sin_family = AF_INET };
    struct sockaddr address;

    (void)inet_pton(AF_INET, text, &in.sin_addr);
    memcpy(&address, &in, sizeof(address));
    return address;
}

/* Address, mask and the up flag of one interface, netdevice(7). */
static bool
interface_set(int fd, const char *name, const char *address, const char *mask)
{
    struct ifreq request = { .ifr_flags = 0 };

    (void)g_strlcpy(request.ifr_name, name, sizeof(request.ifr_name));
    request.ifr_addr = address_of(address);
    if (ioctl(fd, SIOCSIFADDR, &request) < 0) {
        return false;
    }
    request.ifr_netmask = address_of(mask);
    if (ioctl(fd, SIOCSIFNETMASK, &request) < 0) {
        return false;
    }
    request.ifr_flags = IFF_UP | IFF_RUNNING;
    return ioctl(fd, SIOCSIFFLAGS, &request) == 0;
}

static bool
route_set(int fd)
{
    char device[] = UPLINK;
    struct rtentry route = {
        .rt_dst = address_of("0.0.0.0"),
        .rt_gateway = address_of(SVIRT_FRAME_GATEWAY),
        .rt_genmask = address_of("0.0.0.0"),
        .rt_flags = RTF_UP | RTF_GATEWAY,
        .rt_dev = device,
    };

    return ioctl(fd, SIOCADDRT, &route) == 0;
}

/* An uplink whose other end is in our hand, and silent. */
static int
uplink_make(void)
{
    struct ifreq request = { .ifr_name = UPLINK,
                             .ifr_flags = IFF_TAP | IFF_NO_PI };
    SVIRT_AUTO_FD fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);

    if (fd < 0 || ioctl(fd, TUNSETIFF, &request) < 0) {
        return -1;
    }
    return svirt_fd_steal(&fd);
}

static bool
listeners_make(SvirtSelftestNetwork *network)
{
    struct sockaddr_in any = { .sin_family = AF_INET };
    socklen_t size = sizeof(any);
    int tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    network->tcp_fd = tcp;
    network->udp_fd = udp;
    if (tcp < 0 || udp < 0 ||
        bind(tcp, (const struct sockaddr *)&any, size) < 0 ||
        listen(tcp, BACKLOG) < 0 ||
        getsockname(tcp, (struct sockaddr *)&any, &size) < 0 ||
        bind(udp, (const struct sockaddr *)&any, size) < 0) {
        return false;
    }
    network->port = ntohs(any.sin_port);
    return true;
}

static bool
namespace_make(SvirtSelftestNetwork *network)
{
    SVIRT_AUTO_FD fd = -1;

    if (unshare(CLONE_NEWNET) < 0) {
        return false;
    }
    network->namespace_fd =
        open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
    fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    network->uplink_fd = uplink_make();
    return network->namespace_fd >= 0 && fd >= 0 && network->uplink_fd >= 0 &&
           interface_set(fd, "lo", "127.0.0.1", "255.0.0.0") &&
           interface_set(fd, "lo:1", SVIRT_FRAME_METADATA,
                         "255.255.255.255") &&
           interface_set(fd, UPLINK, SVIRT_FRAME_GUEST, "255.255.255.0") &&
           route_set(fd) && listeners_make(network);
}

/* Sends every datagram back until the other end of `stop_fds` is closed. */
static void
echo_serve(const SvirtSelftestNetwork *network)
{
    struct pollfd wait[] = { { .fd = network->udp_fd, .events = POLLIN },
                             { .fd = network->stop_fds[0] } };

    while (poll(wait, G_N_ELEMENTS(wait), -1) >= 0 || errno == EINTR) {
        struct sockaddr_storage from;
        socklen_t size = sizeof(from);
        char text[64];
        ssize_t got;

        if (wait[1].revents) {
            return;
        }
        got = recvfrom(network->udp_fd, text, sizeof(text), 0,
                       (struct sockaddr *)&from, &size);
        if (got >= 0) {
            (void)sendto(network->udp_fd, text, (size_t)got, 0,
                         (struct sockaddr *)&from, size);
        }
    }
}

static gpointer
namespace_thread(gpointer data)
{
    SvirtSelftestNetwork *network = data;
    int error = namespace_make(network) ? 0 : errno;

    g_mutex_lock(&network->mutex);
    network->error = error;
    network->ready = true;
    g_cond_signal(&network->changed);
    g_mutex_unlock(&network->mutex);
    if (!error) {
        echo_serve(network);
    }
    return NULL;
}

bool
svirt_selftest_network_new(SvirtSelftestNetwork **ret, GError **error)
{
    g_autoptr(SvirtSelftestNetwork) network =
        g_new0(SvirtSelftestNetwork, 1);

    memset(network->fds, 0xff, sizeof(network->fds));
    g_mutex_init(&network->mutex);
    g_cond_init(&network->changed);
    if (pipe2(network->stop_fds, O_CLOEXEC) < 0) {
        return svirt_raise_errno(error, errno, NULL, "cannot make a pipe");
    }
    network->thread =
        g_thread_new("svirt-network", namespace_thread, network);
    g_mutex_lock(&network->mutex);
    while (!network->ready) {
        g_cond_wait(&network->changed, &network->mutex);
    }
    g_mutex_unlock(&network->mutex);
    if (network->error) {
        return svirt_raise_errno(error, network->error,
                                 "load the kernel module tun",
                                 "cannot make a network to try passt in");
    }
    *ret = g_steal_pointer(&network);
    return true;
}

void
svirt_selftest_network_free(SvirtSelftestNetwork *network)
{
    if (!network) {
        return;
    }
    svirt_fd_close(&network->stop_fds[1]);
    if (network->thread) {
        (void)g_thread_join(network->thread);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(network->fds); i++) {
        svirt_fd_close(&network->fds[i]);
    }
    g_mutex_clear(&network->mutex);
    g_cond_clear(&network->changed);
    g_free(network);
}

int
svirt_selftest_network_port(const SvirtSelftestNetwork *network)
{
    return network->port;
}
