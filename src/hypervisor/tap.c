/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hypervisor/tap.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/vhost.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "host/link.h"
#include "keeper/status.h"

#define NODE "/dev/net/tun"
#define VHOST "/dev/vhost-net"
/* As libvirt's, so that rules of a firewall for vnet+ apply. */
#define PATTERN "vnet%d"
/* Beside the run directories: from the look at a bridge to the place on it. */
#define LOCK "../net-lock"

typedef struct Maker {
    const SvirtTapRequest *request;
    int link_fd;
    int *fds;
} Maker;

static bool
fail(const Maker *maker, int errnum, const char *hint, const char *what,
     const char *name, GError **error)
{
    return svirt_raise_errno(error, errnum, hint, "line %u: cannot %s '%s'",
                             maker->request->interface->info.line, what, name);
}

/* The name of the domain whose run is called `uuid_text`; else that text. */
static char *
domain_name(const SvirtTapRequest *request, const char *uuid_text)
{
    SVIRT_AUTO_FD runs = openat(request->run_dir_fd, "..",
                                O_PATH | O_DIRECTORY | O_CLOEXEC);
    SvirtRunStatus status;
    SvirtUuid uuid;

    /* Its own status says it later. */
    if (svirt_uuid_parse(uuid_text, &uuid) &&
        svirt_uuid_equal(&uuid, request->uuid)) {
        return g_strdup(request->name);
    }
    return g_strdup(runs >= 0 && svirt_run_status_read(runs, uuid_text,
                                                       &status)
                        ? status.name : uuid_text);
}

typedef struct MacSearch {
    const uint8_t *mac;
    SvirtLink found; /* index 0: none */
} MacSearch;

/* A tap has its guest's address but for the first byte (set_link below). */
static bool
same_mac(const SvirtLink *link, void *data)
{
    MacSearch *search = data;

    if (link->mac[0] == 0xfe &&
        memcmp(link->mac + 1, search->mac + 1, 5) == 0) {
        search->found = *link;
        return false;
    }
    return true;
}

static bool
check_mac(const Maker *maker, int bridge, GError **error)
{
    const SvirtTapRequest *request = maker->request;
    const uint8_t *mac = request->mac;
    MacSearch search = { mac, { 0 } };
    char uuid[SVIRT_UUID_TEXT] = "";
    g_autofree char *holder = NULL;

    if (!svirt_link_visit(maker->link_fd, bridge, same_mac, &search)) {
        return fail(maker, errno, NULL, "list the ports of bridge",
                    request->net->bridge, error);
    }
    if (search.found.index == 0) {
        return true;
    }
    /* As set_link below writes it; another's is named by its device. */
    if (sscanf(search.found.alias, "svirt %36s", uuid) == 1) {
        holder = domain_name(request, uuid);
    }
    return svirt_raise(error, SVIRT_ERROR_BUSY, NULL,
                       "give each interface a <mac address> of its own",
                       "line %u: MAC address %02x:%02x:%02x:%02x:%02x:%02x is "
                       "in use on bridge '%s' by %s '%s'",
                       request->interface->info.line, mac[0], mac[1], mac[2],
                       mac[3], mac[4], mac[5], request->net->bridge,
                       holder != NULL ? "domain" : "device",
                       holder != NULL ? holder : search.found.name);
}

/* One queue; `name` is a pattern or a name, and becomes the device's. */
static bool
open_queue(const Maker *maker, int flags, char name[IFNAMSIZ], int *ret_fd,
           GError **error)
{
    struct ifreq request = { .ifr_flags = (short)flags };
    SVIRT_AUTO_FD fd = open(NODE, O_RDWR | O_CLOEXEC | O_NONBLOCK);

    if (fd < 0) {
        return fail(maker, errno, "modprobe tun", "open", NODE, error);
    }
    memcpy(request.ifr_name, name, IFNAMSIZ);
    if (ioctl(fd, TUNSETIFF, &request) < 0) {
        if (errno == EBUSY && (flags & IFF_TUN_EXCL) != 0) {
            return svirt_raise(error, SVIRT_ERROR_EXISTS, NULL,
                               "choose another <target dev>, or say "
                               "managed='no' of a tap that is yours",
                               "line %u: there is a device '%s' already",
                               maker->request->interface->info.line, name);
        }
        return fail(maker, errno, errno == EPERM ? "svirt needs CAP_NET_ADMIN "
                                                   "here" : NULL,
                    "make tap", name, error);
    }
    memcpy(name, request.ifr_name, IFNAMSIZ);
    *ret_fd = svirt_fd_steal(&fd);
    return true;
}

