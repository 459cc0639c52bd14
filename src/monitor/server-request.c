/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "monitor/server-request.h"

#include <stdlib.h>
#include <string.h>

/* Of events, for a client that is slow to read. */
#define SVIRT_EVENTS_WAITING (64u * 1024)

static void
reply_words(SvirtServer *server, SvirtClient *client, SvirtControlType type,
            const char *words)
{
    SvirtJsonSpan part = { words, strlen(words) };

    svirt_server_reply(server, client, type, &part, 1);
}

static void
reply_state(SvirtServer *server, SvirtClient *client)
{
    SvirtControlState state = {
        .state = server->session->guest.state,
        .reason = server->session->guest.reason,
        .ready = server->session->ready,
        .tainted = server->tainted,
    };
    SvirtJsonSpan part = { (const char *)&state, sizeof(state) };

    svirt_server_reply(server, client, SVIRT_CONTROL_REPLY, &part, 1);
}

bool
svirt_request_check(const SvirtClient *client)
{
    uint32_t length = client->frame.length;

    if (client->n_fds > 0 && client->frame.type != SVIRT_CONTROL_QMP_FD) {
        return false;
    }
    switch ((SvirtControlType)client->frame.type) {
    case SVIRT_CONTROL_QMP:
        return length > 0 && length <= SVIRT_CONTROL_MAX_REQUEST;
    case SVIRT_CONTROL_QMP_FD:
        return length > 0 && length <= SVIRT_CONTROL_MAX_REQUEST &&
               client->n_fds > 0;
    case SVIRT_CONTROL_STATE:
    case SVIRT_CONTROL_TAINT:
    case SVIRT_CONTROL_EVENTS:
        return length == 0;
    case SVIRT_CONTROL_CONSOLE:
        return length == 2 * sizeof(uint32_t);
    case SVIRT_CONTROL_WAIT_STATE:
        return length == sizeof(uint32_t);
    case SVIRT_CONTROL_NONE:
    case SVIRT_CONTROL_REPLY:
    case SVIRT_CONTROL_FAILED:
    case SVIRT_CONTROL_MAX:
        return false;
    }
    return false;
}

static void
serve_qmp(SvirtServer *server, SvirtClient *client, int64_t now_ns)
{
    SvirtJsonSpan command;
    const char *why;

    if (!svirt_qmp_command_check(client->payload, client->frame.length,
                                 &command, &why)) {
        reply_words(server, client, SVIRT_CONTROL_FAILED, why);
        return;
    }
    switch (svirt_qmp_session_send(server->session, SVIRT_ASKER_CLIENT,
                                   client->watch.index, command, client->fds,
                                   client->n_fds, now_ns)) {
    case SVIRT_SEND_DONE:
        client->state = SVIRT_CLIENT_ASKED;
        break;
    case SVIRT_SEND_LATER:
        client->state = SVIRT_CLIENT_QUEUED;
        break;
    case SVIRT_SEND_FAILED:
    case SVIRT_SEND_MAX:
        why = svirt_qmp_session_why(server->session);
        reply_words(server, client, SVIRT_CONTROL_FAILED,
                    why != NULL ? why : "too many commands without an answer");
        break;
    }
}

static void
attach(SvirtServer *server, SvirtClient *client)
{
    SvirtSerial *serial = &server->serials[client->serial];
    char *said = malloc(SVIRT_SERIAL_SCROLLBACK);
    size_t length = 0;

    if (said != NULL) {
        length = svirt_ring_copy_tail(&serial->scrollback, said,
                                      SVIRT_SERIAL_SCROLLBACK);
    }
    svirt_server_reply(server, client, SVIRT_CONTROL_REPLY, NULL, 0);
    if (client->state != SVIRT_CLIENT_FREE) {
        (void)svirt_outbox_add(&client->out, said, length);
        client->out.limit = SVIRT_SERIAL_WAITING;
        client->state = SVIRT_CLIENT_CONSOLE;
        client->deadline_ns = SVIRT_NEVER;
        serial->client = client->watch.index;
    }
    free(said);
}

static void
serve_console(SvirtServer *server, SvirtClient *client)
{
    uint32_t asked[2];
    int holder;

    memcpy(asked, client->payload, sizeof(asked));
    if (asked[0] >= server->n_serials) {
        reply_words(server, client, SVIRT_CONTROL_FAILED,
                    "no such serial console");
        return;
    }
    holder = server->serials[asked[0]].client;
    if (holder >= 0 && asked[1] != 1 && !server->clients[holder].gone) {
        reply_words(server, client, SVIRT_CONTROL_FAILED,
                    "another client has this console");
        return;
    }
    if (holder >= 0) {
        svirt_server_close(server, &server->clients[holder]);
    }
    client->serial = asked[0];
    attach(server, client);
}

