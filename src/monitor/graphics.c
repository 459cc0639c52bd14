/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "monitor/graphics.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BLOCK 16384u
#define SECOND_NS 1000000000LL
#define FIRST_WORD_NS (30 * SECOND_NS)
#define ENDING_NS (10 * SECOND_NS)

void
svirt_graphics_init(SvirtGraphicsServer *server, SvirtLoop *loop,
                    SvirtQmpSession *session, const SvirtMonitorArgs *args)
{
    server->loop = loop;
    server->session = session;
    for (unsigned i = 0; i < SVIRT_GRAPHICS_KIND_MAX; i++) {
        svirt_watch_init(&server->listener[i],
                         args->graphics[i] ? SVIRT_MONITOR_FD_GRAPHICS((int)i)
                                           : -1,
                         SVIRT_WATCH_GRAPHICS, i);
    }
    for (unsigned i = 0; i < SVIRT_GRAPHICS_MAX_CLIENTS; i++) {
        SvirtRelay *relay = &server->relay[i];

        svirt_watch_init(&relay->client, -1, SVIRT_WATCH_GRAPHICS_CLIENT, i);
        svirt_watch_init(&relay->vmm, -1, SVIRT_WATCH_GRAPHICS_VMM, i);
        svirt_outbox_init(&relay->to_client, BLOCK);
        svirt_outbox_init(&relay->to_vmm, BLOCK);
        relay->give_fd = -1;
    }
}

static void
close_relay(SvirtGraphicsServer *server, SvirtRelay *relay)
{
    svirt_qmp_session_forget(server->session, SVIRT_ASKER_GRAPHICS,
                             relay->client.index);
    if (relay->give_fd >= 0) {
        (void)close(relay->give_fd);
        relay->give_fd = -1;
    }
    svirt_outbox_clear(&relay->to_client);
    svirt_outbox_clear(&relay->to_vmm);
    svirt_watch_close(server->loop, &relay->vmm);
    svirt_watch_close(server->loop, &relay->client);
}

static SvirtRelay *
find_free(SvirtGraphicsServer *server)
{
    for (unsigned i = 0; i < SVIRT_GRAPHICS_MAX_CLIENTS; i++) {
        if (server->relay[i].client.fd < 0) {
            return &server->relay[i];
        }
    }
    return NULL;
}

void
svirt_graphics_accept(SvirtGraphicsServer *server, unsigned kind,
                      int64_t now_ns)
{
    SvirtRelay *relay = find_free(server);
    int fd = accept4(server->listener[kind].fd, NULL, NULL,
                     SOCK_NONBLOCK | SOCK_CLOEXEC);
    int pair[2];

    if (fd < 0) {
        return;
    }
    if (relay == NULL ||
        socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
                   pair) < 0) {
        (void)close(fd);
        return;
    }
    svirt_watch_init(&relay->client, fd, SVIRT_WATCH_GRAPHICS_CLIENT,
                     relay->client.index);
    svirt_watch_init(&relay->vmm, pair[0], SVIRT_WATCH_GRAPHICS_VMM,
                     relay->vmm.index);
    relay->give_fd = pair[1];
    relay->kind = (SvirtGraphicsKind)kind;
    relay->heard = false;
    relay->ending = false;
    relay->deadline_ns = now_ns + FIRST_WORD_NS;
}

/*
 * Both commands at once: QEMU answers in order, and an add_client without its
 * descriptor fails. qapi/misc.json. False: it cannot be done any more.
 */
static bool
give(SvirtGraphicsServer *server, SvirtRelay *relay, int64_t now_ns)
{
    char get[96], add[128];
    unsigned index = relay->client.index;
    SvirtJsonSpan command = { get, 0 };

    command.length = (size_t)snprintf(
        get, sizeof(get),
        "{\"execute\":\"getfd\",\"arguments\":{\"fdname\":\"graphics%u\"}}",
        index);
    switch (svirt_qmp_session_send(server->session, SVIRT_ASKER_GRAPHICS,
                                   index, command, &relay->give_fd, 1,
                                   now_ns)) {
    case SVIRT_SEND_DONE:
        break;
    case SVIRT_SEND_LATER:
        return true;
    case SVIRT_SEND_FAILED:
    case SVIRT_SEND_MAX:
        return false;
    }
    (void)close(relay->give_fd);
    relay->give_fd = -1;
    command.text = add;
    command.length = (size_t)snprintf(
        add, sizeof(add),
        "{\"execute\":\"add_client\",\"arguments\":{\"protocol\":\"%s\","
        "\"fdname\":\"graphics%u\"}}",
        relay->kind == SVIRT_GRAPHICS_KIND_SPICE ? "spice" : "vnc", index);
    return svirt_qmp_session_send(server->session, SVIRT_ASKER_GRAPHICS,
                                  index, command, NULL, 0,
                                  now_ns) == SVIRT_SEND_DONE;
}

