/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "launch/failure.h"
#include "launch/spec.h"

/*
 * Starting one process of a VM. Used by the keeper (VMM, monitor, passt) and by
 * the selftest (its probe in place of the VMM). No GLib, no allocation in the
 * child.
 */
typedef struct SvirtLaunched {
    pid_t pid; /* in the caller's pid namespace; 0 unset */
    int pidfd; /* owned, CLOEXEC, -1 unset */
    /*
     * SVIRT_LAYER_* that are not in force: waived by the spec, or absent from
     * this kernel. For the monitor it is what the monitor will do without.
     */
    uint32_t missing_layers;
    int32_t landlock_abi; /* in force, after the spec's limit; 0 none */
    char words[SVIRT_LAUNCH_WORDS]; /* what the kernel lacks; "" nothing */
    /* Nanoseconds (bench): from clone to exec, and of it each step. */
    uint32_t total_ns;
    uint32_t step_ns[SVIRT_STEP_MAX];
} SvirtLaunched;

/* Start values for the two results: nothing owned. */
#define SVIRT_LAUNCHED_INIT { .pid = 0, .pidfd = -1 }

/*
 * Runs process `which` of `spec`: clone3 into `cgroup_fd` (a cgroup v2
 * directory, O_RDONLY or O_PATH) and the namespaces, the steps of the
 * SvirtStep order in the child, exec; returns when the exec happened (the
 * status socket closed), at most 30 s later.
 *
 * VMM, PASST: confined completely before exec. MONITOR: session, limits,
 * descriptors and exec only, in a pid namespace of its own and still as root:
 * the program's first act must be svirt_confine_self_monitor (confine.h).
 *
 * `cgroup_fd` -1: only with SVIRT_LAYER_CGROUP in spec->waived_layers, or for
 * the monitor. `spec` must come from svirt_spec_map. Descriptors named by it
 * (`source`) must be open in the caller; the caller's own stay as they are.
 *
 * False: *ret untouched, *ret_failure = {step, errno, words}; the child is
 * dead and reaped, nothing is left behind.
 */
bool svirt_launch_process(const SvirtLaunchSpec *spec, SvirtProcess which,
                          int cgroup_fd, SvirtLaunched *ret,
                          SvirtLaunchFailure *ret_failure);
