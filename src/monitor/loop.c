/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "monitor/loop.h"

#include <errno.h>
#include <limits.h>
#include <time.h>
#include <unistd.h>

#include "monitor/rate.h"

bool
svirt_loop_init(SvirtLoop *loop)
{
    *loop = (SvirtLoop){ .epoll_fd = epoll_create1(EPOLL_CLOEXEC) };
    return loop->epoll_fd >= 0;
}

void
svirt_watch_init(SvirtWatch *watch, int fd, SvirtWatchKind kind,
                 unsigned index)
{
    *watch = (SvirtWatch){
        .fd = fd,
        .kind = kind,
        .index = (uint16_t)index,
        .turn = (uint16_t)(watch->turn + 1),
    };
}

void
svirt_watch_set(SvirtLoop *loop, SvirtWatch *watch, uint32_t events)
{
    struct epoll_event event = {
        .events = events,
        .data.u64 = (uint64_t)watch->kind << 32 |
                    (uint64_t)watch->turn << 16 | watch->index,
    };
    int operation = watch->events == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;

    if (watch->fd < 0 || watch->events == events) {
        return;
    }
    /* Level-triggered hang-ups cannot be masked, only taken out. */
    if (events == 0) {
        operation = EPOLL_CTL_DEL;
    }
    if (epoll_ctl(loop->epoll_fd, operation, watch->fd, &event) < 0) {
        loop->failed = true;
        return;
    }
    watch->events = events;
}

void
svirt_watch_close(SvirtLoop *loop, SvirtWatch *watch)
{
    if (watch->fd < 0) {
        return;
    }
    /* The keeper has a copy of most: closing alone would not take it out. */
    svirt_watch_set(loop, watch, 0);
    (void)close(watch->fd);
    watch->fd = -1;
}

void
svirt_watch_retire(SvirtLoop *loop, SvirtWatch *watch)
{
    svirt_watch_set(loop, watch, 0);
    watch->fd = -1;
}

int
svirt_loop_wait(SvirtLoop *loop, int64_t now_ns, int64_t deadline_ns,
                SvirtReady ret[SVIRT_LOOP_BATCH])
{
    struct epoll_event events[SVIRT_LOOP_BATCH];
    int timeout_ms = -1;
    int count;

    if (deadline_ns <= now_ns) {
        timeout_ms = 0;
    } else if (deadline_ns != SVIRT_NEVER) {
        int64_t wait_ms = (deadline_ns - now_ns) / 1000000 + 1;

        timeout_ms = wait_ms > INT_MAX ? INT_MAX : (int)wait_ms;
    }
    count = epoll_wait(loop->epoll_fd, events, SVIRT_LOOP_BATCH, timeout_ms);
    if (count < 0) {
        return errno == EINTR ? 0 : -1;
    }
    for (int i = 0; i < count; i++) {
        ret[i] = (SvirtReady){
            .kind = (SvirtWatchKind)(events[i].data.u64 >> 32),
            .index = (uint16_t)events[i].data.u64,
            .turn = (uint16_t)(events[i].data.u64 >> 16),
            .events = events[i].events,
        };
    }
    return count;
}

int64_t
svirt_loop_now_ns(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now); /* this clock never fails */
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}