static bool
open_queues(Maker *maker, int flags, char name[IFNAMSIZ], GError **error)
{
    unsigned queues = maker->request->interface->queues;

    for (unsigned i = 0; i < queues; i++) {
        /* The first makes it, the others join. */
        if (!open_queue(maker,
                        i == 0 ? flags : flags & ~IFF_TUN_EXCL, name,
                        &maker->fds[i], error)) {
            return false;
        }
        /* Without an owner, whoever may open the node could add a queue. */
        if (i == 0 && (flags & IFF_TUN_EXCL) != 0 &&
            ioctl(maker->fds[0], TUNSETOWNER, 0ul) < 0) {
            return fail(maker, errno, NULL, "own tap", name, error);
        }
    }
    return true;
}

/*
 * Its address has 0xfe before the guest's last five bytes, as libvirt's: above
 * any other port's, so that the bridge does not take it for its own; and no
 * two guests on a bridge have one MAC.
 */
static bool
set_link(const Maker *maker, const char *name, const SvirtLink *bridge,
         GError **error)
{
    const SvirtTapRequest *request = maker->request;
    char uuid[SVIRT_UUID_TEXT];
    g_autofree char *alias = NULL;
    uint8_t mac[6] = { 0xfe };
    const SvirtLinkChange first = {
        .mtu = request->interface->mtu != 0 ? request->interface->mtu
                                            : bridge->mtu,
        .mac = mac,
        .alias = (svirt_uuid_format(request->uuid, uuid),
                  alias = g_strdup_printf("svirt %s net%zu", uuid,
                                          request->index)),
    };
    const SvirtLinkChange join = { .master = bridge->index };
    const SvirtLinkChange up = { .up = true };
    SvirtLink link;

    memcpy(mac + 1, request->mac + 1, 5);
    if (!svirt_link_find(maker->link_fd, name, &link) ||
        !svirt_link_change(maker->link_fd, link.index, &first)) {
        return fail(maker, errno, NULL, "set tap", name, error);
    }
    /* Somebody may have been in before it had its owner, and stays. */
    if (request->interface->queues > 1 &&
        link.tap_queues != request->interface->queues) {
        return fail(maker, EBUSY, "start it again", "keep others from tap",
                    name, error);
    }
    /* A host without IPv6 gives it none anyway. */
    (void)svirt_link_no_address(maker->link_fd, link.index);
    if (bridge->index != 0 &&
        !svirt_link_change(maker->link_fd, link.index, &join)) {
        return fail(maker, errno, NULL, "add the tap to bridge", bridge->name,
                    error);
    }
    if (request->net->isolated &&
        !svirt_link_isolate(maker->link_fd, link.index)) {
        return fail(maker, errno, "it needs Linux 4.18", "isolate tap", name,
                    error);
    }
    /* Last: not one frame passes before all of this holds. */
    return svirt_link_change(maker->link_fd, link.index, &up) ||
           fail(maker, errno, NULL, "bring up tap", name, error);
}

static bool
find_bridge(const Maker *maker, SvirtLink *ret, GError **error)
{
    const char *name = maker->request->net->bridge;

    if (name == NULL) {
        return true;
    }
    if (!svirt_link_find(maker->link_fd, name, ret)) {
        return fail(maker, errno == ENODEV ? ENOENT : errno, NULL,
                    "find bridge", name, error);
    }
    return strcmp(ret->kind, "bridge") == 0 ||
           svirt_raise(error, SVIRT_ERROR_UNSUPPORTED, NULL,
                       "name a bridge of the kernel's: ip link add br0 type "
                       "bridge",
                       "line %u: device '%s' is no bridge",
                       maker->request->interface->source_line, name);
}

