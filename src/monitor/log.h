/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "monitor/bounded-file.h"
#include "monitor/loop.h"
#include "monitor/rate.h"
#include "monitor/ring.h"

/*
 * What the VMM writes to its 1 and 2: a pipe that is read here, bounded in
 * rate and size. More than the rate is dropped, and the log says how much; more
 * than what is worth reading is left in the pipe, so that a flood costs its
 * author, not the host.
 */
#define SVIRT_LOG_READ_PER_S (8u * 1024 * 1024)
#define SVIRT_LOG_TAIL 2048

typedef struct SvirtLog {
    SvirtWatch pipe;
    SvirtBoundedFile file;
    SvirtRate written;
    SvirtRate read;
    SvirtRing tail;
    uint64_t dropped_bytes;
    int64_t paused_until_ns; /* 0 not paused */
} SvirtLog;

void svirt_log_init(SvirtLog *log, int pipe_fd, int fd, int rotated_fd,
                    uint64_t limit_bytes, uint64_t rate_bytes_per_s,
                    int64_t now_ns);
/* The pipe can be read. */
void svirt_log_read(SvirtLog *log, SvirtLoop *loop, int64_t now_ns);
/* Sets the watch; when it wants to be called again. */
int64_t svirt_log_update(SvirtLog *log, SvirtLoop *loop, int64_t now_ns);
/* The VMM is gone: everything that is in the pipe, whatever the rate. */
void svirt_log_drain(SvirtLog *log, SvirtLoop *loop, int64_t now_ns);
/* A line of svirt's own, for the file alone. */
void svirt_log_note(SvirtLog *log, const char *text);
/* The last whole lines that fit, printable, NUL-terminated. */
void svirt_log_tail(const SvirtLog *log, char *ret, size_t size);
