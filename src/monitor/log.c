/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "monitor/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define BLOCK 4096u
/* A pipe holds 64 KiB, at most 1 MiB: draining ends even against a writer. */
#define DRAIN_BLOCKS (1024u * 1024 / BLOCK)

void
svirt_log_init(SvirtLog *log, int pipe_fd, int fd, int rotated_fd,
               uint64_t limit_bytes, uint64_t rate_bytes_per_s,
               int64_t now_ns)
{
    svirt_watch_init(&log->pipe, pipe_fd, SVIRT_WATCH_LOG, 0);
    svirt_bounded_file_init(&log->file, fd, rotated_fd, limit_bytes);
    /* Saved up: what a QEMU says when it dies of a bad command line. */
    svirt_rate_init(&log->written, rate_bytes_per_s,
                    rate_bytes_per_s > 65536 ? rate_bytes_per_s : 65536,
                    now_ns);
    svirt_rate_init(&log->read, SVIRT_LOG_READ_PER_S,
                    SVIRT_LOG_READ_PER_S / 8, now_ns);
    svirt_ring_init(&log->tail, SVIRT_LOG_TAIL);
}

static void
note_dropped(SvirtLog *log)
{
    char note[96];
    int length;

    if (log->dropped_bytes == 0) {
        return;
    }
    length = snprintf(note, sizeof(note), "\n[svirt: %llu bytes dropped]\n",
                      (unsigned long long)log->dropped_bytes);
    log->dropped_bytes = 0;
    svirt_rate_take(&log->written, (uint64_t)length);
    (void)svirt_bounded_file_write(&log->file, note, (size_t)length);
}

/* Once something was dropped, what follows is worth a note of its own. */
static bool
may_resume(SvirtLog *log, int64_t now_ns)
{
    return svirt_rate_available(&log->written, now_ns) >
           (uint64_t)log->written.burst / 10;
}

static void
keep(SvirtLog *log, const char *bytes, size_t length, int64_t now_ns)
{
    uint64_t allowed = svirt_rate_available(&log->written, now_ns);
    size_t put;

    svirt_ring_add(&log->tail, bytes, length);
    if (allowed == 0 || (log->dropped_bytes > 0 && !may_resume(log, now_ns))) {
        log->dropped_bytes += length;
        return;
    }
    note_dropped(log);
    put = svirt_bounded_file_write(&log->file, bytes,
                                   length < allowed ? length : allowed);
    svirt_rate_take(&log->written, put);
    log->dropped_bytes += length - put;
}

/* False: nothing more to read now. */
static bool
read_block(SvirtLog *log, SvirtLoop *loop, int64_t now_ns)
{
    char block[BLOCK];
    ssize_t got;

    if (log->pipe.fd < 0) {
        return false;
    }
    got = read(log->pipe.fd, block, sizeof(block));
    if (got > 0) {
        svirt_rate_take(&log->read, (uint64_t)got);
        keep(log, block, (size_t)got, now_ns);
        return true;
    }
    if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
        svirt_watch_retire(loop, &log->pipe);
    }
    return false;
}

void
svirt_log_read(SvirtLog *log, SvirtLoop *loop, int64_t now_ns)
{
    /* A few blocks a turn: others wait for theirs. */
    for (int i = 0; i < 8; i++) {
        if (svirt_rate_available(&log->read, now_ns) == 0) {
            log->paused_until_ns = svirt_rate_ready_ns(&log->read);
            return;
        }
        if (!read_block(log, loop, now_ns)) {
            return;
        }
    }
}

int64_t
svirt_log_update(SvirtLog *log, SvirtLoop *loop, int64_t now_ns)
{
    int64_t wake_ns = SVIRT_NEVER;

    if (log->paused_until_ns != 0 && log->paused_until_ns <= now_ns) {
        log->paused_until_ns = 0;
    }
    svirt_watch_set(loop, &log->pipe,
                    log->paused_until_ns == 0 ? EPOLLIN : 0);
    if (log->paused_until_ns != 0) {
        wake_ns = log->paused_until_ns;
    }
    if (log->dropped_bytes > 0) {
        /* The note must come even when nothing follows it. */
        if (may_resume(log, now_ns)) {
            note_dropped(log);
        } else if (svirt_rate_ready_ns(&log->written) < wake_ns) {
            wake_ns = svirt_rate_ready_ns(&log->written);
        }
    }
    return wake_ns;
}

void
svirt_log_drain(SvirtLog *log, SvirtLoop *loop, int64_t now_ns)
{
    for (unsigned i = 0; i < DRAIN_BLOCKS; i++) {
        if (!read_block(log, loop, now_ns)) {
            break;
        }
    }
    note_dropped(log);
}

void
svirt_log_note(SvirtLog *log, const char *text)
{
    char note[160];
    int length = snprintf(note, sizeof(note), "\n[svirt: %s]\n", text);

    if (length > 0 && (size_t)length < sizeof(note)) {
        (void)svirt_bounded_file_write(&log->file, note, (size_t)length);
    }
}

void
svirt_log_tail(const SvirtLog *log, char *ret, size_t size)
{
    size_t length = svirt_ring_copy_tail(&log->tail, ret, size - 1);
    bool cut = length < log->tail.used;
    char *newline;

    ret[length] = '\0';
    for (size_t i = 0; i < length; i++) {
        if ((ret[i] < ' ' && ret[i] != '\n') || ret[i] == 0x7f) {
            ret[i] = ret[i] == '\r' || ret[i] == '\t' ? ' ' : '?';
        }
    }
    /* Begin with a whole line, unless one line fills it all. */
    newline = cut ? memchr(ret, '\n', length) : NULL;
    if (newline != NULL && newline[1] != '\0') {
        memmove(ret, newline + 1, strlen(newline + 1) + 1);
    }
}
