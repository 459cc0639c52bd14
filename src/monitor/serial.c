/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "monitor/serial.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Saved up for a file: what a guest says while it boots. */
#define FILE_BURST_BYTES (1024u * 1024)

void
svirt_serial_init(SvirtSerial *serial, unsigned index,
                  const SvirtMonitorArgs *args, int64_t now_ns)
{
    SvirtSerialKind kind = args->serial[index];
    int sink = SVIRT_MONITOR_FD_SERIAL_SINK((int)index);
    int rotated = SVIRT_MONITOR_FD_SERIAL_ROTATED((int)index);
    bool watched = kind == SVIRT_SERIAL_PTY || kind == SVIRT_SERIAL_UNIX ||
                   kind == SVIRT_SERIAL_CONNECTED;

    *serial = (SvirtSerial){ .kind = kind, .client = -1 };
    svirt_watch_init(&serial->vmm, SVIRT_MONITOR_FD_SERIAL((int)index),
                     SVIRT_WATCH_SERIAL, index);
    svirt_watch_init(&serial->sink, watched ? sink : -1,
                     SVIRT_WATCH_SERIAL_SINK, index);
    svirt_watch_init(&serial->peer, -1, SVIRT_WATCH_SERIAL_PEER, index);
    svirt_outbox_init(&serial->to_sink, SVIRT_SERIAL_WAITING);
    svirt_bounded_file_init(&serial->file,
                            kind == SVIRT_SERIAL_FILE ? sink : -1,
                            args->rotated[index] ? rotated : -1,
                            args->log_limit_bytes);
    svirt_rate_init(&serial->written, args->log_rate_bytes_per_s,
                    FILE_BURST_BYTES, now_ns);
    svirt_ring_init(&serial->scrollback, SVIRT_SERIAL_SCROLLBACK);
    svirt_rate_init(&serial->rate, SVIRT_SERIAL_READ_PER_S,
                    SVIRT_SERIAL_READ_PER_S / 8, now_ns);
}

static void
write_file(SvirtSerial *serial, const char *bytes, size_t length,
           int64_t now_ns)
{
    uint64_t allowed = svirt_rate_available(&serial->written, now_ns);

    svirt_rate_take(&serial->written, svirt_bounded_file_write(
        &serial->file, bytes, length < allowed ? length : allowed));
}

static void
drop_peer(SvirtSerial *serial, SvirtLoop *loop)
{
    svirt_watch_close(loop, &serial->peer);
    svirt_outbox_clear(&serial->to_sink);
}

/*
 * The other end of a terminal or server is gone. The descriptor stays: it is
 * the number that an adopting keeper asks for. The keeper's copy would keep
 * half a connection open, which nobody on the other side could tell from a
 * silent guest: the end is made an end for all copies.
 */
static void
hang_up(SvirtSerial *serial, SvirtLoop *loop)
{
    if (serial->kind == SVIRT_SERIAL_CONNECTED) {
        (void)shutdown(serial->sink.fd, SHUT_RDWR); /* it may be so already */
    }
    serial->hung_up = true;
    svirt_watch_set(loop, &serial->sink, 0);
    svirt_outbox_clear(&serial->to_sink);
}

static void
drop_sink(SvirtSerial *serial, SvirtLoop *loop)
{
    if (serial->kind == SVIRT_SERIAL_UNIX) {
        drop_peer(serial, loop);
    } else {
        hang_up(serial, loop);
    }
}

/* Where bytes for the sink go: -1 nowhere. */
static int
sink_fd(const SvirtSerial *serial)
{
    switch (serial->kind) {
    case SVIRT_SERIAL_PTY:
    case SVIRT_SERIAL_CONNECTED:
        return serial->hung_up ? -1 : serial->sink.fd;
    case SVIRT_SERIAL_UNIX:
        return serial->peer.fd;
    case SVIRT_SERIAL_CONSOLE:
    case SVIRT_SERIAL_FILE:
    case SVIRT_SERIAL_KIND_MAX:
        return -1;
    }
    return -1;
}

size_t
svirt_serial_read(SvirtSerial *serial, SvirtLoop *loop, int64_t now_ns,
                  char ret[SVIRT_SERIAL_BLOCK])
{
    ssize_t got;

    if (serial->vmm.fd < 0) {
        return 0;
    }
    if (svirt_rate_available(&serial->rate, now_ns) == 0) {
        serial->paused_until_ns = svirt_rate_ready_ns(&serial->rate);
        return 0;
    }
    got = read(serial->vmm.fd, ret, SVIRT_SERIAL_BLOCK);
    if (got <= 0) {
        if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
            svirt_watch_retire(loop, &serial->vmm);
        }
        return 0;
    }
    svirt_rate_take(&serial->rate, (uint64_t)got);
    svirt_ring_add(&serial->scrollback, ret, (size_t)got);
    write_file(serial, ret, (size_t)got, now_ns);
    if (sink_fd(serial) >= 0 &&
        !svirt_outbox_write(&serial->to_sink, sink_fd(serial), ret,
                            (size_t)got)) {
        drop_sink(serial, loop);
    }
    return (size_t)got;
}