static bool
make_tap(Maker *maker, char name[IFNAMSIZ], GError **error)
{
    const SvirtInterface *interface = maker->request->interface;
    int flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | IFF_TUN_EXCL;
    SvirtLink bridge = { 0 };

    /* libvirt's own names in a definition mean nothing (vnet3). */
    (void)g_strlcpy(name,
                    interface->target != NULL &&
                            !g_str_has_prefix(interface->target, "vnet")
                        ? interface->target : PATTERN,
                    IFNAMSIZ);
    if (interface->queues > 1) {
        flags |= IFF_MULTI_QUEUE;
    }
    if (!find_bridge(maker, &bridge, error) ||
        (bridge.index != 0 && !check_mac(maker, bridge.index, error)) ||
        !open_queues(maker, flags, name, error)) {
        return false;
    }
    return set_link(maker, name, &bridge, error);
}

/* The domain whose run notes this device; NULL: none. Owned by the caller. */
static char *
holder_of(const SvirtTapRequest *request, const char *name)
{
    int runs_fd = openat(request->run_dir_fd, "..",
                         O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *runs = runs_fd >= 0 ? fdopendir(runs_fd) : NULL;
    const struct dirent *entry;
    char *holder = NULL;

    while (runs != NULL && holder == NULL && (entry = readdir(runs)) != NULL) {
        SVIRT_AUTO_FD run = -1;

        if (strlen(entry->d_name) != SVIRT_UUID_TEXT - 1) {
            continue;
        }
        run = openat(runs_fd, entry->d_name,
                     O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        for (size_t i = 0; run >= 0 && holder == NULL &&
                           i < SVIRT_DOMAIN_INTERFACES_MAX; i++) {
            g_autofree char *noted = svirt_tap_name(run, i);

            if (g_strcmp0(noted, name) == 0) {
                holder = domain_name(request, entry->d_name);
            }
        }
    }
    if (runs != NULL) {
        (void)closedir(runs);
    }
    return holder;
}

static bool
in_use(const Maker *maker, const char *name, GError **error)
{
    g_autofree char *holder = holder_of(maker->request, name);

    return svirt_raise(error, SVIRT_ERROR_BUSY, NULL,
                       "give each interface a tap of its own",
                       "line %u: tap '%s' is in use by %s%s%s",
                       maker->request->interface->info.line, name,
                       holder != NULL ? "domain '" : "another process",
                       holder != NULL ? holder : "",
                       holder != NULL ? "'" : "");
}

/* Somebody's else: opened as it is, and nothing of it is changed. */
static bool
use_tap(Maker *maker, char name[IFNAMSIZ], GError **error)
{
    const SvirtTapRequest *request = maker->request;
    const SvirtInterface *interface = request->interface;
    int flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR;
    GError *problem = NULL;
    SvirtLink link;

    (void)g_strlcpy(name, interface->target != NULL ? interface->target : "",
                    IFNAMSIZ);
    if (!svirt_link_find(maker->link_fd, name, &link) ||
        strcmp(link.kind, "tun") != 0) {
        return svirt_raise(error, SVIRT_ERROR_NOT_FOUND, NULL,
                           "ip tuntap add dev NAME mode tap user USER",
                           "line %u: there is no tap '%s'",
                           interface->info.line, name);
    }
    if (request->author != 0 &&
        (!link.tap_owned || link.tap_owner != request->author)) {
        return svirt_raise(error, SVIRT_ERROR_REFUSED, NULL,
                           "ip tuntap add dev NAME mode tap user USER",
                           "line %u: tap '%s' is not uid %u's, the author's",
                           interface->info.line, name,
                           (unsigned)request->author);
    }
    if (link.tap_queues > 0) {
        return in_use(maker, name, error);
    }
    if (link.tap_multi_queue && !link.tap_owned) {
        return svirt_raise(error, SVIRT_ERROR_REFUSED, NULL,
                           "ip tuntap add dev NAME mode tap multi_queue user "
                           "root",
                           "line %u: tap '%s' has no owner: anybody could "
                           "join it", interface->info.line, name);
    }
    if (interface->queues > 1 && !link.tap_multi_queue) {
        return svirt_raise(error, SVIRT_ERROR_UNSUPPORTED, NULL,
                           "make it with multi_queue, or remove queues=",
                           "line %u: tap '%s' has one queue",
                           interface->info.line, name);
    }
    if (link.tap_multi_queue) {
        flags |= IFF_MULTI_QUEUE;
    }
    if (!open_queues(maker, flags, name, &problem)) {
        if (problem->code == SVIRT_ERROR_BUSY) {
            g_clear_error(&problem);
            return in_use(maker, name, error);
        }
        g_propagate_error(error, problem);
        return false;
    }
    return true;
}

/* "3 vnet0": which device it was when it was made. */
static bool
note_name(const Maker *maker, const char *name, GError **error)
{
    g_autofree char *file = g_strdup_printf("net%zu", maker->request->index);
    g_autofree char *text = NULL;
    SVIRT_AUTO_FD fd = openat(maker->request->run_dir_fd, file,
                              O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    SvirtLink link;

    if (fd < 0 || !svirt_link_find(maker->link_fd, name, &link)) {
        return fail(maker, errno, NULL, "note tap", name, error);
    }
    text = g_strdup_printf("%d %s", link.index, name);
    return svirt_write_full(fd, text, strlen(text)) ||
           fail(maker, errno, "free space in /run", "note tap", name, error);
}

char *
svirt_tap_name(int run_dir_fd, size_t index)
{
    g_autofree char *file = g_strdup_printf("net%zu", index);
    char text[64];
    char name[IFNAMSIZ];
    unsigned number;

    return svirt_read_small(run_dir_fd, file, text, sizeof(text)) > 0 &&
                   sscanf(text, "%u %15s", &number, name) == 2 &&
                   if_nametoindex(name) == number
               ? g_strdup(name)
               : NULL;
}

bool
svirt_tap_open(const SvirtTapRequest *request, int *ret_fds, GError **error)
{
    SVIRT_AUTO_FD lock = openat(request->run_dir_fd, LOCK,
                                O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    SVIRT_AUTO_FD link_fd = svirt_link_open();
    unsigned queues = request->interface->queues;
    g_autofree int *fds = g_new(int, queues);
    Maker maker = { request, link_fd, fds };
    char name[IFNAMSIZ] = "";

    memset(fds, -1, queues * sizeof(*fds));
    if (lock < 0 || flock(lock, LOCK_EX) < 0 || link_fd < 0) {
        return svirt_raise_errno(error, errno, NULL,
                                 "cannot reach the host's network");
    }
    if (!(request->interface->target_exists ? use_tap(&maker, name, error)
                                            : make_tap(&maker, name, error)) ||
        !note_name(&maker, name, error)) {
        for (unsigned i = 0; i < queues; i++) {
            svirt_fd_close(&fds[i]);
        }
        return false;
    }
    memcpy(ret_fds, fds, queues * sizeof(*fds));
    return true;
}

bool
svirt_vhost_open(const SvirtInterface *interface, bool kvm, int *ret_fds,
                 bool *ret, GError **error)
{
    bool insists = interface->driver == SVIRT_INTERFACE_DRIVER_VHOST;
    bool wanted = interface->driver != SVIRT_INTERFACE_DRIVER_QEMU &&
                  (kvm || insists) &&
                  g_str_has_prefix(interface->model != NULL ? interface->model
                                                            : "", "virtio");

    *ret = false;
    for (unsigned i = 0; wanted && i < interface->queues; i++) {
        uint64_t features;

        ret_fds[i] = open(VHOST, O_RDWR | O_CLOEXEC);
        if (ret_fds[i] >= 0 &&
            ioctl(ret_fds[i], VHOST_GET_FEATURES, &features) == 0) {
            continue;
        }
        for (unsigned j = 0; j <= i; j++) {
            svirt_fd_close(&ret_fds[j]);
        }
        return !insists ||
               svirt_raise_errno(error, errno, "modprobe vhost_net, or use "
                                               "<driver name='qemu'/>",
                                 "line %u: cannot use '%s'",
                                 interface->info.line, VHOST);
    }
    *ret = wanted;
    return true;
}
