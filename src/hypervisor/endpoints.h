/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "compartment/compartment.h"
#include "domain/domain.h"
#include "host/connection.h"
#include "hypervisor/launch-fds.h"
#include "hypervisor/network.h"
#include "hypervisor/qemu.h"
#include "hypervisor/refusals.h"
#include "monitor/layout.h"

/*
 * The two ends of everything the VMM talks through: QMP, log, serial ports,
 * network. One end goes to the VMM, the other to monitor or passt.
 */
#define SVIRT_PASST_FD 3 /* passt's end of the network, its -F option */

typedef struct SvirtEndpoints {
    int qmp;           /* numbers in the VMM */
    int *chardevs;     /* owned, one per chardev of the domain, -1 none */
    int *nets;         /* owned, one per interface: its passt, -1 none */
    SvirtQemuTap *taps; /* owned, one per interface */
    int *passwords;    /* owned, one per graphics, -1 none */
    SvirtQemuVsock vsock; /* where the domain has one */
    bool graphics[SVIRT_GRAPHICS_KIND_MAX]; /* has a listening socket */
    uint32_t n_serials;
    SvirtSerialKind serial[SVIRT_MONITOR_MAX_SERIALS];
    char **pty_paths;  /* owned, NULL-terminated list of "serial0=/dev/pts/3" */
} SvirtEndpoints;

void svirt_endpoints_free(SvirtEndpoints *endpoints);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SvirtEndpoints, svirt_endpoints_free)

typedef struct SvirtEndpointsRequest {
    const SvirtDomain *domain;
    const GPtrArray *nets; /* SvirtNet *, one per interface */
    const SvirtCredentials *author;   /* NULL: root */
    const SvirtRefusals *refusals;
    const char *log_dir;
    const SvirtCompartment *compartment; /* NULL: its sockets have no label */
    int run_dir_fd; /* /run/svirt/<uuid> */
    const char *run_dir; /* its path */
    unsigned graphics_port_first; /* where a port is left to svirt */
    unsigned graphics_port_last;
    bool dry_run;   /* no file or socket of the host is made or touched */
} SvirtEndpointsRequest;

/*
 * Makes them all. Errors name the device and the path: REFUSED and NOT_FOUND
 * as for every object, INVALID for a socket name that does not fit, BUSY for a
 * socket somebody listens on, UNSUPPORTED for more serial ports than
 * SVIRT_MONITOR_MAX_SERIALS.
 */
bool svirt_endpoints_make(const SvirtEndpointsRequest *request,
                          SvirtLaunchFds *fds, SvirtEndpoints **ret,
                          GError **error);
