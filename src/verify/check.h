/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/model.h"
#include "verify/verify.h"

/* One process that is looked at. All borrowed. */
typedef struct SvirtVerifyCheck {
    GPtrArray *rows;
    SvirtProcess process;
    const SvirtRunStatus *status;
    int dir; /* /proc/PID */
    int keeper_dir; /* -1: it is gone */
} SvirtVerifyCheck;

/* The row, to be changed; `what` and `expected` are copied, `found` is taken
 * over. */
SvirtVerifyRow *svirt_verify_add_row(SvirtVerifyCheck *check,
                                     const char *what, bool ok,
                                     const char *expected, char *found);

/* Of every model the process was to have a label of: has each thread it, and
 * does the model enforce it? */
void svirt_verify_check_labels(SvirtVerifyCheck *check,
                               const SvirtLaunchSpec *spec);
/*
 * The keeper's: it has a domain of its own only where SELinux's module is
 * loaded; else it is what svirt was started as. Told, and never a failure.
 */
void svirt_verify_check_keeper(const SvirtVerifyCheck *of_vmm,
                               const SvirtLaunchSpec *spec);
/* In *ret_label, owned by the caller, what a process that svirt did not start
 * has; untouched when it cannot be read. */
void svirt_verify_foreign_label(SvirtVerifyCheck *check,
                                const SvirtModel *model, char **ret_label);
