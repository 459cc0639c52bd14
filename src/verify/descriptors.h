/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

#include "launch/spec.h"

/*
 * Is every open descriptor of the process known: one that the spec gave it
 * under that number, one of the kernel's nameless kinds a program makes for
 * itself (eventfd, epoll, signalfd, timerfd, memfd, a socket pair), or one of
 * its private /dev or /usr? `keeper_dir` and `monitor_dir` are -1 where there
 * is no such process. *ret_count is how many there are. False:
 * *ret_strange (owned by the caller) names the first that is not. proc(5),
 * /proc/PID/fd.
 */
bool svirt_verify_descriptors(int process_dir, int keeper_dir,
                              int monitor_dir, SvirtProcess process,
                              const SvirtLaunchSpec *spec,
                              unsigned *ret_count, char **ret_strange);
