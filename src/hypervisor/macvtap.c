/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hypervisor/macvtap.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "host/link.h"

#define OWN_NAMESPACE "/proc/self/ns/net"
#define NAME "macvtap0"
/* The node's name has the device's number, and /dev is everybody's: one that
 * no other namespace counts up to. */
#define FIRST_INDEX (1u << 28)

typedef struct Maker {
    const SvirtTapRequest *request;
    int link_fd; /* of the host's namespace */
    SvirtLink lower;
} Maker;

static bool
fail(const Maker *maker, int errnum, const char *hint, const char *what,
     GError **error)
{
    const SvirtInterface *interface = maker->request->interface;

    return svirt_raise_errno(error, errnum, hint,
                             "line %u: cannot %s on device '%s'",
                             interface->source_line, what, interface->source);
}

/* The kernel's own refusals: EBUSY, another passthrough or bridge is there;
 * EADDRINUSE, so is the MAC. */
static bool
fail_busy(const Maker *maker, int errnum, GError **error)
{
    const SvirtInterface *interface = maker->request->interface;

    if (errnum != EBUSY && errnum != EADDRINUSE) {
        return fail(maker, errnum,
                    errnum == EOPNOTSUPP ? "modprobe macvtap" : NULL,
                    "make a macvtap", error);
    }
    return svirt_raise(error, SVIRT_ERROR_BUSY, NULL,
                       "give it a MAC of its own, and another device or mode",
                       "line %u: device '%s' or the MAC address is in use",
                       interface->source_line, interface->source);
}

static bool
open_queues(const Maker *maker, unsigned index, int *fds, GError **error)
{
    unsigned queues = maker->request->interface->queues;
    g_autofree char *node = g_strdup_printf("/dev/tap%u", index);
    struct ifreq request = {
        .ifr_flags = (short)(IFF_TAP | IFF_NO_PI | IFF_VNET_HDR |
                             (queues > 1 ? IFF_MULTI_QUEUE : 0)),
    };

    for (unsigned i = 0; i < queues; i++) {
        struct stat st;

        fds[i] = open(node, O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
        if (fds[i] < 0 || fstat(fds[i], &st) < 0 || !S_ISCHR(st.st_mode) ||
            ioctl(fds[i], TUNSETIFF, &request) < 0) {
            return fail(maker, errno, "mount devtmpfs on /dev",
                        "open the macvtap", error);
        }
    }
    return true;
}

/* In the new namespace: it holds the queues' sockets, and they hold it. */
static bool
make_inside(const Maker *maker, int *fds, GError **error)
{
    const SvirtTapRequest *request = maker->request;
    SVIRT_AUTO_FD own = open(OWN_NAMESPACE, O_RDONLY | O_CLOEXEC);
    SVIRT_AUTO_FD inside = svirt_link_open();
    SvirtMacvtap wanted = {
        .name = NAME,
        .lower = maker->lower.index,
        .namespace_fd = own,
        .mac = request->mac,
        .mtu = request->interface->mtu,
        .mode = 1u << request->interface->mode,
    };
    const SvirtLinkChange up = { .up = true };
    uint32_t number;

    if (own < 0 || inside < 0 ||
        getrandom(&number, sizeof(number), 0) != sizeof(number)) {
        return fail(maker, errno, NULL, "make a macvtap", error);
    }
    wanted.index = (int)(FIRST_INDEX + number % FIRST_INDEX);
    if (!svirt_link_add_macvtap(maker->link_fd, &wanted) ||
        !svirt_link_change(inside, wanted.index, &up)) {
        return fail_busy(maker, errno, error);
    }
    return open_queues(maker, (unsigned)wanted.index, fds, error);
}

bool
svirt_macvtap_open(const SvirtTapRequest *request, int *ret_fds,
                   GError **error)
{
    SVIRT_AUTO_FD host = open(OWN_NAMESPACE, O_RDONLY | O_CLOEXEC);
    SVIRT_AUTO_FD link_fd = svirt_link_open();
    unsigned queues = request->interface->queues;
    g_autofree int *fds = g_new(int, queues);
    Maker maker = { request, link_fd, { 0 } };
    bool ok;

    memset(fds, -1, queues * sizeof(*fds));
    if (host < 0 || link_fd < 0) {
        return fail(&maker, errno, NULL, "make a macvtap", error);
    }
    if (!svirt_link_find(link_fd, request->interface->source, &maker.lower)) {
        return fail(&maker, errno == ENODEV ? ENOENT : errno,
                    "ip link shows the host's devices", "make a macvtap",
                    error);
    }
    if (unshare(CLONE_NEWNET) < 0) {
        return fail(&maker, errno, NULL, "make a macvtap", error);
    }
    ok = make_inside(&maker, fds, error);
    /* Whatever this process does next is the host's business again. */
    if (setns(host, CLONE_NEWNET) < 0) {
        g_error("cannot return to the host's network: %s", g_strerror(errno));
    }
    if (!ok) {
        for (unsigned i = 0; i < queues; i++) {
            svirt_fd_close(&fds[i]);
        }
        return false;
    }
    memcpy(ret_fds, fds, queues * sizeof(*fds));
    return true;
}
