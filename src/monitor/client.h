/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "keeper/message.h"
#include "monitor/control.h"

/*
 * The commands' side of the control socket. No GLib. Every reply is bounded
 * and checked here: the monitor may be owned by its VM.
 *
 * All return false with errno: ETIMEDOUT, EPROTO (a bad frame), ECONNRESET
 * (the monitor is gone; the VM may be too), EREMOTEIO (the monitor says no:
 * `why` has its words, printable and NUL-terminated). `timeout_ms` -1 waits
 * for ever. After ETIMEDOUT or EPROTO the connection is of no further use.
 */
#define SVIRT_CONTROL_WHY 256

/*
 * Connects to <run_dir_fd>/control by way of /proc/self/fd, so the length of
 * the path never matters. The descriptor (CLOEXEC), -1 with errno: ENOENT or
 * ECONNREFUSED: nobody listens; ETIMEDOUT: nobody accepted for 10 s, with
 * others waiting as well. Between two monitors a connection waits.
 */
int svirt_control_connect(int run_dir_fd);

/*
 * One QMP command as JSON text without an id; QEMU's whole answer, an object
 * with "return" or "error", as a NUL-terminated text the caller frees.
 * Descriptors (at most SVIRT_CONTROL_MAX_REQUEST_FDS) go to QEMU with it.
 * `taint` is for commands of the user's own: the VM is marked.
 */
bool svirt_control_qmp(int fd, const char *json, const int *fds, size_t n_fds,
                       bool taint, int timeout_ms, char **ret_reply,
                       char why[SVIRT_CONTROL_WHY]);
bool svirt_control_state(int fd, int timeout_ms, SvirtControlState *ret,
                         char why[SVIRT_CONTROL_WHY]);
/*
 * Returns when the guest is in `wanted`. For SVIRT_GUEST_SHUT_OFF the end of
 * the connection is the answer too (the monitor ends with its VMM).
 */
bool svirt_control_wait_state(int fd, SvirtGuestState wanted, int timeout_ms,
                              SvirtControlState *ret,
                              char why[SVIRT_CONTROL_WHY]);
/* From success on the monitor tells every event of QEMU's, in frames. */
bool svirt_control_events(int fd, int timeout_ms,
                          char why[SVIRT_CONTROL_WHY]);
/*
 * The next one, {"event": ..., "data": ...}, as a text the caller frees; not
 * checked: it is the VMM's. ECONNRESET: the VM has ended.
 */
bool svirt_control_next_event(int fd, int timeout_ms, char **ret);
/*
 * From success on `fd` is the raw console of that serial, first what it said
 * last (at most 16 KiB). `force` ends another client's session.
 */
bool svirt_control_console(int fd, uint32_t serial, bool force,
                           int timeout_ms, char why[SVIRT_CONTROL_WHY]);
