/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "monitor/qmp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_ROOM 8192u

SVIRT_ENUM_TABLE(SvirtQmpEvent, svirt_qmp_event, SVIRT_QMP_EVENT_MAX,
    [SVIRT_QMP_EVENT_OTHER] = "",
    [SVIRT_QMP_EVENT_SHUTDOWN] = "SHUTDOWN",
    [SVIRT_QMP_EVENT_STOP] = "STOP",
    [SVIRT_QMP_EVENT_RESUME] = "RESUME",
    [SVIRT_QMP_EVENT_RESET] = "RESET",
    [SVIRT_QMP_EVENT_PANICKED] = "GUEST_PANICKED",
    [SVIRT_QMP_EVENT_IO_ERROR] = "BLOCK_IO_ERROR",
    [SVIRT_QMP_EVENT_SUSPEND] = "SUSPEND",
    [SVIRT_QMP_EVENT_WAKEUP] = "WAKEUP",
    [SVIRT_QMP_EVENT_WATCHDOG] = "WATCHDOG")

void
svirt_qmp_parser_init(SvirtQmpParser *parser, uint32_t generation, bool resync)
{
    *parser = (SvirtQmpParser){
        .generation = generation,
        .resync = resync,
    };
}

void
svirt_qmp_parser_clear(SvirtQmpParser *parser)
{
    free(parser->bytes);
    *parser = (SvirtQmpParser){ .why = parser->why };
}

void
svirt_qmp_parser_break(SvirtQmpParser *parser, const char *why)
{
    if (parser->why == NULL) {
        parser->why = why;
    }
}

bool
svirt_qmp_parser_stale(SvirtQmpParser *parser)
{
    if (!parser->resync) {
        svirt_qmp_parser_break(parser, "an answer to no command");
    } else if (++parser->stale > SVIRT_QMP_MAX_STALE) {
        svirt_qmp_parser_break(parser, "no sense after a new start");
    }
    return parser->why == NULL;
}

void
svirt_qmp_parser_synced(SvirtQmpParser *parser)
{
    parser->resync = false;
    parser->greeted = true; /* the predecessor may have read it */
}

/* Moves the present line to the front; a big buffer is not kept for ever. */
static void
drop_consumed(SvirtQmpParser *parser)
{
    size_t left = parser->used - parser->start;

    if (parser->start > 0) {
        memmove(parser->bytes, parser->bytes + parser->start, left);
        parser->searched -= parser->start;
        parser->start = 0;
        parser->used = left;
    }
    if (parser->room > FIRST_ROOM && left < FIRST_ROOM) {
        char *smaller = realloc(parser->bytes, FIRST_ROOM);

        if (smaller != NULL) {
            parser->bytes = smaller;
            parser->room = FIRST_ROOM;
        }
    }
}

bool
svirt_qmp_parser_feed(SvirtQmpParser *parser, const char *bytes, size_t length)
{
    size_t room;

    if (parser->why != NULL) {
        return false;
    }
    drop_consumed(parser);
    room = parser->room == 0 ? FIRST_ROOM : parser->room;
    while (room < parser->used + length) {
        room *= 2;
    }
    if (room != parser->room) {
        char *grown = realloc(parser->bytes, room);

        if (grown == NULL) {
            svirt_qmp_parser_break(parser, "no memory for a line");
            return false;
        }
        parser->bytes = grown;
        parser->room = room;
    }
    memcpy(parser->bytes + parser->used, bytes, length);
    parser->used += length;
    return true;
}

/* ids are "<generation in hex digits>-<serial>": short, since QEMU reads QMP
 * byte by byte, with half a dozen system calls for each. */
void
svirt_qmp_id_format(uint32_t generation, uint32_t serial,
                    char ret[SVIRT_QMP_ID_SIZE])
{
    (void)snprintf(ret, SVIRT_QMP_ID_SIZE, "%x-%u", generation,
                   serial); /* 8 + 1 + 10 digits at most: it fits */
}

