/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/link.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"

/* The kernel's largest answer to a dump, NLMSG_GOODSIZE and what it grows to;
 * one device with all its attributes has 2 KiB. */
#define ANSWER_BYTES 32768
#define REQUEST_BYTES 1024
/* IFLA_TUN_* of linux/if_link.h, which older headers do not have. */
#define TUN_OWNER 1
#define TUN_MULTI_QUEUE 7
#define TUN_NUM_QUEUES 8
#define TUN_NUM_DISABLED_QUEUES 9

typedef struct Request {
    struct nlmsghdr head;
    struct ifinfomsg info;
    char attributes[REQUEST_BYTES];
} Request;

static void
request_init(Request *request, uint16_t type, uint16_t flags, uint8_t family,
             int index)
{
    memset(request, 0, sizeof(*request));
    request->head.nlmsg_len = NLMSG_LENGTH(sizeof(request->info));
    request->head.nlmsg_type = type;
    request->head.nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
    request->head.nlmsg_seq = 1;
    request->info.ifi_family = family;
    request->info.ifi_index = index;
}

/* An attribute with `size` bytes, for which there is room. */
static struct rtattr *
add(Request *request, unsigned short type, const void *data, size_t size)
{
    struct rtattr *attribute =
        (struct rtattr *)((char *)request +
                          NLMSG_ALIGN(request->head.nlmsg_len));

    attribute->rta_type = type;
    attribute->rta_len = (unsigned short)RTA_LENGTH(size);
    if (size > 0) {
        memcpy(RTA_DATA(attribute), data, size);
    }
    request->head.nlmsg_len = (uint32_t)(
        NLMSG_ALIGN(request->head.nlmsg_len) + RTA_ALIGN(attribute->rta_len));
    return attribute;
}

/* What was added since `outer` becomes its content. */
static void
close_nest(const Request *request, struct rtattr *outer)
{
    outer->rta_len = (unsigned short)((const char *)request +
                                      request->head.nlmsg_len -
                                      (const char *)outer);
}

static void
read_tap(const struct rtattr *data, SvirtLink *link)
{
    int length = (int)RTA_PAYLOAD(data);

    for (const struct rtattr *at = RTA_DATA(data); RTA_OK(at, length);
         at = RTA_NEXT(at, length)) {
        uint32_t number = 0;

        memcpy(&number, RTA_DATA(at),
               RTA_PAYLOAD(at) < sizeof(number) ? RTA_PAYLOAD(at)
                                                : sizeof(number));
        switch (at->rta_type) {
        case TUN_OWNER:
            link->tap_owned = true;
            link->tap_owner = number;
            break;
        case TUN_MULTI_QUEUE:
            link->tap_multi_queue = (number & 0xff) != 0;
            break;
        /* A detached one may come back. */
        case TUN_NUM_QUEUES:
        case TUN_NUM_DISABLED_QUEUES:
            link->tap_queues += number;
            break;
        default:
            break;
        }
    }
}

static void
copy_text(const struct rtattr *attribute, char *ret, size_t size)
{
    size_t length = strnlen(RTA_DATA(attribute), RTA_PAYLOAD(attribute));

    length = length < size ? length : size - 1;
    memcpy(ret, RTA_DATA(attribute), length);
    ret[length] = '\0';
}

static void
read_info(const struct rtattr *info, SvirtLink *link)
{
    int length = (int)RTA_PAYLOAD(info);
    const struct rtattr *data = NULL;

    for (const struct rtattr *at = RTA_DATA(info); RTA_OK(at, length);
         at = RTA_NEXT(at, length)) {
        if (at->rta_type == IFLA_INFO_KIND) {
            copy_text(at, link->kind, sizeof(link->kind));
        } else if (at->rta_type == IFLA_INFO_DATA) {
            data = at;
        }
    }
    if (data != NULL && strcmp(link->kind, "tun") == 0) {
        read_tap(data, link);
    }
}

