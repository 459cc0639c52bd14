/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/types.h>

#include "base/uuid.h"
#include "hypervisor/network.h"

/*
 * A tap of the host's network namespace for one interface, on its bridge. The
 * VMM alone gets its descriptors: the kernel removes it when the last of them
 * is closed, whoever died before. Nothing of it outlives the VM.
 */
typedef struct SvirtTapRequest {
    const SvirtUuid *uuid;
    const char *name; /* of the domain */
    const SvirtInterface *interface;
    size_t index; /* of the interface: "net0" */
    const SvirtNet *net;
    const uint8_t *mac; /* the guest's */
    uid_t author;
    int run_dir_fd; /* notes the device's name in net0 there */
} SvirtTapRequest;

/*
 * One descriptor for each of the interface's queues into `ret_fds`, the
 * caller's. BUSY: somebody uses the tap, or the guest's MAC on that bridge;
 * the domain is named. EXISTS: a device of that name is there. REFUSED: an
 * existing tap is another user's. NOT_FOUND, UNSUPPORTED: what is no tap or no
 * bridge of the kernel's.
 */
bool svirt_tap_open(const SvirtTapRequest *request, int *ret_fds,
                    GError **error);

/*
 * As many descriptors of /dev/vhost-net as the interface has queues; *ret
 * false: the kernel has none that works, or none is wanted. UNSUPPORTED when
 * the definition insists on it.
 */
bool svirt_vhost_open(const SvirtInterface *interface, bool kvm, int *ret_fds,
                      bool *ret, GError **error);

/* The name noted for interface `index` of a run, if it is still that device's.
 * Owned by the caller; NULL: none. */
char *svirt_tap_name(int run_dir_fd, size_t index);