size_t
svirt_serial_input_room(const SvirtSerial *serial)
{
    return serial->input_used == 0 && serial->vmm.fd >= 0
        ? SVIRT_SERIAL_INPUT : 0;
}

/* False: the VMM closed it. */
static bool
push_input(SvirtSerial *serial)
{
    while (serial->input_start < serial->input_used) {
        ssize_t put = write(serial->vmm.fd,
                            serial->input + serial->input_start,
                            serial->input_used - serial->input_start);

        if (put < 0 && errno == EINTR) {
            continue;
        }
        if (put < 0) {
            return errno == EAGAIN;
        }
        serial->input_start += (unsigned)put;
    }
    serial->input_start = 0;
    serial->input_used = 0;
    return true;
}

void
svirt_serial_input(SvirtSerial *serial, const char *bytes, size_t length)
{
    assert(length <= svirt_serial_input_room(serial));
    memcpy(serial->input, bytes, length);
    serial->input_start = 0;
    serial->input_used = (unsigned)length;
}

/* Input from a terminal or peer; false: it is gone. */
static bool
pull_input(SvirtSerial *serial, int fd)
{
    size_t room = svirt_serial_input_room(serial);
    ssize_t got;

    if (room == 0) {
        return true;
    }
    got = read(fd, serial->input, room);
    if (got > 0) {
        serial->input_start = 0;
        serial->input_used = (unsigned)got;
        return true;
    }
    return got < 0 && (errno == EAGAIN || errno == EINTR);
}

void
svirt_serial_sink_ready(SvirtSerial *serial, SvirtLoop *loop)
{
    int fd;

    if (serial->sink.fd < 0) {
        return;
    }
    if (serial->kind != SVIRT_SERIAL_UNIX) {
        /* EIO: nobody has the slave open, for the keeper died. The master
           stays: the next keeper takes it over and opens a slave again. */
        if (!serial->hung_up && !pull_input(serial, serial->sink.fd)) {
            hang_up(serial, loop);
        }
        return;
    }
    fd = accept4(serial->sink.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
        svirt_watch_init(&serial->peer, fd, SVIRT_WATCH_SERIAL_PEER,
                         serial->peer.index);
    }
}

void
svirt_serial_peer_ready(SvirtSerial *serial, SvirtLoop *loop)
{
    if (serial->peer.fd >= 0 && !pull_input(serial, serial->peer.fd)) {
        drop_peer(serial, loop);
    }
}

int64_t
svirt_serial_update(SvirtSerial *serial, SvirtLoop *loop, int64_t now_ns)
{
    uint32_t reading, writing = 0;

    if (serial->input_used > 0 &&
        (serial->vmm.fd < 0 || !push_input(serial))) {
        svirt_watch_retire(loop, &serial->vmm);
        serial->input_used = 0;
    }
    if (sink_fd(serial) >= 0) {
        if (!svirt_outbox_flush(&serial->to_sink, sink_fd(serial))) {
            drop_sink(serial, loop);
        }
        writing = svirt_outbox_length(&serial->to_sink) > 0 ? EPOLLOUT : 0;
    }
    if (serial->paused_until_ns != 0 && serial->paused_until_ns <= now_ns) {
        serial->paused_until_ns = 0;
    }
    svirt_watch_set(loop, &serial->vmm,
                    (serial->paused_until_ns == 0 ? EPOLLIN : 0) |
                    (serial->input_used > 0 ? EPOLLOUT : 0));
    reading = svirt_serial_input_room(serial) > 0 ? EPOLLIN : 0;
    if (serial->kind != SVIRT_SERIAL_UNIX) {
        svirt_watch_set(loop, &serial->sink,
                        serial->hung_up ? 0 : reading | writing);
    } else {
        /* One peer at a time; the next waits in the backlog. */
        svirt_watch_set(loop, &serial->sink,
                        serial->peer.fd < 0 ? EPOLLIN : 0);
        svirt_watch_set(loop, &serial->peer, reading | writing);
    }
    return serial->paused_until_ns != 0 ? serial->paused_until_ns
                                        : SVIRT_NEVER;
}