static void
read_link(const struct nlmsghdr *head, SvirtLink *ret)
{
    const struct ifinfomsg *info = NLMSG_DATA(head);
    int length = (int)IFLA_PAYLOAD(head);

    memset(ret, 0, sizeof(*ret));
    ret->index = info->ifi_index;
    ret->up = (info->ifi_flags & IFF_UP) != 0;
    for (const struct rtattr *at = IFLA_RTA(info); RTA_OK(at, length);
         at = RTA_NEXT(at, length)) {
        switch (at->rta_type) {
        case IFLA_IFNAME:
            copy_text(at, ret->name, sizeof(ret->name));
            break;
        case IFLA_MTU:
            memcpy(&ret->mtu, RTA_DATA(at), sizeof(ret->mtu));
            break;
        case IFLA_MASTER:
            memcpy(&ret->master, RTA_DATA(at), sizeof(ret->master));
            break;
        case IFLA_ADDRESS:
            if (RTA_PAYLOAD(at) == sizeof(ret->mac)) {
                memcpy(ret->mac, RTA_DATA(at), sizeof(ret->mac));
            }
            break;
        case IFLA_IFALIAS:
            copy_text(at, ret->alias, sizeof(ret->alias));
            break;
        case IFLA_LINKINFO:
            read_info(at, ret);
            break;
        default:
            break;
        }
    }
}

int
svirt_link_open(void)
{
    return socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
}

/* One message: 1 to go on, 0 this was the last, -1 with errno. */
static int
handle(const struct nlmsghdr *head, SvirtLinkVisitor each, void *data)
{
    const struct nlmsgerr *failure = NLMSG_DATA(head);
    SvirtLink link;

    switch (head->nlmsg_type) {
    case NLMSG_ERROR:
        errno = -failure->error;
        return failure->error == 0 ? 0 : -1;
    case NLMSG_DONE:
        return 0;
    case RTM_NEWLINK:
        if (each != NULL) {
            read_link(head, &link);
            if (!each(&link, data)) {
                return 0;
            }
        }
        return (head->nlmsg_flags & NLM_F_MULTI) != 0 ? 1 : 0;
    default:
        return 1;
    }
}

static bool
ask(int fd, const Request *request, SvirtLinkVisitor each, void *data)
{
    _Alignas(struct nlmsghdr) char answer[ANSWER_BYTES];
    int more = 1;

    if (send(fd, request, request->head.nlmsg_len, 0) < 0) {
        return false;
    }
    while (more > 0) {
        ssize_t got = recv(fd, answer, sizeof(answer), MSG_TRUNC);

        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0 || got > (ssize_t)sizeof(answer)) {
            errno = got < 0 ? errno : EMSGSIZE;
            return false;
        }
        for (const struct nlmsghdr *head = (const void *)answer;
             more > 0 && NLMSG_OK(head, (uint32_t)got);
             head = NLMSG_NEXT(head, got)) {
            more = handle(head, each, data);
        }
    }
    return more == 0;
}

static bool
keep_first(const SvirtLink *link, void *data)
{
    *(SvirtLink *)data = *link;
    return true;
}

bool
svirt_link_find(int fd, const char *name, SvirtLink *ret)
{
    size_t size = strlen(name) + 1;
    SvirtLink found = { 0 };
    Request request;

    if (size > IFNAMSIZ) {
        errno = ENODEV;
        return false;
    }
    request_init(&request, RTM_GETLINK, 0, AF_UNSPEC, 0);
    (void)add(&request, IFLA_IFNAME, name, size);
    if (!ask(fd, &request, keep_first, &found)) {
        return false;
    }
    *ret = found;
    return true;
}

typedef struct Visit {
    int master;
    SvirtLinkVisitor each;
    void *data;
    bool left; /* the rest is read and dropped: the socket is used again */
} Visit;

static bool
visit_one(const SvirtLink *link, void *data)
{
    Visit *visit = data;

    if (!visit->left && (visit->master == 0 || visit->master == link->master)) {
        visit->left = !visit->each(link, visit->data);
    }
    return true;
}

