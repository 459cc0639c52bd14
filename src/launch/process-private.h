/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "launch/child.h"

/* What a launch in one go and one in two halves have in common. */

/* CLONE_NEW* of process `which`, with these layers waived; SVIRT_EXEC_*. */
uint64_t svirt_process_namespaces(uint32_t waived_layers, uint32_t exec,
                                  SvirtProcess which);

/*
 * Kernels before 5.7 refuse CLONE_INTO_CGROUP, and a container's filter may:
 * then the child enters on its own, *ret_enter is set. The pid, 0 in the
 * child, -1.
 */
pid_t svirt_process_clone(uint64_t namespaces, int cgroup_fd, int *ret_pidfd,
                          bool *ret_enter);

/* SIGKILL, and its end awaited; *ret_info as waitid(2) gives it. */
void svirt_process_kill(int pidfd, siginfo_t *ret_info);

bool svirt_process_check(const SvirtLaunchSpec *spec, SvirtProcess which,
                         int cgroup_fd, SvirtLaunchFailure *ret_failure);

int64_t svirt_process_now_ns(void);

/*
 * The child was let go at `before_ns`: its exec, or why there was none. Owns
 * `launched` (pid and pidfd set) and `status_fd` from here on.
 */
bool svirt_process_await(SvirtLaunched *launched, int status_fd,
                         int cgroup_fd, int64_t before_ns, SvirtLaunched *ret,
                         SvirtLaunchFailure *ret_failure);
