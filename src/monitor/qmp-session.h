/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "monitor/guest.h"
#include "monitor/link.h"
#include "monitor/loop.h"
#include "monitor/outbox.h"
#include "monitor/qmp.h"
#include "monitor/rate.h"

/*
 * The conversation with the VMM: negotiation, readiness, commands in flight,
 * events. What the VMM says is bounded in bytes and messages a second (more is
 * left in the socket), commands in number; an answer that stays out is
 * reported, a broken protocol ends the conversation, never the guest.
 */
#define SVIRT_QMP_BYTES_PER_S (4u * 1024 * 1024)
#define SVIRT_QMP_MESSAGES_PER_S 1000u
#define SVIRT_QMP_MAX_PENDING 32
#define SVIRT_QMP_SILENCE_NS (30 * 1000000000LL)

typedef enum SvirtAsker {
    SVIRT_ASKER_NONE,         /* a free slot */
    SVIRT_ASKER_CAPABILITIES,
    SVIRT_ASKER_STATUS,
    SVIRT_ASKER_SETTING,
    SVIRT_ASKER_CONTINUE,
    SVIRT_ASKER_CLIENT,
    SVIRT_ASKER_GRAPHICS,     /* a viewer's connection is handed over */
    SVIRT_ASKER_GONE,         /* a client that left: the answer is dropped */
    SVIRT_ASKER_MAX
} SvirtAsker;

typedef struct SvirtPending {
    SvirtAsker asker;
    uint16_t client;     /* CLIENT, GRAPHICS: its slot */
    bool has_fds;
    uint32_t serial;
    int64_t overdue_ns;
} SvirtPending;

typedef struct SvirtQmpSession {
    SvirtWatch watch;
    SvirtQmpParser parser;
    SvirtOutbox outbox;
    SvirtRate bytes;
    SvirtRate messages;
    SvirtGuest guest;
    SvirtLink *link;     /* borrowed */
    uint32_t last_serial;
    unsigned unsettled;  /* answers to come before the VMM counts as ready */
    bool ready;
    bool silent;
    bool closed;         /* the VMM closed its end */
    int64_t closed_ns;   /* when that is more than the end of the VMM */
    int64_t paused_until_ns; /* 0 not paused */
    int64_t ready_deadline_ns;
    SvirtPending pending[SVIRT_QMP_MAX_PENDING];
    /* An answer for a client; `body` holds until the callback returns. */
    void (*answer)(void *cookie, unsigned client, SvirtQmpKind kind,
                   SvirtJsonSpan body);
    void *cookie;
    /* An event; the spans hold until the callback returns. */
    void (*heard)(void *cookie, SvirtJsonSpan name, SvirtJsonSpan data);
    /* QEMU's word on a command for GRAPHICS. */
    void (*given)(void *cookie, unsigned index, bool ok);
    void *given_cookie;
} SvirtQmpSession;

typedef struct SvirtQmpSessionStart {
    int fd;
    uint32_t generation;
    const SvirtMessage *begin; /* the keeper's BEGIN */
    uint32_t ready_timeout_ms;
    uint32_t links_down;    /* a bit per interface */
    uint64_t balloon_bytes; /* what it leaves the guest; 0: all */
} SvirtQmpSessionStart;

/* Sends the first commands: they are in the socket before the VMM looks. */
void svirt_qmp_session_init(SvirtQmpSession *session, SvirtLink *link,
                            const SvirtQmpSessionStart *start, int64_t now_ns);

typedef enum SvirtSend {
    SVIRT_SEND_DONE,
    SVIRT_SEND_LATER,  /* descriptors must wait for those before them */
    SVIRT_SEND_FAILED, /* broken, closed, or too much unanswered */
    SVIRT_SEND_MAX
} SvirtSend;

/*
 * A checked command for `client` of `asker` (CLIENT or GRAPHICS); `fds` go
 * with its first byte and stay the caller's.
 */
SvirtSend svirt_qmp_session_send(SvirtQmpSession *session, SvirtAsker asker,
                                 unsigned client, SvirtJsonSpan command,
                                 const int *fds, size_t n_fds,
                                 int64_t now_ns);
void svirt_qmp_session_continue(SvirtQmpSession *session, int64_t now_ns);
/* Whatever was asked for this client is of no interest any more. */
void svirt_qmp_session_forget(SvirtQmpSession *session, SvirtAsker asker,
                              unsigned client);
/* Why commands are refused, NULL while they are not. */
const char *svirt_qmp_session_why(const SvirtQmpSession *session);

void svirt_qmp_session_read(SvirtQmpSession *session, SvirtLoop *loop,
                            int64_t now_ns);
int64_t svirt_qmp_session_update(SvirtQmpSession *session, SvirtLoop *loop,
                                 int64_t now_ns);
