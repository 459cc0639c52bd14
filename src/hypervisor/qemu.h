/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <jansson.h>
#include <stdbool.h>

#include "domain/domain.h"
#include "image/format.h"

/*
 * From a definition and the descriptor numbers it will find, QEMU's command
 * line. Pure: opens nothing, asks nothing; no host path appears in the result
 * but the emulator's own. Written for QEMU 7.2 and later
 * (docs/system/qemu-block-drivers, docs/interop/qmp-spec).
 */

/* One image of a disk's chain; QEMU gets one protocol and one format node. */
typedef struct SvirtQemuNode {
    unsigned fdset;         /* number of its descriptor set, from 1 */
    bool read_only;
    bool block;             /* a block device, not a file */
    SvirtImageFormat format;
    int backing;            /* node of this drive that backs it, -1 none */
    int data_file;          /* node of this drive with its data, -1 none */
    bool is_data_file;      /* raw, opened by its owner: no format node */
} SvirtQemuNode;

typedef struct SvirtQemuDrive {
    const SvirtQemuNode *nodes; /* [0] is what the guest sees */
    unsigned node_count;        /* 0: empty cdrom */
} SvirtQemuDrive;

typedef struct SvirtQemuAddFd {
    unsigned fdset;
    int fd; /* number in QEMU */
} SvirtQemuAddFd;

/* Descriptors follow one another: one for each queue. */
typedef struct SvirtQemuTap {
    unsigned queues; /* 0: the interface has a passt */
    int first_fd;
    int first_vhost; /* -1: QEMU itself carries the frames */
} SvirtQemuTap;

typedef struct SvirtQemuVsock {
    unsigned cid;
    int fd;
} SvirtQemuVsock;

typedef struct SvirtQemuInput {
    const SvirtDomain *domain;
    const SvirtQemuDrive *drives; /* one for each disk of the domain, then
                                     <nvram>'s where there is one */
    const SvirtQemuAddFd *add_fds;
    unsigned add_fd_count;
    int kernel_fd; /* sealed memfd, -1 none */
    int initrd_fd;
    int loader_fd;       /* the same, where the domain has a loader */
    unsigned loader_set; /* its descriptor set, where it is flash */
    int qmp_fd;
    const int *chardev_fds; /* one for each chardev; -1: null or no device */
    const int *net_fds;     /* one for each interface, to its passt */
    const SvirtQemuTap *taps; /* the same; NULL: there are none */
    SvirtQemuVsock vsock;
    const int *password_fds; /* one for each graphics; -1: no password */
    bool kvm;               /* hardware virtualization works */
    int64_t now_s;          /* seconds since 1970: of the start */
} SvirtQemuInput;

/*
 * *ret_argv: NULL-terminated, argv[0] is the emulator's path; owned by the
 * caller. UNSUPPORTED names the device that QEMU's command line cannot say
 * here; INVALID an address that is taken or does not exist.
 */
bool svirt_qemu_argv(const SvirtQemuInput *input, char ***ret_argv,
                     GError **error);

/*
 * The same errors before there is any descriptor: what a definition can never
 * be started with is said when it is defined.
 */
bool svirt_qemu_validate(const SvirtDomain *domain, GError **error);

/* It has one or, as with libvirt, gets one: <currentMemory> has a meaning. */
bool svirt_qemu_has_balloon(const SvirtDomain *domain);
/*
 * What the balloon is to leave the guest from its start, in bytes; 0: there is
 * no balloon, or nothing to take.
 */
uint64_t svirt_qemu_balloon_bytes(const SvirtDomain *domain);

/* UNSUPPORTED: too many interfaces, or more than can have helpers. */
bool svirt_qemu_check_interfaces(const SvirtDomain *domain, GError **error);
/* The one it has, or the one it gets: the same at every start, everywhere. */
void svirt_qemu_mac(const SvirtDomain *domain, size_t index, uint8_t ret[6]);
/* "52:54:00:12:34:56" */
#define SVIRT_MAC_TEXT 18
void svirt_qemu_mac_text(const SvirtDomain *domain, size_t index,
                         char ret[SVIRT_MAC_TEXT]);

/*
 * QEMU's object that holds disk `index` back, "throttle-disk0"; owned by the
 * caller. Its limits as QEMU takes them (ThrottleLimits, qapi/block-core.json);
 * a new reference.
 */
char *svirt_qemu_throttle_id(const SvirtDisk *disk, size_t index);
json_t *svirt_qemu_throttle_limits(const SvirtIotune *iotune);
/* Its word for a limit: "bps-total-max" */
const char *svirt_qemu_throttle_word(SvirtIotuneLimit limit);

/* The largest file that guest memory lies in; 0 none. */
uint64_t svirt_qemu_memory_file_bytes(const SvirtDomain *domain);

/* The emulator the definition means: its own or the architecture's. */
const char *svirt_qemu_emulator(const SvirtDomain *domain);
