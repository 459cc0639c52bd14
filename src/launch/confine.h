/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "launch/failure.h"
#include "launch/spec.h"

/* What is in force after svirt_confine_self_monitor. */
typedef struct SvirtConfined {
    uint32_t missing_layers; /* SVIRT_LAYER_*: the kernel has none */
    int32_t landlock_abi;    /* in force; 0 none */
} SvirtConfined;

/*
 * First act of svirt-monitor's main, before any argument but the ids is
 * looked at: an empty read-only root, net, ipc, uts and mount namespaces of
 * its own (the pid namespace came with the clone), the user and group `ids`,
 * no capabilities, no_new_privs, Landlock with no rule at all, and the monitor
 * filter (the calls listed in filter-rules.c under "monitor": no open, no
 * socket, no exec, no PROT_EXEC). Descriptors stay as they are.
 *
 * Must run while the process has one thread. What the monitor needs from libc
 * that opens files (locale, time zone, iconv) has to happen before or never.
 *
 * Not root (session use, tests): what needs root is left out and named in
 * missing_layers; ids must then be the caller's own.
 *
 * False: *ret_failure names the step; the process is half confined and must
 * exit without doing anything else.
 */
bool svirt_confine_self_monitor(const SvirtSpecIds *ids, SvirtConfined *ret,
                                SvirtLaunchFailure *ret_failure);