static bool
parse_serial(const char *text, uint32_t *ret)
{
    uint64_t value = 0;

    if (*text == '\0' || strlen(text) > 10) {
        return false;
    }
    for (; *text != '\0'; text++) {
        if (*text < '0' || *text > '9') {
            return false;
        }
        value = value * 10 + (unsigned)(*text - '0');
    }
    *ret = (uint32_t)value;
    return value <= UINT32_MAX;
}

/* The members of a line that mean something; the first four are the kinds. */
typedef enum Member {
    MEMBER_GREETING = SVIRT_QMP_GREETING,
    MEMBER_EVENT = SVIRT_QMP_EVENT,
    MEMBER_RETURN = SVIRT_QMP_RETURN,
    MEMBER_ERROR = SVIRT_QMP_ERROR,
    MEMBER_ID,
    MEMBER_DATA,
    MEMBER_MAX
} Member;

typedef struct Line {
    SvirtJsonSpan member[MEMBER_MAX];
    SvirtQmpKind kind;
} Line;

/*
 * One pass over a line that is one JSON value: false unless it is an object
 * with exactly one of the four kinds and no known member twice.
 */
static bool
read_line(SvirtJsonSpan text, Line *ret)
{
    static const char *const names[MEMBER_MAX] = {
        [MEMBER_GREETING] = "QMP",
        [MEMBER_EVENT] = "event",
        [MEMBER_RETURN] = "return",
        [MEMBER_ERROR] = "error",
        [MEMBER_ID] = "id",
        [MEMBER_DATA] = "data",
    };
    const char *cursor = NULL;
    SvirtJsonSpan name, value;
    unsigned kinds = 0;

    *ret = (Line){ .kind = SVIRT_QMP_KIND_MAX };
    if (svirt_json_type(text) != SVIRT_JSON_OBJECT) {
        return false;
    }
    while (svirt_json_next(text, &cursor, &name, &value)) {
        for (unsigned i = 0; i < MEMBER_MAX; i++) {
            if (!svirt_json_is(name, names[i])) {
                continue;
            }
            if (ret->member[i].text != NULL) {
                return false;
            }
            ret->member[i] = value;
            if (i < SVIRT_QMP_KIND_MAX) {
                ret->kind = (SvirtQmpKind)i;
                kinds++;
            }
        }
    }
    return kinds == 1;
}

/* 1 a message, 0 to be ignored, -1 broken. */
static int
take_answer(SvirtQmpParser *parser, const Line *line, SvirtQmpMessage *ret)
{
    char id[SVIRT_QMP_ID_SIZE], wanted[SVIRT_QMP_ID_SIZE];
    size_t prefix;

    svirt_qmp_id_format(parser->generation, 0, wanted);
    prefix = strlen(wanted) - 1;
    if (!svirt_json_string(line->member[MEMBER_ID], id, sizeof(id)) ||
        strncmp(id, wanted, prefix) != 0 ||
        !parse_serial(id + prefix, &ret->serial)) {
        return svirt_qmp_parser_stale(parser) ? 0 : -1;
    }
    if (line->kind == SVIRT_QMP_ERROR &&
        svirt_json_type(ret->body) != SVIRT_JSON_OBJECT) {
        svirt_qmp_parser_break(parser, "an error that is no object");
        return -1;
    }
    return 1;
}

static int
take_event(SvirtQmpParser *parser, const Line *line, SvirtQmpMessage *ret)
{
    SvirtJsonSpan data = line->member[MEMBER_DATA];
    char name[64];

    if (svirt_json_type(ret->body) != SVIRT_JSON_STRING) {
        svirt_qmp_parser_break(parser, "an event whose name is no string");
        return -1;
    }
    if (!svirt_json_string(ret->body, name, sizeof(name)) ||
        !svirt_qmp_event_from_string(name, &ret->event)) {
        ret->event = SVIRT_QMP_EVENT_OTHER;
    }
    if (data.text != NULL && svirt_json_type(data) != SVIRT_JSON_OBJECT) {
        svirt_qmp_parser_break(parser, "an event whose data is no object");
        return -1;
    }
    ret->name = ret->body;
    ret->body = data;
    return 1;
}

