/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "keeper/status.h"
#include "launch/spec.h"

/*
 * Nothing is believed until it is read back: what the kernel says of a running
 * VM's processes, thread by thread and descriptor by descriptor, against what
 * was planned. Reads /proc alone; changes nothing.
 */
typedef struct SvirtVerifyRow {
    char *what; /* owned: "uid", "seccomp", "label selinux" */
    SvirtProcess process; /* SVIRT_PROCESS_MAX: the keeper */
    bool ok;
    /* Of the host, not of this VM's launch: a permissive policy is reported,
     * and no reason to stop a VM. */
    bool of_host;
    /* Of a VM that somebody else started, of the keeper, of a model's gap:
     * told, and never a failure. */
    bool advice;
    char *expected; /* owned */
    char *found;    /* owned */
} SvirtVerifyRow;

/* "emulator", "monitor", "passt", "passt2" and so on; "keeper". */
const char *svirt_verify_process_word(SvirtProcess process);

void svirt_verify_row_free(SvirtVerifyRow *row);

/*
 * One row per check of VMM, monitor and passt, and a failed one for each that
 * is gone, the keeper too.
 * `spec` (borrowed) makes the check of descriptors exact; NULL: by kind only.
 * *ret_rows: SvirtVerifyRow *, owned by the caller. STATE: the VMM is gone.
 */
bool svirt_verify_run(const SvirtRunStatus *status,
                      const SvirtLaunchSpec *spec, GPtrArray **ret_rows,
                      GError **error);

/* Advice does not count. */
bool svirt_verify_rows_ok(const GPtrArray *rows);

/*
 * A process that svirt did not start, by what it ought to have were it ours:
 * uid, capabilities, no_new_privs, seccomp, namespaces, and in `labels`
 * (SVIRT_MODEL_MAX entries, owned by the caller) its label under every model
 * that runs. All rows are advice, but threads with different labels and a
 * label on which the model does not enforce. STATE: it is gone.
 */
bool svirt_verify_foreign(pid_t pid, GPtrArray **ret_rows, char **labels,
                          GError **error);

/* One VM of many. */
typedef struct SvirtVerifyJob SvirtVerifyJob;
struct SvirtVerifyJob {
    const SvirtRunStatus *status;  /* borrowed */
    /* The spec in `room`, which one job after the other has; called by any
     * thread, at the same time as others'. */
    bool (*read_spec)(SvirtVerifyJob *job, GByteArray *room,
                      const SvirtLaunchSpec **ret, GError **error);
    void *data;                    /* borrowed; of read_spec */
    GPtrArray *rows;               /* the result, owned; NULL: error */
    GError *error;                 /* owned */
};

/* svirt_verify_run for each, on as many CPUs as there are. */
void svirt_verify_jobs(SvirtVerifyJob *jobs, size_t count);

/* For start: UNVERIFIED, naming the first row that is not as planned. */
bool svirt_verify_started(const SvirtRunStatus *status,
                          const SvirtLaunchSpec *spec, GError **error);
