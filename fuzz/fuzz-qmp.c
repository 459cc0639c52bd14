/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "monitor/guest.h"
#include "monitor/qmp.h"

/*
 * What a hostile VMM says: the first byte decides how the stream is cut into
 * reads and whether the connection was taken over from another monitor.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t
read_span(SvirtJsonSpan span)
{
    size_t sum = 0;

    for (size_t i = 0; span.text != NULL && i < span.length; i++) {
        sum += (uint8_t)span.text[i];
    }
    return sum;
}

/* Conclusions stay within the tables, whatever the message. */
static void
conclude(SvirtGuest *guest, const SvirtQmpMessage *message)
{
    bool changed;

    if (message->kind == SVIRT_QMP_EVENT) {
        (void)svirt_guest_event(guest, message->event, message->body);
    } else if (message->kind == SVIRT_QMP_RETURN) {
        (void)svirt_guest_status(guest, message->body, &changed);
    }
    if (guest->state <= SVIRT_GUEST_NOSTATE ||
        guest->state >= SVIRT_GUEST_STATE_MAX ||
        guest->reason >= SVIRT_REASON_MAX) {
        abort();
    }
}

/* False: broken for good. */
static bool
take_messages(SvirtQmpParser *parser, SvirtGuest *guest)
{
    SvirtQmpMessage message;
    SvirtQmpVerdict verdict;

    while ((verdict = svirt_qmp_parser_next(parser, &message)) ==
           SVIRT_QMP_MESSAGE) {
        if (message.kind >= SVIRT_QMP_KIND_MAX ||
            message.event >= SVIRT_QMP_EVENT_MAX) {
            abort();
        }
        /* A sum no span can have: the reads must not be optimised away. */
        if (read_span(message.body) == SIZE_MAX) {
            abort();
        }
        conclude(guest, &message);
    }
    if (verdict == SVIRT_QMP_BROKEN && parser->why == NULL) {
        abort();
    }
    return verdict == SVIRT_QMP_MORE;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    SvirtJsonSpan command;
    SvirtQmpParser parser;
    SvirtGuest guest;
    const char *why;
    size_t step;

    if (size == 0) {
        return 0;
    }
    /* The other side: what an administrator's client sends. */
    (void)svirt_qmp_command_check((const char *)data, size, &command, &why);
    svirt_guest_init(&guest);
    step = (size_t)(data[0] & 0x7f) + 1;
    svirt_qmp_parser_init(&parser, 7, (data[0] & 0x80) != 0);
    data++;
    size--;
    while (size > 0) {
        size_t length = step < size ? step : size;

        if (!svirt_qmp_parser_feed(&parser, (const char *)data, length) ||
            !take_messages(&parser, &guest)) {
            break;
        }
        data += length;
        size -= length;
    }
    svirt_qmp_parser_clear(&parser);
    return 0;
}
