/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "monitor/control.h"
#include "monitor/link.h"
#include "monitor/loop.h"
#include "monitor/outbox.h"
#include "monitor/qmp-session.h"
#include "monitor/serial.h"

/*
 * The control socket's side of the monitor. Clients are root's commands: their
 * number, frames and patience are bounded, each has one request at a time.
 */
#define SVIRT_SERVER_MAX_CLIENTS 16
#define SVIRT_SERVER_IDLE_NS (60 * 1000000000LL)

typedef enum SvirtClientState {
    SVIRT_CLIENT_FREE,
    SVIRT_CLIENT_HEADER,  /* waits for a request */
    SVIRT_CLIENT_PAYLOAD, /* reads the rest of one */
    SVIRT_CLIENT_QUEUED,  /* its descriptors wait for those of another */
    SVIRT_CLIENT_ASKED,   /* QEMU has its command */
    SVIRT_CLIENT_WAITING, /* for a guest state */
    SVIRT_CLIENT_CONSOLE,
    SVIRT_CLIENT_EVENTS,  /* hears of every event */
    SVIRT_CLIENT_CLOSING, /* gets what is left, then the end */
    SVIRT_CLIENT_STATE_MAX
} SvirtClientState;

typedef struct SvirtClient {
    SvirtWatch watch;
    SvirtClientState state;
    SvirtControlFrame frame;
    uint32_t header_used;
    uint32_t payload_used;
    char *payload; /* owned */
    int fds[SVIRT_CONTROL_MAX_REQUEST_FDS]; /* owned */
    unsigned n_fds;
    uint32_t wanted; /* WAITING: SvirtGuestState */
    unsigned serial; /* CONSOLE */
    bool lost;       /* EVENTS: some were dropped */
    bool gone;       /* CONSOLE: nobody is there, but words for the guest,
                        which takes none at present */
    int64_t deadline_ns;
    SvirtOutbox out;
} SvirtClient;

typedef struct SvirtServer {
    SvirtWatch listener;
    uint32_t control_uid;
    bool tainted;
    /* borrowed */
    SvirtLoop *loop;
    SvirtLink *link;
    SvirtQmpSession *session;
    SvirtSerial *serials;
    unsigned n_serials;
    SvirtClient clients[SVIRT_SERVER_MAX_CLIENTS];
} SvirtServer;

/* The borrowed members are set by the caller before. */
void svirt_server_init(SvirtServer *server, int listener_fd,
                       uint32_t control_uid);
void svirt_server_accept(SvirtServer *server, int64_t now_ns);
void svirt_server_client_ready(SvirtServer *server, const SvirtReady *ready,
                               int64_t now_ns);
/* For SvirtQmpSession.answer; the cookie is the server. */
void svirt_server_answer(void *cookie, unsigned client, SvirtQmpKind kind,
                         SvirtJsonSpan body);
/* For SvirtQmpSession.heard. */
void svirt_server_heard(void *cookie, SvirtJsonSpan name, SvirtJsonSpan data);
/* What serial `index` said, for the client that is attached to it. */
void svirt_server_console(SvirtServer *server, unsigned index,
                          const char *bytes, size_t length);
int64_t svirt_server_update(SvirtServer *server, int64_t now_ns);