bool
svirt_link_visit(int fd, int master, SvirtLinkVisitor each, void *data)
{
    Visit visit = { master, each, data, false };
    Request request;

    request_init(&request, RTM_GETLINK, NLM_F_DUMP, AF_UNSPEC, 0);
    return ask(fd, &request, visit_one, &visit);
}

bool
svirt_link_change(int fd, int index, const SvirtLinkChange *change)
{
    Request request;

    request_init(&request, RTM_NEWLINK, NLM_F_ACK, AF_UNSPEC, index);
    if (change->mtu != 0) {
        (void)add(&request, IFLA_MTU, &change->mtu, sizeof(change->mtu));
    }
    if (change->mac != NULL) {
        (void)add(&request, IFLA_ADDRESS, change->mac, 6);
    }
    if (change->alias != NULL) {
        (void)add(&request, IFLA_IFALIAS, change->alias,
                  strnlen(change->alias, SVIRT_LINK_ALIAS_BYTES - 1));
    }
    if (change->master != 0) {
        (void)add(&request, IFLA_MASTER, &change->master,
                  sizeof(change->master));
    }
    if (change->up) {
        request.info.ifi_flags = IFF_UP;
        request.info.ifi_change = IFF_UP;
    }
    return ask(fd, &request, NULL, NULL);
}

bool
svirt_link_add_macvtap(int fd, const SvirtMacvtap *macvtap)
{
    struct rtattr *info, *data;
    Request request;

    request_init(&request, RTM_NEWLINK, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL,
                 AF_UNSPEC, macvtap->index);
    (void)add(&request, IFLA_IFNAME, macvtap->name, strlen(macvtap->name) + 1);
    (void)add(&request, IFLA_LINK, &macvtap->lower, sizeof(macvtap->lower));
    (void)add(&request, IFLA_NET_NS_FD, &macvtap->namespace_fd,
              sizeof(macvtap->namespace_fd));
    (void)add(&request, IFLA_ADDRESS, macvtap->mac, 6);
    if (macvtap->mtu != 0) {
        (void)add(&request, IFLA_MTU, &macvtap->mtu, sizeof(macvtap->mtu));
    }
    info = add(&request, IFLA_LINKINFO, NULL, 0);
    (void)add(&request, IFLA_INFO_KIND, "macvtap", sizeof("macvtap"));
    data = add(&request, IFLA_INFO_DATA, NULL, 0);
    (void)add(&request, IFLA_MACVLAN_MODE, &macvtap->mode,
              sizeof(macvtap->mode));
    close_nest(&request, data);
    close_nest(&request, info);
    return ask(fd, &request, NULL, NULL);
}

bool
svirt_link_isolate(int fd, int index)
{
    const uint8_t on = 1;
    struct rtattr *port;
    Request request;

    request_init(&request, RTM_SETLINK, NLM_F_ACK, AF_BRIDGE, index);
    port = add(&request, IFLA_PROTINFO | NLA_F_NESTED, NULL, 0);
    (void)add(&request, IFLA_BRPORT_ISOLATED, &on, sizeof(on));
    close_nest(&request, port);
    return ask(fd, &request, NULL, NULL);
}

bool
svirt_link_no_address(int fd, int index)
{
    const uint8_t none = IN6_ADDR_GEN_MODE_NONE;
    struct rtattr *families;
    struct rtattr *inet6;
    Request request;

    request_init(&request, RTM_NEWLINK, NLM_F_ACK, AF_UNSPEC, index);
    families = add(&request, IFLA_AF_SPEC, NULL, 0);
    inet6 = add(&request, AF_INET6, NULL, 0);
    (void)add(&request, IFLA_INET6_ADDR_GEN_MODE, &none, sizeof(none));
    close_nest(&request, inet6);
    close_nest(&request, families);
    return ask(fd, &request, NULL, NULL);
}
