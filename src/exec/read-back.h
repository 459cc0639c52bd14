/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "launch/child.h"

/* What svirt exec started, as far as it can be looked at. All borrowed. */
typedef struct SvirtExecProcesses {
    const SvirtLaunched *program;
    const SvirtLaunched *passt; /* NULL: none */
    int vmm_cgroup_fd;          /* -1: it has none */
    int helper_cgroup_fd;
} SvirtExecProcesses;

/*
 * Program and passt as the kernel shows them now against `spec`: uid,
 * capabilities, no_new_privs, filter, label, namespaces, cgroup. What the
 * program has opened since is its own matter. UNVERIFIED, naming the first
 * difference: the caller ends it. One that was just ending by itself looks
 * like that, too.
 */
bool svirt_exec_read_back(const SvirtExecProcesses *processes,
                          const SvirtLaunchSpec *spec, const char *shown,
                          GError **error);
/* Is that row of svirt_verify_run's a reason not to let a program run? */
struct SvirtVerifyRow;
bool svirt_exec_row_matters(const struct SvirtVerifyRow *row, bool connects);