void
svirt_graphics_given(void *cookie, unsigned index, bool ok)
{
    SvirtGraphicsServer *server = cookie;

    if (!ok) {
        close_relay(server, &server->relay[index]);
    }
}

/*
 * At most a block waits in either direction: more is read when it is gone.
 * False: the other side will hear no more of this one.
 */
static bool
pull(int from, SvirtOutbox *box, int to, bool *ret_got)
{
    char block[BLOCK];
    ssize_t got;

    if (svirt_outbox_length(box) > 0) {
        return true;
    }
    got = read(from, block, sizeof(block));
    if (got <= 0) {
        return got < 0 && (errno == EAGAIN || errno == EINTR);
    }
    *ret_got = true;
    return svirt_outbox_add(box, block, (size_t)got) &&
           svirt_outbox_flush(box, to);
}

void
svirt_graphics_ready(SvirtGraphicsServer *server, const SvirtReady *ready)
{
    SvirtRelay *relay = &server->relay[ready->index];
    bool from_client = ready->kind == SVIRT_WATCH_GRAPHICS_CLIENT;
    bool got = false;

    /* The slot may have a new user since the kernel made this event. */
    if (relay->client.fd < 0 ||
        (from_client ? relay->client.turn : relay->vmm.turn) != ready->turn ||
        (ready->events & (EPOLLIN | EPOLLHUP | EPOLLERR)) == 0) {
        return;
    }
    if (from_client) {
        /* A hang-up is told again and again, and QEMU may read nothing. */
        bool gone = (ready->events & (EPOLLHUP | EPOLLERR)) != 0 &&
                    svirt_outbox_length(&relay->to_vmm) > 0;

        if (gone || relay->ending || !pull(relay->client.fd, &relay->to_vmm,
                                   relay->vmm.fd, &got)) {
            close_relay(server, relay);
        }
        relay->heard = relay->heard || got;
    } else if (!relay->ending && !pull(relay->vmm.fd, &relay->to_client,
                                       relay->client.fd, &got)) {
        /* Why it ended is in what waits: the client is told. */
        relay->ending = true;
        relay->deadline_ns = svirt_loop_now_ns() + ENDING_NS;
    }
}

/* False: close it. */
static bool
update_relay(SvirtGraphicsServer *server, SvirtRelay *relay, int64_t now_ns)
{
    bool out, in;

    if ((relay->give_fd >= 0 && !give(server, relay, now_ns)) ||
        !svirt_outbox_flush(&relay->to_client, relay->client.fd) ||
        (!relay->ending && !svirt_outbox_flush(&relay->to_vmm,
                                               relay->vmm.fd))) {
        return false;
    }
    out = svirt_outbox_length(&relay->to_client) > 0;
    in = svirt_outbox_length(&relay->to_vmm) > 0;
    if (relay->ending && !out) {
        return false;
    }
    if ((relay->ending || !relay->heard) && relay->deadline_ns <= now_ns) {
        return false;
    }
    svirt_watch_set(server->loop, &relay->client,
                    (in || relay->ending ? 0 : EPOLLIN) |
                    (out ? EPOLLOUT : 0));
    svirt_watch_set(server->loop, &relay->vmm,
                    relay->ending ? 0 : (out ? 0 : EPOLLIN) |
                                            (in ? EPOLLOUT : 0));
    return true;
}

int64_t
svirt_graphics_update(SvirtGraphicsServer *server, int64_t now_ns)
{
    int64_t wake_ns = SVIRT_NEVER;

    for (unsigned i = 0; i < SVIRT_GRAPHICS_MAX_CLIENTS; i++) {
        SvirtRelay *relay = &server->relay[i];

        if (relay->client.fd < 0) {
            continue;
        }
        if (!update_relay(server, relay, now_ns)) {
            close_relay(server, relay);
        } else if ((relay->ending || !relay->heard) &&
                   relay->deadline_ns < wake_ns) {
            wake_ns = relay->deadline_ns;
        }
    }
    for (unsigned i = 0; i < SVIRT_GRAPHICS_KIND_MAX; i++) {
        if (server->listener[i].fd >= 0) {
            svirt_watch_set(server->loop, &server->listener[i],
                            server->session->ready ? EPOLLIN : 0);
        }
    }
    return wake_ns;
}
