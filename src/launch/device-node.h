/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "launch/failure.h"
#include "launch/root.h"
#include "launch/spec.h"

/* A node of a private /dev. */
typedef struct SvirtDeviceNode {
    uint32_t bit;     /* SVIRT_NODE_* */
    const char *name; /* below /dev */
    unsigned major;
    unsigned minor;
    mode_t mode;
} SvirtDeviceNode;

/* The table of all nodes (devices.txt of the kernel); *ret_count of them. */
const SvirtDeviceNode *svirt_device_node_table(size_t *ret_count);

/*
 * A private, read-only /dev in the working directory, which is a new root: the
 * plan's nodes by mknod(2), or bound from the host where that is refused, and
 * its block devices by mknod alone. The KVM node and these belong to
 * plan->kvm_owner, 0600 (Debian's own is root's or group kvm's).
 * plan->node_label, NULL for none, is what the nodes made get: they would have
 * the label of who makes them, which the VMM may not write.
 */
bool svirt_device_nodes_make(const SvirtRootPlan *plan,
                             SvirtLaunchFailure *failure);
