/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "selftest/targets.h"

struct SvirtSelftestTargets {
    SvirtProbeTarget target;
    char private_directory[SVIRT_PROBE_PATH];
    int passt_outside_fd; /* borrowed, -1 none */
    int passt_inside_fd;
    /* fds, -1 unset; the array is for closing them all. */
    union {
        struct {
            int other_disk_fd;
            int disk_fd;
            int base_read_fd;
            int base_write_fd;
            int lock_fd;
            int memory_fd;
            int sealed_fd;
            int null_fd;
            int terminal_fd; /* slave of a pair of our own */
            int terminal_master_fd;
            int other_terminal_fd; /* slave of the pair named in `pty` */
            int other_master_fd;
            int pipe_fds[2];
            int stream_fds[2];
            int datagram_fds[2];
            int listen_fds[7];
        };
        int fds[25];
    };
};

/* Unix, abstract, TCP and UDP sockets somebody else listens on. */
bool svirt_selftest_sockets_make(SvirtSelftestTargets *targets,
                                 GError **error);
/* System V and POSIX IPC, a key, two terminals. */
bool svirt_selftest_ipc_make(SvirtSelftestTargets *targets, GError **error);
void svirt_selftest_ipc_remove(SvirtSelftestTargets *targets);
/* The host's disk and cgroup; left unset where there is none. */
void svirt_selftest_devices_find(SvirtSelftestTargets *targets);
