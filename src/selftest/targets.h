/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "selftest/labels.h"
#include "selftest/target.h"

#include <glib.h>

/*
 * Everything the attempts aim at: made before the runs, removed after them.
 * Needs root: some of it belongs to the host.
 */
typedef struct SvirtSelftestTargets SvirtSelftestTargets;

/* Paths of the real things; NULL: a stand-in is made. All borrowed. */
typedef struct SvirtSelftestPlaces {
    const char *state_file;
    const char *key_file;
    const char *run_directory;
} SvirtSelftestPlaces;

/* One descriptor of the probe: `fd` here (borrowed), `as` there. */
typedef struct SvirtSelftestDescriptor {
    int fd;
    int as;
} SvirtSelftestDescriptor;

#define SVIRT_SELFTEST_DESCRIPTORS 8u
/* Limits of the compartment that attempts go over. */
#define SVIRT_SELFTEST_FILE_BYTES (1 << 20)
#define SVIRT_SELFTEST_MEMORY_BYTES ((int64_t)128 << 20)
#define SVIRT_SELFTEST_TASKS 4096 /* RLIMIT_NPROC of a VMM */
#define SVIRT_SELFTEST_CGROUP_TASKS 256
/* The first number given to the probe's descriptors. */
#define SVIRT_SELFTEST_FIRST_FD 12

/*
 * `ret` is owned by the caller. Errors: SYSTEM. Nothing is left behind on
 * failure.
 */
bool svirt_selftest_targets_new(const SvirtSelftestPlaces *places,
                                SvirtSelftestTargets **ret, GError **error);
/* Removes all of it. NULL is fine. */
void svirt_selftest_targets_free(SvirtSelftestTargets *targets);

/*
 * The images get the labels that a start would give them: `own` those of the
 * VM that attacks, `other` those of the one attacked. Errors of the models.
 */
bool svirt_selftest_targets_label(SvirtSelftestTargets *targets,
                                  const SvirtSelftestLabels *own,
                                  const SvirtSelftestLabels *other,
                                  GError **error);

/*
 * Before each run: removes what attempts of the last one left, and replaces
 * what they may have changed. Errors: SYSTEM.
 */
bool svirt_selftest_targets_renew(SvirtSelftestTargets *targets,
                                  GError **error);

/* Another limit on threads than SVIRT_SELFTEST_TASKS. */
void svirt_selftest_targets_limit_tasks(SvirtSelftestTargets *targets,
                                        gint64 tasks);

/* Who stands for the other VM: its pid on the host and its secret. */
void svirt_selftest_targets_aim(SvirtSelftestTargets *targets, gint64 pid,
                                gint64 address);

/*
 * The guest's end of passt for the control and for the inside (borrowed; -1
 * none) and the port to aim at.
 */
void svirt_selftest_targets_passt(SvirtSelftestTargets *targets,
                                  int outside_fd, int inside_fd, int port);

/*
 * The target block and the descriptors of one run. The control gets what a
 * careless launcher would pass (target.h). Opens nothing new.
 */
void svirt_selftest_targets_describe(
    const SvirtSelftestTargets *targets, bool control, SvirtProbeTarget *ret,
    SvirtSelftestDescriptor ret_fds[SVIRT_SELFTEST_DESCRIPTORS],
    size_t *ret_count);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(SvirtSelftestTargets,
                              svirt_selftest_targets_free)
