/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Network devices of the caller's network namespace, by rtnetlink(7). Every
 * function is false with errno; a device that is not there is ENODEV.
 */
#define SVIRT_LINK_ALIAS_BYTES 256

typedef struct SvirtLink {
    int index;
    char name[IFNAMSIZ];
    char kind[16];  /* "bridge", "tun"; "" for real hardware */
    bool up;
    uint32_t mtu;
    int master;     /* index of its bridge; 0 none */
    uint8_t mac[6]; /* zeros: none, or of another length */
    char alias[SVIRT_LINK_ALIAS_BYTES];
    /* Of a tap alone. */
    bool tap_owned;      /* its owner is a uid */
    uid_t tap_owner;
    bool tap_multi_queue;
    unsigned tap_queues; /* in use; of one with several queues only */
} SvirtLink;

/* A socket for the others to use, for the caller to close; -1 with errno. */
int svirt_link_open(void);
bool svirt_link_find(int fd, const char *name, SvirtLink *ret);

/*
 * Calls `each` for every device whose master is `master` (0: every device);
 * ends early when it is false. True: the list was seen to its end or so left.
 */
typedef bool (*SvirtLinkVisitor)(const SvirtLink *link, void *data);
bool svirt_link_visit(int fd, int master, SvirtLinkVisitor each, void *data);

/* What to change; what is zero, NULL or false stays. */
typedef struct SvirtLinkChange {
    uint32_t mtu;
    const uint8_t *mac; /* 6 bytes */
    const char *alias;
    int master;
    bool up;
} SvirtLinkChange;
bool svirt_link_change(int fd, int index, const SvirtLinkChange *change);
typedef struct SvirtMacvtap {
    const char *name;
    int index;        /* the one it is to have */
    int lower;        /* of the device below, in the socket's namespace */
    int namespace_fd; /* where it is made */
    const uint8_t *mac;
    uint32_t mtu;  /* 0: as the device below */
    uint32_t mode; /* MACVLAN_MODE_* */
} SvirtMacvtap;
bool svirt_link_add_macvtap(int fd, const SvirtMacvtap *macvtap);
/* No frame between it and another isolated port of its bridge. */
bool svirt_link_isolate(int fd, int index);
/* The kernel gives it no IPv6 address of its own. */
bool svirt_link_no_address(int fd, int index);
