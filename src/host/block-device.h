/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <sys/types.h>

/*
 * Whether the host itself uses a block device: mounted, swap, or part of a
 * whole (or whole of a part, or below a device-mapper, md or loop device)
 * that is. *ret_use is NULL when it is free, else words such as
 * "mounted on /", "swap", "its partition vda1 is mounted on /boot"; owned by
 * the caller. SYSTEM: the kernel's tables cannot be read (fail closed).
 * Source: proc(5) mountinfo and swaps, /sys/dev/block/M:N/{holders,slaves}.
 */
bool svirt_block_device_host_use(dev_t device, char **ret_use,
                                 GError **error);
