/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "compartment/refusal.h"
#include "exec/exec.h"
#include "exec/share.h"
#include "exec/slot.h"

/* One `svirt exec` from its request to its end. */
typedef struct SvirtExecRun {
    SvirtManager *manager;           /* borrowed */
    const SvirtExecRequest *request; /* borrowed */
    SvirtExecSlot slot;              /* owned, as all below */
    SvirtDefinition *definition;     /* of the slot: nobody defined it */
    SvirtCompartment *compartment;
    SvirtRefusalFacts *facts;        /* NULL: no file is named */
    GPtrArray *shares;               /* SvirtShare * */
    SvirtRelabelPlan *plan;
    char *program;                   /* absolute */
    int64_t now_s;
    uint32_t lacking_layers;         /* SVIRT_LAYER_*: a user's */
    bool alike;
    bool applied;                    /* something is to be given back */
    bool loaded;                     /* labels are in the kernel */
    bool no_program;
} SvirtExecRun;

void svirt_exec_run_clear(SvirtExecRun *run);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(SvirtExecRun, svirt_exec_run_clear)
