/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/*
 * The monitor's control socket, /run/svirt/<uuid>/control: what the `svirt`
 * commands use to talk to a running VM. A stream of frames: this header in
 * host byte order, then `length` bytes. Only uid 0 (or the uid that owns the
 * instance) may connect; the monitor checks SO_PEERCRED. Both ends bound every
 * length; the command treats every reply as hostile.
 */
#define SVIRT_CONTROL_MAX_LENGTH (8u * 1024 * 1024)
#define SVIRT_CONTROL_MAX_REQUEST (1024u * 1024)
/* Descriptors attached to one QMP_FD frame. */
#define SVIRT_CONTROL_MAX_REQUEST_FDS 16

typedef enum SvirtControlType {
    SVIRT_CONTROL_NONE,
    /* request: one QMP command without an id, as JSON text;
     * answer: REPLY with QEMU's {"return": ...} or {"error": ...} */
    SVIRT_CONTROL_QMP,
    /* the same, with descriptors attached to the frame (add-fd, getfd) */
    SVIRT_CONTROL_QMP_FD,
    /* request: empty; answer: REPLY with SvirtControlState */
    SVIRT_CONTROL_STATE,
    /* request: uint32 serial number, uint32 force; answer: REPLY (empty), then
     * the connection is the raw console; FAILED when another client has it */
    SVIRT_CONTROL_CONSOLE,
    /* request: uint32 SvirtGuestState wanted before the answer is sent */
    SVIRT_CONTROL_WAIT_STATE,
    /* request: empty; answer: REPLY (empty). A command of the user's own
     * follows: the VM is marked tainted before QEMU sees it */
    SVIRT_CONTROL_TAINT,
    /* request: empty; answer: REPLY (empty), then a REPLY for each event of
     * QEMU's: {"event": NAME, "data": {...}}. What a client does not read is
     * dropped, and EVENTS_LOST told once there is room */
    SVIRT_CONTROL_EVENTS,
    SVIRT_CONTROL_REPLY,
    SVIRT_CONTROL_FAILED, /* payload: words */
    SVIRT_CONTROL_MAX
} SvirtControlType;

typedef struct SvirtControlFrame {
    uint32_t type;
    uint32_t length;
} SvirtControlFrame;

typedef struct SvirtControlState {
    uint32_t state;  /* SvirtGuestState */
    uint32_t reason; /* SvirtGuestReason */
    uint32_t ready;  /* 1 after the first QMP reply */
    uint32_t tainted;
} SvirtControlState;
