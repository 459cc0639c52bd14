/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* A number with virsh's units, KiB without one; at most 1 PiB. USAGE. */
bool svirt_cli_size(const char *text, uint64_t *ret_bytes, GError **error);
