/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hypervisor/manager.h"

typedef struct SvirtStartOptions {
    bool paused;  /* the guest's CPUs stay stopped */
    bool reset_nvram; /* the firmware's variables begin anew */
    bool dry_run; /* plan and command line only; nothing is run */
    bool transient;  /* undefined at its end, by its keeper */
    bool foreground; /* svirt run: never in a unit of systemd's */
} SvirtStartOptions;

typedef struct SvirtStartReport {
    uint32_t id;         /* of the running VM; 0 for a dry run */
    char **pty_paths;    /* owned, "serial0=/dev/pts/3"; NULL: none */
    char *plan;          /* owned; dry run: what would be labelled, as text */
    char *plan_json;     /* owned; the same as JSON */
    char **argv;         /* owned; dry run: the emulator's command line */
    GPtrArray *waivers;  /* owned texts: every waiver made use of */
    GPtrArray *warnings; /* owned, GError *: what images make one doubt */
} SvirtStartReport;

void svirt_start_report_clear(SvirtStartReport *report);

/*
 * Starts a VM: opens, plans, labels, launches, reads back, and only then lets
 * the guest run. Whatever fails undoes everything that was done for this run.
 * STATE: it runs already; BUSY: it is being started, or a disk is in use (the
 * holder is named); LAUNCH: a launch step failed (named) or the VMM ended (its
 * last words); UNVERIFIED: it was not confined as planned and was stopped;
 * TIMEOUT: the VMM did not answer.
 */
bool svirt_start(SvirtManager *manager, const SvirtDefinition *definition,
                 const SvirtStartOptions *options, SvirtStartReport *ret,
                 GError **error);

/*
 * The same in two halves, for who starts many: while one VMM loads, the next
 * definition is judged. _begin ends when the keeper has all it needs; _finish
 * waits, reads back and commits. `definition` is borrowed until then. Freed
 * before its commit, the start is undone.
 */
typedef struct SvirtStarting SvirtStarting;
bool svirt_start_begin(SvirtManager *manager,
                       const SvirtDefinition *definition,
                       const SvirtStartOptions *options, SvirtStarting **ret,
                       GError **error);
bool svirt_start_finish(SvirtStarting *starting, SvirtStartReport *ret,
                        GError **error);
void svirt_starting_free(SvirtStarting *starting);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SvirtStarting, svirt_starting_free)
