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
     * this kernel. The monitor, which has none waived, says itself which.
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
 * A process that is in its cgroup and its namespaces and waits there for its
 * spec: the kernel's slow half of a launch, done while somebody else still
 * decides what is to be launched.
 */
typedef struct SvirtWaiting {
    pid_t pid;     /* 0: there is none */
    int pidfd;     /* owned, CLOEXEC, -1 unset */
    int socket;    /* owned, CLOEXEC, -1 unset */
    uint64_t namespaces; /* CLONE_NEW*: it has them */
} SvirtWaiting;

#define SVIRT_WAITING_INIT { .pid = 0, .pidfd = -1, .socket = -1 }

/*
 * Makes a process that waits, for svirt_launch_waiting; it ends with the
 * caller, or when `socket` is closed. `cgroup_fd` as for svirt_launch_process.
 */
bool svirt_launch_wait(SvirtProcess which, int cgroup_fd, SvirtWaiting *ret,
                       SvirtLaunchFailure *ret_failure);
/* Ends it; nothing is left of it. Of one that is not there: nothing. */
void svirt_launch_wait_end(SvirtWaiting *waiting);

/*
 * As svirt_launch_process, by the process that waits, which is used up either
 * way. One whose namespaces are not what `spec` asks for is ended and another
 * one launched in its place. `spec_fd` is the memfd that `spec` maps,
 * whose sources are 6 or more (EBADF).
 */
bool svirt_launch_waiting(SvirtWaiting *waiting, const SvirtLaunchSpec *spec,
                          int spec_fd, SvirtProcess which, int cgroup_fd,
                          SvirtLaunched *ret,
                          SvirtLaunchFailure *ret_failure);

/*
 * Runs process `which` of `spec`: clone3 into `cgroup_fd` (a cgroup v2
 * directory, O_RDONLY or O_PATH) and the namespaces, the steps of the
 * SvirtStep order in the child, exec; returns when the exec happened (the
 * status socket closed), at most 30 s later.
 *
 * VMM, PASST: confined completely before exec. MONITOR: all but Landlock and
 * the filter, whatever the spec waives, in a root that has nothing but the
 * program and what the caller itself has loaded (libc, ld.so): the program's
 * first act must be svirt_confine_self_monitor (confine.h).
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
