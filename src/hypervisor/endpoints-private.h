/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hypervisor/endpoints.h"

/* Endpoints in the making; between the files of this folder only. */
typedef struct Maker {
    const SvirtEndpointsRequest *request;
    SvirtLaunchFds *fds;
    SvirtEndpoints *made;
    GPtrArray *pty_paths;
    GString *live; /* lines for live.h */
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
/* endpoints-vsock.c: the guest's address, taken from the host. */
bool svirt_endpoints_make_vsock(Maker *maker, GError **error);
/* One line of what only the start knows: "graphics1=127.0.0.1 5900". */
void svirt_endpoints_note(Maker *maker, const char *format, ...)
    G_GNUC_PRINTF(2, 3);
/*
 * A listening unix socket for the monitor: `path` of the definition (line
 * `line`), which is removed with the VM, or NULL: `name` in the run directory.
 */
bool svirt_endpoints_listen_unix(Maker *maker, const char *path,
                                 const char *name, unsigned line,
                                 uint32_t index, int *ret_fd, GError **error);
bool svirt_endpoints_make_chardev(Maker *maker, size_t index, GError **error);
bool svirt_endpoints_make_graphics(Maker *maker, GError **error);
