/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "monitor/monitor.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#include "keeper/status.h"
#include "monitor/graphics.h"
#include "monitor/link.h"
#include "monitor/log.h"
#include "monitor/qmp-session.h"
#include "monitor/serial.h"
#include "monitor/server.h"

/* The keeper's first word is in the socket before this program starts. */
#define BEGIN_TIMEOUT_MS 10000

typedef struct Monitor {
    SvirtLoop loop;
    SvirtLink link;
    SvirtLog log;
    SvirtQmpSession session;
    SvirtServer server;
    SvirtGraphicsServer graphics;
    SvirtSerial *serials;
    unsigned n_serials;
    bool ends;
} Monitor;

static bool
set_nonblocking(int fd)
{
    int flags = fcntl(fd, F_GETFL);

    return flags >= 0 && ((flags & O_NONBLOCK) != 0 ||
                          fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0);
}

static bool
init_serials(Monitor *monitor, const SvirtMonitorArgs *args, int64_t now_ns)
{
    monitor->n_serials = args->n_serials;
    monitor->serials = calloc(args->n_serials + 1, sizeof(SvirtSerial));
    if (monitor->serials == NULL) {
        return false;
    }
    for (unsigned i = 0; i < args->n_serials; i++) {
        SvirtSerialKind kind = args->serial[i];
        int sink = SVIRT_MONITOR_FD_SERIAL_SINK((int)i);

        if (!set_nonblocking(SVIRT_MONITOR_FD_SERIAL((int)i)) ||
            (kind != SVIRT_SERIAL_CONSOLE && !set_nonblocking(sink))) {
            return false;
        }
        svirt_serial_init(&monitor->serials[i], i, args, now_ns);
    }
    return true;
}

static bool
init(Monitor *monitor, const SvirtMonitorArgs *args, const SvirtMessage *begin)
{
    int64_t now_ns = svirt_loop_now_ns();
    SvirtQmpSessionStart start = {
        .fd = SVIRT_MONITOR_FD_QMP,
        .begin = begin,
        .ready_timeout_ms = args->ready_timeout_ms,
        .links_down = args->links_down,
        .balloon_bytes = args->balloon_bytes,
    };

    if (getrandom(&start.generation, sizeof(start.generation), 0) !=
            sizeof(start.generation) ||
        !svirt_loop_init(&monitor->loop) ||
        !set_nonblocking(SVIRT_MONITOR_FD_QMP) ||
        !set_nonblocking(SVIRT_MONITOR_FD_CONTROL) ||
        !set_nonblocking(SVIRT_MONITOR_FD_LOG) ||
        !init_serials(monitor, args, now_ns)) {
        return false;
    }
    for (int i = 0; i < SVIRT_GRAPHICS_KIND_MAX; i++) {
        if (args->graphics[i] &&
            !set_nonblocking(SVIRT_MONITOR_FD_GRAPHICS(i))) {
            return false;
        }
    }
    svirt_link_init(&monitor->link, SVIRT_MONITOR_FD_KEEPER, now_ns);
    svirt_log_init(&monitor->log, SVIRT_MONITOR_FD_LOG,
                   SVIRT_MONITOR_FD_LOG_FILE, SVIRT_MONITOR_FD_LOG_ROTATED,
                   args->log_limit_bytes, args->log_rate_bytes_per_s, now_ns);
    svirt_qmp_session_init(&monitor->session, &monitor->link, &start, now_ns);
    monitor->session.answer = svirt_server_answer;
    monitor->session.heard = svirt_server_heard;
    monitor->session.cookie = &monitor->server;
    monitor->session.given = svirt_graphics_given;
    monitor->session.given_cookie = &monitor->graphics;
    svirt_graphics_init(&monitor->graphics, &monitor->loop,
                        &monitor->session, args);
    monitor->server = (SvirtServer){
        .tainted = (begin->d & SVIRT_RUN_TAINTED) != 0,
        .loop = &monitor->loop,
        .link = &monitor->link,
        .session = &monitor->session,
        .serials = monitor->serials,
        .n_serials = monitor->n_serials,
    };
    svirt_server_init(&monitor->server, SVIRT_MONITOR_FD_CONTROL,
                      args->control_uid);
    return true;
}

static void
note_end(SvirtLog *log, int status)
{
    char words[SVIRT_END_WORDS];
    char text[SVIRT_END_WORDS + 32];

    svirt_message_end_words(status, words);
    (void)snprintf(text, sizeof(text), "the emulator ended with %s", words);
    svirt_log_note(log, text);
}

/* The VMM is gone: its last words are in the pipe, and nothing else comes. */
static void
finish(Monitor *monitor, int64_t status, int64_t now_ns)
{
    SvirtMessage message = { .type = SVIRT_MESSAGE_STDERR_TAIL };
    char block[SVIRT_SERIAL_BLOCK];

    svirt_log_drain(&monitor->log, &monitor->loop, now_ns);
    svirt_log_tail(&monitor->log, message.text, sizeof(message.text));
    if (status > 0 && status <= INT_MAX) {
        note_end(&monitor->log, (int)status);
    }
    for (unsigned i = 0; i < monitor->n_serials; i++) {
        size_t got;

        while ((got = svirt_serial_read(&monitor->serials[i], &monitor->loop,
                                        now_ns, block)) > 0) {
            svirt_server_console(&monitor->server, i, block, got);
        }
    }
    (void)svirt_server_update(&monitor->server, now_ns);
    if (monitor->link.watch.fd >= 0) {
        /* The keeper waits for it, but not long, and can do without. */
        (void)svirt_message_send(monitor->link.watch.fd, &message);
    }
    monitor->ends = true;
}