static int
take_greeting(SvirtQmpParser *parser, SvirtQmpMessage *ret)
{
    if (parser->greeted) {
        svirt_qmp_parser_break(parser, "a second greeting");
        return -1;
    }
    if (svirt_json_type(ret->body) != SVIRT_JSON_OBJECT) {
        svirt_qmp_parser_break(parser, "a greeting that is no object");
        return -1;
    }
    parser->greeted = true;
    return 1;
}

static int
take_line(SvirtQmpParser *parser, const char *text, size_t length,
          SvirtQmpMessage *ret)
{
    SvirtQmpMessage message = { 0 };
    SvirtJsonSpan value;
    int taken = 0;
    Line line;

    if (!svirt_json_check(text, length, &value) || !read_line(value, &line)) {
        if (!parser->resync) {
            svirt_qmp_parser_break(parser, "a line that is no QMP message");
            return -1;
        }
        return svirt_qmp_parser_stale(parser) ? 0 : -1;
    }
    message.kind = line.kind;
    message.body = line.member[line.kind];
    switch (line.kind) {
    case SVIRT_QMP_GREETING:
        taken = take_greeting(parser, &message);
        break;
    case SVIRT_QMP_EVENT:
        taken = take_event(parser, &line, &message);
        break;
    case SVIRT_QMP_RETURN:
    case SVIRT_QMP_ERROR:
        if (!parser->greeted && !parser->resync) {
            svirt_qmp_parser_break(parser, "an answer before the greeting");
            return -1;
        }
        taken = take_answer(parser, &line, &message);
        break;
    case SVIRT_QMP_KIND_MAX:
        return -1;
    }
    if (taken == 1) {
        *ret = message;
    }
    return taken;
}

SvirtQmpVerdict
svirt_qmp_parser_next(SvirtQmpParser *parser, SvirtQmpMessage *ret)
{
    while (parser->why == NULL && parser->searched < parser->used) {
        char *line = parser->bytes + parser->start;
        char *newline = memchr(parser->bytes + parser->searched, '\n',
                               parser->used - parser->searched);
        size_t length;
        int taken;

        length = newline != NULL ? (size_t)(newline - line)
                                 : parser->used - parser->start;
        if (length > SVIRT_QMP_MAX_LINE) {
            svirt_qmp_parser_break(parser, "a line of more than 4 MiB");
            break;
        }
        if (newline == NULL) {
            parser->searched = parser->used;
            break;
        }
        parser->start = (size_t)(newline + 1 - parser->bytes);
        parser->searched = parser->start;
        taken = take_line(parser, line, length, ret);
        if (taken > 0) {
            return SVIRT_QMP_MESSAGE;
        }
    }
    return parser->why != NULL ? SVIRT_QMP_BROKEN : SVIRT_QMP_MORE;
}

bool
svirt_qmp_command_check(const char *text, size_t length, SvirtJsonSpan *ret,
                        const char **ret_why)
{
    SvirtJsonSpan command, name, value;
    const char *cursor = NULL;
    unsigned executes = 0, arguments = 0, others = 0;

    if (!svirt_json_check(text, length, &command)) {
        *ret_why = "the command is no JSON";
        return false;
    }
    if (svirt_json_type(command) == SVIRT_JSON_OBJECT) {
        while (svirt_json_next(command, &cursor, &name, &value)) {
            bool string = svirt_json_type(value) == SVIRT_JSON_STRING;

            if (svirt_json_is(name, "execute") && string) {
                executes++;
            } else if (svirt_json_is(name, "arguments")) {
                arguments++;
            } else {
                others++;
            }
        }
    }
    if (executes != 1) {
        *ret_why = "the command is no object with one \"execute\" string";
        return false;
    }
    if (arguments > 1 || others > 0) {
        *ret_why = "the command has members besides \"execute\" and "
                   "\"arguments\"";
        return false;
    }
    *ret = command;
    return true;
}
