/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>

#include "launch/failure.h"

/* Where a child that waits finds the memfd of its spec. */
#define SVIRT_CHILD_FD_SPEC 4

/* What the child says on the status socket (SOCK_SEQPACKET): one packet. */
typedef struct SvirtChildReport {
    uint32_t armed; /* 1: about to exec, nothing failed; 0: failure is set */
    uint32_t missing_layers;
    int32_t landlock_abi;
    char words[SVIRT_LAUNCH_WORDS];
    uint32_t step_ns[SVIRT_STEP_MAX];
    SvirtLaunchFailure failure;
} SvirtChildReport;

/*
 * `fd` (-1 none) travels with the report. False with errno. Receive: 1 got a
 * report (*ret_fd owned, -1 none), 0 end of file, -1 with errno.
 */
bool svirt_child_report_send(int socket, const SvirtChildReport *report,
                             int fd);
int svirt_child_report_receive(int socket, int timeout_ms,
                               SvirtChildReport *ret, int *ret_fd);

/*
 * Both run in the child of a launch; _wait gets spec and descriptors from
 * `status_fd` first, by svirt_hand_over_send with the spec's memfd at
 * SVIRT_CHILD_FD_SPEC, and ends quietly when nothing comes.
 *
 * Runs in the child of svirt_launch_process, which shares no memory with the
 * caller but may be a copy of one of several threads: no allocation, no lock,
 * no libc function that changes every thread. Does not return.
 */
void svirt_child_wait(SvirtProcess which, int cgroup_fd, int status_fd)
    __attribute__((noreturn));
void svirt_child_run(const SvirtLaunchSpec *spec, SvirtProcess which,
                     int cgroup_fd, int status_fd) __attribute__((noreturn));