static void
serve_taint(SvirtServer *server, SvirtClient *client)
{
    SvirtMessage message = { .type = SVIRT_MESSAGE_TAINTED };

    if (!server->tainted) {
        server->tainted = true;
        svirt_link_tell(server->link, SVIRT_FACT_TAINTED, &message);
    }
    svirt_server_reply(server, client, SVIRT_CONTROL_REPLY, NULL, 0);
}

void
svirt_request_serve(SvirtServer *server, SvirtClient *client, int64_t now_ns)
{
    /* Its own patience decides now, not the idle limit. */
    client->deadline_ns = SVIRT_NEVER;
    switch ((SvirtControlType)client->frame.type) {
    case SVIRT_CONTROL_QMP:
    case SVIRT_CONTROL_QMP_FD:
        serve_qmp(server, client, now_ns);
        break;
    case SVIRT_CONTROL_STATE:
        reply_state(server, client);
        break;
    case SVIRT_CONTROL_CONSOLE:
        serve_console(server, client);
        break;
    case SVIRT_CONTROL_WAIT_STATE:
        memcpy(&client->wanted, client->payload, sizeof(client->wanted));
        client->state = SVIRT_CLIENT_WAITING;
        svirt_request_retry(server, client, now_ns);
        break;
    case SVIRT_CONTROL_TAINT:
        serve_taint(server, client);
        break;
    case SVIRT_CONTROL_EVENTS:
        svirt_server_reply(server, client, SVIRT_CONTROL_REPLY, NULL, 0);
        if (client->state != SVIRT_CLIENT_FREE) {
            client->out.limit = SVIRT_EVENTS_WAITING;
            client->state = SVIRT_CLIENT_EVENTS;
            client->deadline_ns = SVIRT_NEVER;
            client->lost = false;
        }
        break;
    case SVIRT_CONTROL_NONE:
    case SVIRT_CONTROL_REPLY:
    case SVIRT_CONTROL_FAILED:
    case SVIRT_CONTROL_MAX:
        svirt_server_close(server, client);
        break;
    }
}

void
svirt_request_retry(SvirtServer *server, SvirtClient *client, int64_t now_ns)
{
    if (client->state == SVIRT_CLIENT_QUEUED) {
        serve_qmp(server, client, now_ns);
    } else if (client->state == SVIRT_CLIENT_WAITING &&
               client->wanted == (uint32_t)server->session->guest.state) {
        reply_state(server, client);
    }
}

void
svirt_server_answer(void *cookie, unsigned client_index, SvirtQmpKind kind,
                    SvirtJsonSpan body)
{
    SvirtServer *server = cookie;
    SvirtClient *client = &server->clients[client_index];
    SvirtJsonSpan parts[3] = {
        { "{\"return\": ", 11 }, body, { "}", 1 },
    };

    if (client->state != SVIRT_CLIENT_ASKED) {
        return;
    }
    if (kind != SVIRT_QMP_RETURN && kind != SVIRT_QMP_ERROR) {
        reply_words(server, client, SVIRT_CONTROL_FAILED,
                    "the VMM broke the QMP protocol");
        return;
    }
    if (kind == SVIRT_QMP_ERROR) {
        parts[0] = (SvirtJsonSpan){ "{\"error\": ", 10 };
    }
    svirt_server_reply(server, client, SVIRT_CONTROL_REPLY, parts, 3);
}

/* All of a frame or nothing. */
static bool
add_event(SvirtClient *client, SvirtJsonSpan name, SvirtJsonSpan data)
{
    static const char start[] = "{\"event\": ", middle[] = ", \"data\": ";
    const SvirtJsonSpan parts[] = {
        { start, sizeof(start) - 1 }, name, { middle, sizeof(middle) - 1 },
        data.text != NULL ? data : (SvirtJsonSpan){ "{}", 2 }, { "}", 1 },
    };
    SvirtControlFrame frame = { .type = SVIRT_CONTROL_REPLY };
    bool added;

    for (unsigned i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        frame.length += (uint32_t)parts[i].length;
    }
    if (svirt_outbox_length(&client->out) + sizeof(frame) + frame.length >
        SVIRT_EVENTS_WAITING) {
        return false;
    }
    added = svirt_outbox_add(&client->out, (const char *)&frame,
                             sizeof(frame));
    for (unsigned i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        added = added && svirt_outbox_add(&client->out, parts[i].text,
                                          parts[i].length);
    }
    return added;
}

void
svirt_server_heard(void *cookie, SvirtJsonSpan name, SvirtJsonSpan data)
{
    static const char lost[] = "\"EVENTS_LOST\"";
    SvirtServer *server = cookie;

    for (unsigned i = 0; i < SVIRT_SERVER_MAX_CLIENTS; i++) {
        SvirtClient *client = &server->clients[i];

        if (client->state != SVIRT_CLIENT_EVENTS) {
            continue;
        }
        if (client->lost &&
            !add_event(client, (SvirtJsonSpan){ lost, sizeof(lost) - 1 },
                       (SvirtJsonSpan){ NULL, 0 })) {
            continue;
        }
        client->lost = !add_event(client, name, data);
    }
}
