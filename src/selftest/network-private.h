/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "selftest/network.h"

struct SvirtSelftestNetwork {
    GThread *thread; /* owned; in the namespace, answers datagrams */
    GMutex mutex;
    GCond changed;
    bool ready; /* `error` is set */
    int error;  /* errno, 0 for none */
    int port;
    /* fds, -1 unset; the array is for closing them all. */
    union {
        struct {
            int namespace_fd;
            int uplink_fd;
            int tcp_fd;
            int udp_fd;
            int stop_fds[2];
        };
        int fds[6];
    };
};
