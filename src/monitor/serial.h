/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "launch/spec.h"
#include "monitor/bounded-file.h"
#include "monitor/layout.h"
#include "monitor/loop.h"
#include "monitor/outbox.h"
#include "monitor/rate.h"
#include "monitor/ring.h"

/*
 * One serial console: a stream socket to the VMM's chardev on one side; on the
 * other its own sink (pty, file, unix socket, or none) and at most one client
 * of `svirt console`. The guest is never held up: what a sink does not take in
 * time is dropped. Input waits in a small buffer until the VMM takes it. Bytes
 * are relayed and nothing else: read(2) and write(2) carry no descriptors, so
 * neither side can hand the other one.
 */
#define SVIRT_SERIAL_SCROLLBACK (16u * 1024)
#define SVIRT_SERIAL_WAITING (64u * 1024) /* per slow reader */
#define SVIRT_SERIAL_READ_PER_S (8u * 1024 * 1024)
#define SVIRT_SERIAL_INPUT 512u

typedef struct SvirtSerial {
    SvirtSerialKind kind;
    SvirtWatch vmm;
    SvirtWatch sink;      /* PTY: the master; UNIX: the listening socket;
                             CONNECTED: the connection */
    bool hung_up;         /* PTY: no slave is open, the keeper's neither;
                             CONNECTED: the server is gone, for good */
    SvirtWatch peer;      /* UNIX: who connected */
    SvirtOutbox to_sink;  /* to the master, the server or the peer */
    SvirtBoundedFile file;/* FILE */
    SvirtRate written;    /* FILE: more than that is dropped */
    SvirtRing scrollback;
    int client;           /* slot of the attached control client, -1 none */
    SvirtRate rate;
    int64_t paused_until_ns; /* 0 not paused */
    char input[SVIRT_SERIAL_INPUT];
    unsigned input_start;
    unsigned input_used;
} SvirtSerial;

/* Descriptors by monitor/layout.h: those that the kind has must be open. */
void svirt_serial_init(SvirtSerial *serial, unsigned index,
                       const SvirtMonitorArgs *args, int64_t now_ns);

/*
 * Reads what the guest said and gives it to the sink and scrollback. The bytes
 * are left in `ret` for the attached client; how many.
 */
#define SVIRT_SERIAL_BLOCK 4096u
size_t svirt_serial_read(SvirtSerial *serial, SvirtLoop *loop, int64_t now_ns,
                         char ret[SVIRT_SERIAL_BLOCK]);
/* The sink or its peer can be read: input for the guest, a new peer. */
void svirt_serial_sink_ready(SvirtSerial *serial, SvirtLoop *loop);
void svirt_serial_peer_ready(SvirtSerial *serial, SvirtLoop *loop);
/*
 * Room for input; takes at most that much. The bytes are on their way to the
 * guest or wait for it.
 */
size_t svirt_serial_input_room(const SvirtSerial *serial);
void svirt_serial_input(SvirtSerial *serial, const char *bytes, size_t length);
/* Tries what waits in both directions, sets the watches; when to call again. */
int64_t svirt_serial_update(SvirtSerial *serial, SvirtLoop *loop,
                            int64_t now_ns);
