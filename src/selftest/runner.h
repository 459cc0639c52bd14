/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "selftest/targets.h"

/*
 * How a probe is started. The control's runner is here; the confined one
 * goes through the launch of a real VM, with the probe as its VMM.
 */
typedef struct SvirtSelftestRun {
    const char *const *arguments; /* after argv[0], NULL-terminated */
    const SvirtSelftestDescriptor *fds;
    size_t fd_count;
} SvirtSelftestRun;

typedef struct SvirtSelftestRunner {
    /*
     * Starts svirt-probe with these arguments and descriptors (borrowed until
     * it returns) and gives its pid as the host numbers it. Any error.
     */
    bool (*start)(void *data, const SvirtSelftestRun *run, pid_t *ret_pid,
                  GError **error);
    /*
     * After the probe closed its pipe, or with `kill` at once: ends what
     * start began and gives the wait status. Called once per start.
     */
    bool (*finish)(void *data, pid_t pid, bool kill, int *ret_status,
                   GError **error);
    void *data;
} SvirtSelftestRunner;

/* Runs `program` as a child, without any confinement; borrowed. */
void svirt_selftest_runner_plain(const char *program,
                                 SvirtSelftestRunner *ret);
