/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "monitor/server.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "monitor/server-request.h"

void
svirt_server_init(SvirtServer *server, int listener_fd, uint32_t control_uid)
{
    svirt_watch_init(&server->listener, listener_fd, SVIRT_WATCH_LISTENER, 0);
    server->control_uid = control_uid;
    for (unsigned i = 0; i < SVIRT_SERVER_MAX_CLIENTS; i++) {
        svirt_watch_init(&server->clients[i].watch, -1, SVIRT_WATCH_CLIENT, i);
    }
}

static void
drop_request(SvirtClient *client)
{
    while (client->n_fds > 0) {
        (void)close(client->fds[--client->n_fds]);
    }
    free(client->payload);
    client->payload = NULL;
    client->payload_used = 0;
    client->header_used = 0;
}

void
svirt_server_close(SvirtServer *server, SvirtClient *client)
{
    if (client->state == SVIRT_CLIENT_CONSOLE &&
        server->serials[client->serial].client == client->watch.index) {
        server->serials[client->serial].client = -1;
    }
    svirt_qmp_session_forget(server->session, SVIRT_ASKER_CLIENT,
                             client->watch.index);
    drop_request(client);
    svirt_outbox_clear(&client->out);
    svirt_watch_close(server->loop, &client->watch);
    client->state = SVIRT_CLIENT_FREE;
    client->gone = false;
}

void
svirt_server_reply(SvirtServer *server, SvirtClient *client,
                   SvirtControlType type, const SvirtJsonSpan *parts,
                   unsigned n_parts)
{
    SvirtControlFrame frame = { .type = type };
    bool added;

    for (unsigned i = 0; i < n_parts; i++) {
        frame.length += (uint32_t)parts[i].length;
    }
    added = svirt_outbox_add(&client->out, (const char *)&frame,
                             sizeof(frame));
    for (unsigned i = 0; i < n_parts; i++) {
        added = added && svirt_outbox_add(&client->out, parts[i].text,
                                          parts[i].length);
    }
    drop_request(client);
    client->state = SVIRT_CLIENT_HEADER;
    client->deadline_ns = svirt_loop_now_ns() + SVIRT_SERVER_IDLE_NS;
    if (!added) {
        svirt_server_close(server, client);
    }
}

static bool
peer_is_allowed(const SvirtServer *server, int fd)
{
    struct ucred peer;
    socklen_t size = sizeof(peer);

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0) {
        return false;
    }
    return peer.uid == 0 ||
           (server->control_uid != 0 && peer.uid == server->control_uid);
}

/* A slot: a free one, else that of somebody who is there no more. */
static SvirtClient *
find_slot(SvirtServer *server)
{
    SvirtClient *gone = NULL;

    for (unsigned i = 0; i < SVIRT_SERVER_MAX_CLIENTS; i++) {
        SvirtClient *client = &server->clients[i];

        if (client->state == SVIRT_CLIENT_FREE) {
            return client;
        }
        if (client->gone) {
            gone = client;
        }
    }
    if (gone != NULL) {
        svirt_server_close(server, gone);
    }
    return gone;
}

