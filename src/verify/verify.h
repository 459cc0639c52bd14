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
    SvirtProcess process;
    bool ok;
    /* Of the host, not of this VM's launch: a permissive policy is reported,
     * and no reason to stop a VM. */
    bool of_host;
    char *expected; /* owned */
    char *found;    /* owned */
} SvirtVerifyRow;

/* "emulator", "monitor", "passt", "passt2" and so on. */
const char *svirt_verify_process_word(SvirtProcess process);

void svirt_verify_row_free(SvirtVerifyRow *row);

/*
 * One row per check of VMM, monitor and passt, as far as they are there.
 * `spec` (borrowed) makes the check of descriptors exact; NULL: by kind only.
 * *ret_rows: SvirtVerifyRow *, owned by the caller. STATE: the VMM is gone.
 */
bool svirt_verify_run(const SvirtRunStatus *status,
                      const SvirtLaunchSpec *spec, GPtrArray **ret_rows,
                      GError **error);

bool svirt_verify_rows_ok(const GPtrArray *rows);

/* For start: UNVERIFIED, naming the first row that is not as planned. */
bool svirt_verify_started(const SvirtRunStatus *status,
                          const SvirtLaunchSpec *spec, GError **error);
