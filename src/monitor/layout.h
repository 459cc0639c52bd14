/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "launch/spec.h"

/*
 * What the monitor is given: fixed descriptor numbers and its arguments.
 * `svirt start` fills the launch spec accordingly; the keeper hands the same
 * descriptors to every monitor it starts.
 */
#define SVIRT_MONITOR_FD_KEEPER 3  /* SOCK_SEQPACKET, see keeper/layout.h */
#define SVIRT_MONITOR_FD_QMP 4     /* SVIRT_FD_QMP: stream socketpair; the
                                      number is in the filter as well */
#define SVIRT_MONITOR_FD_CONTROL 5 /* SVIRT_FD_CONTROL: listening stream */
#define SVIRT_MONITOR_FD_LOG 6     /* SVIRT_FD_LOG: read end of the pipe */
#define SVIRT_MONITOR_FD_LOG_FILE 7    /* SVIRT_FD_LOG_FILE 0: read-write */
#define SVIRT_MONITOR_FD_LOG_ROTATED 8 /* SVIRT_FD_LOG_FILE 1: read-write */

/* SVIRT_FD_GRAPHICS_LISTEN, by SvirtGraphicsKind: a listening stream socket. */
#define SVIRT_MONITOR_FD_GRAPHICS(kind) (9 + (kind))

typedef enum SvirtGraphicsKind {
    SVIRT_GRAPHICS_KIND_VNC,
    SVIRT_GRAPHICS_KIND_SPICE,
    SVIRT_GRAPHICS_KIND_MAX
} SvirtGraphicsKind;

#define SVIRT_MONITOR_MAX_SERIALS 16
/* SVIRT_FD_SERIAL i: the monitor's end of the chardev's stream socketpair. */
#define SVIRT_MONITOR_FD_SERIAL(i) (16 + 4 * (i))
/*
 * SVIRT_SERIAL_PTY: a pty master whose slave was made raw and is kept open by
 * somebody (the keeper: role SERIAL_FILE, to KEEPER).
 * SVIRT_SERIAL_FILE: a regular file, read-write, not O_APPEND.
 * SVIRT_SERIAL_UNIX: SVIRT_FD_SERIAL_LISTEN, a listening stream socket.
 * SVIRT_SERIAL_CONNECTED: SVIRT_FD_SERIAL_PEER, a connected stream socket.
 * SVIRT_SERIAL_CONSOLE: nothing there.
 */
#define SVIRT_MONITOR_FD_SERIAL_SINK(i) (16 + 4 * (i) + 1)
/* SVIRT_SERIAL_FILE with rotation: the second file; else nothing there. */
#define SVIRT_MONITOR_FD_SERIAL_ROTATED(i) (16 + 4 * (i) + 2)

/*
 * argv of svirt-monitor, all of it, in this order, as decimal numbers but for
 * the two names: PROGRAM NAME CONTROL_UID LOG_LIMIT LOG_RATE
 * READY_TIMEOUT_MS LINKS_DOWN BALLOON GRAPHICS SERIALS, where GRAPHICS is the
 * sum of 1 for VNC and 2 for SPICE, and SERIALS is a letter per
 * serial: c console, p pty, f file, r file with rotation, u unix, x
 * connected; "-" for none.
 */
typedef struct SvirtMonitorArgs {
    const char *name;      /* borrowed; for ps alone */
    uint32_t control_uid;  /* may connect besides 0; 0: nobody else */
    uint64_t log_limit_bytes; /* of each log and serial file */
    uint64_t log_rate_bytes_per_s;
    uint32_t ready_timeout_ms;
    uint32_t links_down;    /* interfaces (a bit each) whose link is down */
    uint64_t balloon_bytes; /* what a balloon leaves the guest; 0 all */
    bool graphics[SVIRT_GRAPHICS_KIND_MAX]; /* has a listening socket */
    uint32_t n_serials;
    SvirtSerialKind serial[SVIRT_MONITOR_MAX_SERIALS];
    bool rotated[SVIRT_MONITOR_MAX_SERIALS];
} SvirtMonitorArgs;

/*
 * Adds the monitor's argv (`program` first) and the channel's descriptor entry
 * to a spec. False with errno (E2BIG, EINVAL).
 */
bool svirt_monitor_layout_add(SvirtLaunchSpec **spec, const char *program,
                              const SvirtMonitorArgs *args);
/* Reads argv back. False: it is not of the form above; *ret untouched. */
bool svirt_monitor_args_parse(int argc, char **argv, SvirtMonitorArgs *ret);