void
svirt_server_accept(SvirtServer *server, int64_t now_ns)
{
    SvirtClient *client;
    int fd = accept4(server->listener.fd, NULL, NULL,
                     SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (fd < 0) {
        return;
    }
    client = peer_is_allowed(server, fd) ? find_slot(server) : NULL;
    if (client == NULL) {
        (void)close(fd);
        return;
    }
    svirt_watch_init(&client->watch, fd, SVIRT_WATCH_CLIENT,
                     client->watch.index);
    svirt_outbox_init(&client->out, SVIRT_CONTROL_MAX_LENGTH + 64);
    client->state = SVIRT_CLIENT_HEADER;
    client->deadline_ns = now_ns + SVIRT_SERVER_IDLE_NS;
}

/* recvmsg(2), because descriptors come with the first byte of a frame. */
static ssize_t
read_header(SvirtClient *client)
{
    char control[CMSG_SPACE(sizeof(client->fds))];
    struct iovec part = {
        (char *)&client->frame + client->header_used,
        sizeof(client->frame) - client->header_used,
    };
    struct msghdr header = {
        .msg_iov = &part,
        .msg_iovlen = 1,
        .msg_control = control,
        .msg_controllen = sizeof(control),
    };
    ssize_t got = recvmsg(client->watch.fd, &header,
                          MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

    if (got <= 0) {
        return got;
    }
    for (struct cmsghdr *message = CMSG_FIRSTHDR(&header); message != NULL;
         message = CMSG_NXTHDR(&header, message)) {
        const int *fds = (const int *)CMSG_DATA(message);
        size_t count = (message->cmsg_len - CMSG_LEN(0)) / sizeof(int);

        if (message->cmsg_level != SOL_SOCKET ||
            message->cmsg_type != SCM_RIGHTS) {
            continue;
        }
        for (size_t i = 0; i < count; i++) {
            if (client->n_fds < SVIRT_CONTROL_MAX_REQUEST_FDS) {
                client->fds[client->n_fds++] = fds[i];
            } else {
                (void)close(fds[i]);
            }
        }
    }
    /* Cut: some are lost, the command would name the wrong ones. */
    return (header.msg_flags & MSG_CTRUNC) != 0 ? 0 : got;
}

/* False: close the client. */
static bool
read_request(SvirtServer *server, SvirtClient *client, int64_t now_ns)
{
    ssize_t got;

    if (client->state == SVIRT_CLIENT_HEADER) {
        got = read_header(client);
        if (got <= 0) {
            return got < 0 && (errno == EAGAIN || errno == EINTR);
        }
        client->header_used += (uint32_t)got;
        if (client->header_used < sizeof(client->frame)) {
            return true;
        }
        if (!svirt_request_check(client)) {
            return false;
        }
        /* One byte more: a text gets its NUL. */
        client->payload = malloc(client->frame.length + 1);
        if (client->payload == NULL) {
            return false;
        }
        client->state = SVIRT_CLIENT_PAYLOAD;
    }
    if (client->payload_used < client->frame.length) {
        got = read(client->watch.fd, client->payload + client->payload_used,
                   client->frame.length - client->payload_used);
        if (got <= 0) {
            return got < 0 && (errno == EAGAIN || errno == EINTR);
        }
        client->payload_used += (uint32_t)got;
    }
    if (client->payload_used == client->frame.length) {
        client->payload[client->frame.length] = '\0';
        svirt_request_serve(server, client, now_ns);
    }
    return true;
}

/* What the client typed before it ended reaches a guest that takes it. */
static bool
read_console(SvirtServer *server, SvirtClient *client, uint32_t events)
{
    SvirtSerial *serial = &server->serials[client->serial];
    char block[SVIRT_SERIAL_INPUT];
    size_t room = svirt_serial_input_room(serial);
    ssize_t got;

    if (room == 0) {
        client->gone = (events & (EPOLLHUP | EPOLLERR)) != 0;
        return true;
    }
    got = read(client->watch.fd, block, room);
    if (got <= 0) {
        return got < 0 && (errno == EAGAIN || errno == EINTR);
    }
    svirt_serial_input(serial, block, (size_t)got);
    return true;
}

void
svirt_server_client_ready(SvirtServer *server, const SvirtReady *ready,
                          int64_t now_ns)
{
    SvirtClient *client = &server->clients[ready->index];
    bool alive = true;

    /* The slot may have a new user since the kernel made this event. */
    if (client->state == SVIRT_CLIENT_FREE ||
        client->watch.turn != ready->turn) {
        return;
    }
    switch (client->state) {
    case SVIRT_CLIENT_HEADER:
    case SVIRT_CLIENT_PAYLOAD:
        if ((ready->events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) {
            alive = read_request(server, client, now_ns);
        }
        break;
    case SVIRT_CLIENT_CONSOLE:
        if ((ready->events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) {
            alive = read_console(server, client, ready->events);
        }
        break;
    case SVIRT_CLIENT_QUEUED:
    case SVIRT_CLIENT_ASKED:
    case SVIRT_CLIENT_WAITING:
    case SVIRT_CLIENT_EVENTS:
    case SVIRT_CLIENT_CLOSING:
        alive = (ready->events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) == 0;
        break;
    case SVIRT_CLIENT_FREE:
    case SVIRT_CLIENT_STATE_MAX:
        break;
    }
    if (!alive) {
        svirt_server_close(server, client);
    }
}

void
svirt_server_console(SvirtServer *server, unsigned index, const char *bytes,
                     size_t length)
{
    int slot = server->serials[index].client;
    SvirtClient *client;

    if (slot < 0) {
        return;
    }
    client = &server->clients[slot];
    if (!svirt_outbox_write(&client->out, client->watch.fd, bytes, length)) {
        svirt_server_close(server, client);
    }
}

static uint32_t
wanted_events(const SvirtServer *server, const SvirtClient *client)
{
    switch (client->state) {
    case SVIRT_CLIENT_HEADER:
    case SVIRT_CLIENT_PAYLOAD:
        return EPOLLIN;
    case SVIRT_CLIENT_CONSOLE:
        if (svirt_serial_input_room(&server->serials[client->serial]) > 0) {
            return EPOLLIN;
        }
        /* Its end, told once: there is nobody to read it away. */
        return client->gone ? 0 : EPOLLET;
    case SVIRT_CLIENT_QUEUED:
    case SVIRT_CLIENT_ASKED:
    case SVIRT_CLIENT_WAITING:
    case SVIRT_CLIENT_EVENTS:
    case SVIRT_CLIENT_CLOSING:
        return EPOLLRDHUP;
    case SVIRT_CLIENT_FREE:
    case SVIRT_CLIENT_STATE_MAX:
        return 0;
    }
    return 0;
}

static bool
update_client(SvirtServer *server, SvirtClient *client, int64_t now_ns)
{
    svirt_request_retry(server, client, now_ns);
    if (client->state == SVIRT_CLIENT_FREE) {
        return true;
    }
    if (!svirt_outbox_flush(&client->out, client->watch.fd)) {
        return false;
    }
    if (client->state == SVIRT_CLIENT_CLOSING &&
        svirt_outbox_length(&client->out) == 0) {
        return false;
    }
    return client->deadline_ns > now_ns;
}

int64_t
svirt_server_update(SvirtServer *server, int64_t now_ns)
{
    int64_t wake_ns = SVIRT_NEVER;

    for (unsigned i = 0; i < SVIRT_SERVER_MAX_CLIENTS; i++) {
        SvirtClient *client = &server->clients[i];
        uint32_t writing;

        if (client->state == SVIRT_CLIENT_FREE) {
            continue;
        }
        if (!update_client(server, client, now_ns)) {
            svirt_server_close(server, client);
            continue;
        }
        if (client->state == SVIRT_CLIENT_FREE) {
            continue;
        }
        writing = svirt_outbox_length(&client->out) > 0 ? EPOLLOUT : 0;
        svirt_watch_set(server->loop, &client->watch,
                        wanted_events(server, client) | writing);
        if (client->deadline_ns < wake_ns) {
            wake_ns = client->deadline_ns;
        }
    }
    svirt_watch_set(server->loop, &server->listener, EPOLLIN);
    return wake_ns;
}
