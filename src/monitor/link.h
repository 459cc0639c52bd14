/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "keeper/message.h"
#include "monitor/guest.h"
#include "monitor/loop.h"
#include "monitor/rate.h"

/*
 * What the monitor tells the keeper. Nothing is queued: each fact is a flag
 * that is sent as soon as the rate and the socket allow, so a VMM that changes
 * its state a million times makes a few messages. Without a keeper the facts
 * wait for ever, and the monitor lives on.
 */
#define SVIRT_LINK_MESSAGES_PER_S 50

typedef enum SvirtFact {
    SVIRT_FACT_CONFINED,
    SVIRT_FACT_STATE,
    SVIRT_FACT_READY,
    SVIRT_FACT_TAINTED,
    SVIRT_FACT_SILENT,
    SVIRT_FACT_CONTINUED,
    SVIRT_FACT_BROKEN,
    SVIRT_FACT_MAX
} SvirtFact;

typedef struct SvirtLink {
    SvirtWatch watch;
    SvirtRate rate;
    uint32_t pending; /* bit per SvirtFact */
    SvirtMessage fact[SVIRT_FACT_MAX];
} SvirtLink;

void svirt_link_init(SvirtLink *link, int fd, int64_t now_ns);
/* The newest word on a fact; an older one not sent yet is forgotten. */
void svirt_link_tell(SvirtLink *link, SvirtFact fact,
                     const SvirtMessage *message);
void svirt_link_tell_guest(SvirtLink *link, const SvirtGuest *guest);
/* What the keeper says; false: nothing, or it is gone (the watch is closed). */
bool svirt_link_read(SvirtLink *link, SvirtLoop *loop, SvirtMessage *ret);
/* Sends what may be sent, sets the watch; when to call again. */
int64_t svirt_link_update(SvirtLink *link, SvirtLoop *loop, int64_t now_ns);
