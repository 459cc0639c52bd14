/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "host/connection.h"

/*
 * svirt.conf: a key file with one group, [svirt]. Every key has a default, so
 * the file need not exist. docs/svirt.conf.md describes the keys.
 */
typedef struct SvirtConfig {
    uint32_t uid_first;      /* uid_range: first and last uid for VMs */
    uint32_t uid_last;
    char **image_roots;      /* further directories images may lie in */
    uint64_t log_limit_bytes;
    uint64_t log_rate_bytes_per_s;
    uint32_t ready_timeout_ms;
    uint32_t graphics_port_first; /* graphics_ports: for viewers */
    uint32_t graphics_port_last;
    uint32_t shutdown_timeout_s; /* at the host's shutdown, before destroy */
} SvirtConfig;

/*
 * Reads svirt.conf in the connection's configuration directory. INVALID names
 * the file and the key; an unknown key is INVALID too.
 */
bool svirt_config_load(const SvirtConnection *connection, SvirtConfig **ret,
                       GError **error);
void svirt_config_free(SvirtConfig *config);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SvirtConfig, svirt_config_free)
