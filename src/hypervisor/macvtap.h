/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hypervisor/tap.h"

/*
 * A macvtap on a device of the host's: it is made in a network namespace of its
 * own, which nothing holds but the VMM's descriptors. With the last of them
 * the kernel removes namespace and device, whoever died before, and nobody of
 * the host's can touch it meanwhile.
 *
 * As svirt_tap_open. NOT_FOUND: no such device; BUSY: the kernel lets nobody
 * else on it, or the MAC is in use there; UNSUPPORTED: no macvtap, no devtmpfs.
 */
bool svirt_macvtap_open(const SvirtTapRequest *request, int *ret_fds,
                        GError **error);