static void
hear_keeper(Monitor *monitor, int64_t now_ns)
{
    SvirtMessage message;

    if (!svirt_link_read(&monitor->link, &monitor->loop, &message)) {
        return;
    }
    switch ((SvirtMessageType)message.type) {
    case SVIRT_MESSAGE_CONTINUE:
        svirt_qmp_session_continue(&monitor->session, now_ns);
        break;
    case SVIRT_MESSAGE_VMM_GONE:
        finish(monitor, message.a, now_ns);
        break;
    default:
        /* Not for this direction: this is not the keeper any more. */
        svirt_watch_close(&monitor->loop, &monitor->link.watch);
        break;
    }
}

static void
read_serial(Monitor *monitor, unsigned index, int64_t now_ns)
{
    char block[SVIRT_SERIAL_BLOCK];
    size_t got = svirt_serial_read(&monitor->serials[index], &monitor->loop,
                                   now_ns, block);

    if (got > 0) {
        svirt_server_console(&monitor->server, index, block, got);
    }
}

static void
dispatch(Monitor *monitor, const SvirtReady *ready, int64_t now_ns)
{
    bool in = (ready->events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0;

    switch (ready->kind) {
    case SVIRT_WATCH_KEEPER:
        hear_keeper(monitor, now_ns);
        break;
    case SVIRT_WATCH_QMP:
        if (in) {
            svirt_qmp_session_read(&monitor->session, &monitor->loop, now_ns);
        }
        break;
    case SVIRT_WATCH_LISTENER:
        svirt_server_accept(&monitor->server, now_ns);
        break;
    case SVIRT_WATCH_CLIENT:
        svirt_server_client_ready(&monitor->server, ready, now_ns);
        break;
    case SVIRT_WATCH_LOG:
        svirt_log_read(&monitor->log, &monitor->loop, now_ns);
        break;
    case SVIRT_WATCH_SERIAL:
        if (in) {
            read_serial(monitor, ready->index, now_ns);
        }
        break;
    case SVIRT_WATCH_SERIAL_SINK:
        if (in) {
            svirt_serial_sink_ready(&monitor->serials[ready->index],
                                    &monitor->loop);
        }
        break;
    case SVIRT_WATCH_SERIAL_PEER:
        if (in) {
            svirt_serial_peer_ready(&monitor->serials[ready->index],
                                    &monitor->loop);
        }
        break;
    case SVIRT_WATCH_GRAPHICS:
        svirt_graphics_accept(&monitor->graphics, ready->index, now_ns);
        break;
    case SVIRT_WATCH_GRAPHICS_CLIENT:
    case SVIRT_WATCH_GRAPHICS_VMM:
        svirt_graphics_ready(&monitor->graphics, ready);
        break;
    case SVIRT_WATCH_KIND_MAX:
        break;
    }
}

static int64_t
earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* What waits is tried, the kernel told what to watch; the next deadline. */
static int64_t
update(Monitor *monitor, int64_t now_ns)
{
    int64_t wake_ns;

    /* The session first: its answers become the clients' output. */
    wake_ns = svirt_qmp_session_update(&monitor->session, &monitor->loop,
                                       now_ns);
    for (unsigned i = 0; i < monitor->n_serials; i++) {
        wake_ns = earlier(wake_ns, svirt_serial_update(&monitor->serials[i],
                                                       &monitor->loop,
                                                       now_ns));
    }
    wake_ns = earlier(wake_ns, svirt_server_update(&monitor->server, now_ns));
    wake_ns = earlier(wake_ns, svirt_graphics_update(&monitor->graphics,
                                                     now_ns));
    wake_ns = earlier(wake_ns, svirt_log_update(&monitor->log, &monitor->loop,
                                                now_ns));
    return earlier(wake_ns, svirt_link_update(&monitor->link, &monitor->loop,
                                              now_ns));
}

int
svirt_monitor_run(const SvirtMonitorArgs *args, const SvirtConfined *confined)
{
    Monitor monitor = { .ends = false };
    SvirtReady ready[SVIRT_LOOP_BATCH];
    SvirtMessage begin;

    if (!svirt_message_receive(SVIRT_MONITOR_FD_KEEPER, BEGIN_TIMEOUT_MS,
                               &begin) ||
        begin.type != SVIRT_MESSAGE_BEGIN || begin.b < 0 ||
        begin.b >= SVIRT_GUEST_STATE_MAX || begin.c < 0 ||
        begin.c >= SVIRT_REASON_MAX || !init(&monitor, args, &begin)) {
        return 2;
    }
    begin = (SvirtMessage){
        .type = SVIRT_MESSAGE_CONFINED,
        .a = confined->missing_layers,
        .b = confined->landlock_abi,
    };
    svirt_link_tell(&monitor.link, SVIRT_FACT_CONFINED, &begin);
    while (!monitor.ends) {
        int64_t now_ns = svirt_loop_now_ns();
        int64_t deadline_ns = update(&monitor, now_ns);
        int count;

        /* Nobody left to serve: VMM and keeper ended without a word. */
        if (monitor.link.watch.fd < 0 && monitor.session.closed &&
            monitor.session.watch.fd < 0) {
            finish(&monitor, -1, now_ns);
            break;
        }
        count = svirt_loop_wait(&monitor.loop, now_ns, deadline_ns, ready);
        if (count < 0 || monitor.loop.failed) {
            return 3;
        }
        now_ns = svirt_loop_now_ns();
        for (int i = 0; i < count && !monitor.ends; i++) {
            dispatch(&monitor, &ready[i], now_ns);
        }
    }
    return 0;
}
