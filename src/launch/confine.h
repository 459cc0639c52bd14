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
 * First act of svirt-monitor's main. Its launch (child.h) gave it a root of
 * its own with three files, namespaces, its user, no capability and
 * no_new_privs; what is left to do once the loader has read those files:
 * Landlock with no rule at all, the monitor filter (the calls listed in
 * filter-rules.c under "monitor": no open, no socket, no exec, no PROT_EXEC),
 * no dump of its memory. Descriptors stay as they are.
 *
 * Must run while the process has one thread. What the monitor needs from libc
 * that opens files (locale, time zone, iconv) has to happen before or never.
 *
 * False: *ret_failure names the step, EPERM for SVIRT_STEP_IDENTITY: still
 * root or may gain what it has not; the process must exit without doing
 * anything else.
 */
bool svirt_confine_self_monitor(SvirtConfined *ret,
                                SvirtLaunchFailure *ret_failure);
