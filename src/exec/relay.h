/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <sys/types.h>
#include <termios.h>

#include "base/error.h"

/*
 * The program's 0, 1 and 2, and its end. It gets no description of the
 * caller's but pipes and /dev/null: a terminal is one of its own, files and
 * sockets are pipes, and this process carries the bytes.
 *
 * Life cycle: _open, launch with fd[0..2], _wait, _close.
 */
#define SVIRT_RELAY_BYTES 65536

/* One direction: read when `used` is 0, written when it is not. */
typedef struct SvirtRelayChannel {
    int from; /* borrowed or in `owned`; -1: ended */
    int to;
    bool input; /* of the program: ends with it */
    bool keys;  /* from a terminal: what it types may be a signal */
    size_t used;
    size_t done;
    char *buffer; /* owned, SVIRT_RELAY_BYTES */
} SvirtRelayChannel;

typedef struct SvirtRelay {
    int fd[3];    /* owned until launched; the program's */
    int owned[4]; /* our ends, -1 unset: pipes, the pty's master last */
    SvirtRelayChannel channel[3];
    unsigned n_channels;
    bool raw;     /* the caller's terminal is to be set back */
    struct termios before;
    int signals;  /* fd: signalfd, -1 unset */
} SvirtRelay;

/* Blocks the signals that _wait hands on. SYSTEM. */
bool svirt_relay_open(SvirtRelay *ret, GError **error);
void svirt_relay_close(SvirtRelay *relay);
/* "/dev/pts/3" of the terminal made, "" for none. */
void svirt_relay_terminal(const SvirtRelay *relay, char ret[32]);

/*
 * Carries bytes and signals until the process ends. A signal that it neither
 * catches nor ignores kills it: it is process 1 of its pid namespace, which
 * the kernel would let live. *ret_status is what a shell calls its status: its
 * exit code, or 128 and the signal's number. SYSTEM.
 */
bool svirt_relay_wait(SvirtRelay *relay, pid_t pid, int pidfd,
                      int *ret_status, GError **error);
