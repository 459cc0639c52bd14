/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hypervisor/endpoints.h"

/* Endpoints in the making; between the files of this folder only. */
typedef struct Maker {
    const SvirtEndpointsRequest *request;
    SvirtLaunchFds *fds;
    SvirtEndpoints *made;
    GPtrArray *pty_paths;
} Maker;

static const SvirtSpecFd nobody = {
    .vmm = -1,
    .monitor = -1,
    .passt = -1,
};

/* A connected pair: one end to the VMM, the other to monitor or a passt. */
bool svirt_endpoints_pair(Maker *maker, SvirtFdRole role, uint32_t index,
                          uint32_t peer, int peer_number, int *ret_vmm,
                          GError **error);
/* endpoints-net.c: what carries each interface. */
bool svirt_endpoints_make_nets(Maker *maker, GError **error);
