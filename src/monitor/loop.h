/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>

/*
 * The one epoll of the monitor. Who owns a descriptor says before every wait
 * what it wants to hear about; the kernel is told only of changes.
 */
typedef enum SvirtWatchKind {
    SVIRT_WATCH_KEEPER,
    SVIRT_WATCH_QMP,
    SVIRT_WATCH_LISTENER,
    SVIRT_WATCH_CLIENT,
    SVIRT_WATCH_LOG,
    SVIRT_WATCH_SERIAL,      /* the VMM's side */
    SVIRT_WATCH_SERIAL_SINK, /* pty master, connection or listening socket */
    SVIRT_WATCH_SERIAL_PEER, /* who connected to the listening socket */
    SVIRT_WATCH_GRAPHICS,    /* listening sockets */
    SVIRT_WATCH_GRAPHICS_CLIENT,
    SVIRT_WATCH_GRAPHICS_VMM,
    SVIRT_WATCH_KIND_MAX
} SvirtWatchKind;

typedef struct SvirtWatch {
    int fd; /* -1 unset; owned by whoever owns the watch */
    SvirtWatchKind kind;
    uint16_t index;
    uint16_t turn;    /* another user of the same slot has another turn */
    uint32_t events;  /* what the kernel was told, 0 nothing */
} SvirtWatch;

typedef struct SvirtLoop {
    int epoll_fd;   /* owned */
    bool failed;    /* the kernel refused a watch: no memory */
} SvirtLoop;

bool svirt_loop_init(SvirtLoop *loop);
void svirt_watch_init(SvirtWatch *watch, int fd, SvirtWatchKind kind,
                      unsigned index);
/* EPOLL* bits; 0 for silence, of errors and hang-ups too. */
void svirt_watch_set(SvirtLoop *loop, SvirtWatch *watch, uint32_t events);
/* Closes the descriptor; the next user of the slot gets another turn. */
void svirt_watch_close(SvirtLoop *loop, SvirtWatch *watch);

typedef struct SvirtReady {
    SvirtWatchKind kind;
    uint16_t index;
    uint16_t turn;
    uint32_t events;
} SvirtReady;

#define SVIRT_LOOP_BATCH 16

/*
 * The same for one of those the monitor was started with, which stays open: an
 * adopting keeper asks for it by its number, which nobody else may get.
 */
void svirt_watch_retire(SvirtLoop *loop, SvirtWatch *watch);

/* At most SVIRT_LOOP_BATCH; 0 when `deadline_ns` has come; -1 with errno. */
int svirt_loop_wait(SvirtLoop *loop, int64_t now_ns, int64_t deadline_ns,
                    SvirtReady ret[SVIRT_LOOP_BATCH]);
/* CLOCK_MONOTONIC. */
int64_t svirt_loop_now_ns(void);
