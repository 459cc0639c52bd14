/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "monitor/layout.h"
#include "monitor/loop.h"
#include "monitor/outbox.h"
#include "monitor/qmp-session.h"

/*
 * Whoever looks at the guest, by VNC or SPICE. The monitor accepts the
 * connection and relays bytes to one end of a socket pair, the other end of
 * which QEMU gets (getfd, add_client). QEMU never has the connection itself:
 * with fast open a TCP socket of the host's network could be connected
 * anywhere. Bytes are relayed by read(2) and write(2): no descriptor passes.
 *
 * A client that reads nothing holds up its own connection alone: nothing more
 * is read from QEMU's end, which drops updates then. One that says nothing
 * for its first 30 s is ended.
 */
#define SVIRT_GRAPHICS_MAX_CLIENTS 32 /* SPICE makes one for each channel */

typedef struct SvirtRelay {
    SvirtWatch client;
    SvirtWatch vmm;
    SvirtOutbox to_client;
    SvirtOutbox to_vmm;
    SvirtGraphicsKind kind;
    int give_fd;      /* owned: QEMU's end until QEMU has it; -1 */
    bool heard;       /* the client has said something */
    bool ending;      /* QEMU has ended it; what is left goes out */
    int64_t deadline_ns;
} SvirtRelay;

typedef struct SvirtGraphicsServer {
    SvirtWatch listener[SVIRT_GRAPHICS_KIND_MAX];
    SvirtLoop *loop;          /* borrowed, as is the next */
    SvirtQmpSession *session;
    SvirtRelay relay[SVIRT_GRAPHICS_MAX_CLIENTS];
} SvirtGraphicsServer;

/* The listening sockets of the kinds in `args`; non-blocking already. */
void svirt_graphics_init(SvirtGraphicsServer *server, SvirtLoop *loop,
                         SvirtQmpSession *session,
                         const SvirtMonitorArgs *args);
void svirt_graphics_accept(SvirtGraphicsServer *server, unsigned kind,
                           int64_t now_ns);
void svirt_graphics_ready(SvirtGraphicsServer *server,
                          const SvirtReady *ready);
/* For SvirtQmpSession.given: QEMU's word on relay `index`. */
void svirt_graphics_given(void *cookie, unsigned index, bool ok);
/* Sets the watches; when to call again. */
int64_t svirt_graphics_update(SvirtGraphicsServer *server, int64_t now_ns);
