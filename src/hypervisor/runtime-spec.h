/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "host/config.h"
#include "hypervisor/runtime.h"

/* What passt and the monitor may open of /dev. */
#define SVIRT_HELPER_NODES                                                   \
    (SVIRT_NODE_NULL | SVIRT_NODE_ZERO | SVIRT_NODE_URANDOM |                \
     SVIRT_NODE_RANDOM)

typedef struct SvirtRuntimeSpecRequest {
    const SvirtPrepared *prepared;
    const SvirtConfig *config;
    uint32_t nodes;         /* SVIRT_NODE_* of the VMM */
    uint64_t largest_bytes; /* largest file the VMM may write */
    bool paused;
} SvirtRuntimeSpecRequest;

/* The device nodes a domain needs in its /dev. */
uint32_t svirt_runtime_nodes(const SvirtDomain *domain);

/* The command lines of `count` passts. NOT_FOUND: it is not installed. */
bool svirt_runtime_add_passts(SvirtLaunchSpec **spec, size_t count,
                              GError **error);

/* The uid layer is waived: the VMM keeps this process's user and groups, and
 * with SVIRT_EXEC_ALIKE every process does. */
void svirt_runtime_keep_ids(SvirtLaunchSpec *spec);

/* Ids, limits, files and command lines into runtime->spec; the descriptors
 * follow with svirt_runtime_give_run_dir. */
bool svirt_runtime_fill_spec(SvirtRuntime *runtime,
                             const SvirtRuntimeSpecRequest *request,
                             GError **error);
