/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * Makes the empty file `fd` an empty qcow2 version 3 image of that virtual
 * size, which names no other file: what it lies over is said on QEMU's command
 * line alone. Source: QEMU docs/interop/qcow2.txt. INVALID for a size of 0 or
 * above 64 TiB; SYSTEM.
 */
bool svirt_qcow2_create(int fd, uint64_t virtual_size_bytes, GError **error);
