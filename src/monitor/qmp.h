/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/enum-table.h"
#include "monitor/json.h"

/*
 * QMP as a hostile VMM speaks it: bytes in, typed messages out, no effects.
 * One message a line (QEMU docs/interop/qmp-spec.txt). A line is at most 4 MiB
 * and a JSON object; what svirt does not know by name is tolerated, a known
 * member of the wrong type is not.
 */
#define SVIRT_QMP_MAX_LINE (4u * 1024 * 1024)
/* Lines that make no sense, or answer nobody, right after a take-over. */
#define SVIRT_QMP_MAX_STALE 256
#define SVIRT_QMP_ID_SIZE 32

typedef enum SvirtQmpKind {
    SVIRT_QMP_GREETING,
    SVIRT_QMP_EVENT,
    SVIRT_QMP_RETURN, /* body: any value */
    SVIRT_QMP_ERROR,  /* body: an object */
    SVIRT_QMP_KIND_MAX
} SvirtQmpKind;

typedef enum SvirtQmpEvent {
    SVIRT_QMP_EVENT_OTHER, /* an event svirt draws no conclusion from */
    SVIRT_QMP_EVENT_SHUTDOWN,
    SVIRT_QMP_EVENT_STOP,
    SVIRT_QMP_EVENT_RESUME,
    SVIRT_QMP_EVENT_RESET,
    SVIRT_QMP_EVENT_PANICKED,
    SVIRT_QMP_EVENT_IO_ERROR,
    SVIRT_QMP_EVENT_SUSPEND,
    SVIRT_QMP_EVENT_WAKEUP,
    SVIRT_QMP_EVENT_WATCHDOG,
    SVIRT_QMP_EVENT_MAX
} SvirtQmpEvent;

SVIRT_ENUM_DECLARE(SvirtQmpEvent, svirt_qmp_event)

typedef struct SvirtQmpMessage {
    SvirtQmpKind kind;
    SvirtQmpEvent event; /* EVENT */
    uint32_t serial;     /* RETURN, ERROR: which command this answers */
    SvirtJsonSpan name;  /* EVENT: a string */
    SvirtJsonSpan body;  /* return, error, or an event's data; may be none */
} SvirtQmpMessage;

typedef enum SvirtQmpVerdict {
    SVIRT_QMP_MORE,    /* no whole line yet */
    SVIRT_QMP_MESSAGE,
    SVIRT_QMP_BROKEN,  /* for good: parser->why says how */
    SVIRT_QMP_VERDICT_MAX
} SvirtQmpVerdict;

typedef struct SvirtQmpParser {
    char *bytes;      /* owned */
    size_t room;
    size_t used;
    size_t start;     /* first byte of the present line */
    size_t searched;  /* no newline before this one */
    uint32_t generation;
    bool resync;      /* took over a connection: garbage is expected */
    bool greeted;
    unsigned stale;
    const char *why;  /* static words, NULL until broken */
} SvirtQmpParser;

/*
 * `generation` is random per monitor: answers to another's commands are
 * recognised by it. `resync`: the connection was used by a predecessor, so
 * half lines and stale answers come first, and no greeting.
 */
void svirt_qmp_parser_init(SvirtQmpParser *parser, uint32_t generation,
                           bool resync);
void svirt_qmp_parser_clear(SvirtQmpParser *parser);
/*
 * Adds what was read. False: the parser is broken (line too long, memory).
 * Spans of earlier messages end here.
 */
bool svirt_qmp_parser_feed(SvirtQmpParser *parser, const char *bytes,
                           size_t length);
/* The next message; its spans hold until the next _feed or _clear. */
SvirtQmpVerdict svirt_qmp_parser_next(SvirtQmpParser *parser,
                                      SvirtQmpMessage *ret);
/* Breaks it from outside: an answer nobody waits for. */
void svirt_qmp_parser_break(SvirtQmpParser *parser, const char *why);
/*
 * An answer that no command waits for: tolerated after a take-over, a bounded
 * number of times. False: the parser is broken now.
 */
bool svirt_qmp_parser_stale(SvirtQmpParser *parser);
/* The first answer to a command of our own: from now on no garbage. */
void svirt_qmp_parser_synced(SvirtQmpParser *parser);

/* The id svirt gives command number `serial`. */
void svirt_qmp_id_format(uint32_t generation, uint32_t serial,
                         char ret[SVIRT_QMP_ID_SIZE]);

/*
 * Checks a command of an administrator: an object with "execute" a string, at
 * most "arguments" besides. False: *ret_why (static words).
 */
bool svirt_qmp_command_check(const char *text, size_t length,
                             SvirtJsonSpan *ret, const char **ret_why);
