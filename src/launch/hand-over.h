/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/*
 * Descriptors given to a process that already runs, each with the number it is
 * to have there: what `svirt start` gives the keeper it has started early, and
 * the keeper the process that waits in the VMM's namespaces. Packets of a
 * SOCK_SEQPACKET pair with SCM_RIGHTS, unix(7). No GLib, no allocation.
 */
typedef struct SvirtNumberedFd {
    int fd;     /* borrowed; in the sender */
    int number; /* in the receiver */
} SvirtNumberedFd;

/* What a packet is; the receiver knows which ones it waits for. */
typedef enum SvirtHandOver {
    SVIRT_HAND_OVER_CGROUP = 1, /* one descriptor: the VMM's cgroup */
    SVIRT_HAND_OVER_PART,       /* more follow */
    SVIRT_HAND_OVER_ALL,        /* nothing follows */
    SVIRT_HAND_OVER_MAX
} SvirtHandOver;

/*
 * Sends all of them; as many packets of kind PART as it takes come before the
 * last one, which is of `kind`. False with errno: EINVAL a number below 3 or
 * above the largest of a launch spec; those of sendmsg(2).
 */
bool svirt_hand_over_send(int socket, SvirtHandOver kind,
                          const SvirtNumberedFd *fds, size_t n_fds);

/*
 * Takes one packet and puts each descriptor at its number, CLOEXEC, over
 * whatever was open there; `socket` itself is no number. False with errno: 0
 * at end of file, ETIMEDOUT, EPROTO for anything that is no such packet. What
 * came with a packet that is refused is closed.
 */
bool svirt_hand_over_receive(int socket, int timeout_ms,
                             SvirtHandOver *ret_kind);
