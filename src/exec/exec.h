/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hypervisor/manager.h"
#include "launch/spec.h"

/* A file for the program: by its name, or with `number` as a descriptor. */
typedef struct SvirtExecFile {
    const char *path; /* borrowed */
    bool write;
    int number;       /* -1: by name */
} SvirtExecFile;

/* What `svirt exec` is told. All borrowed. */
typedef struct SvirtExecRequest {
    const char *name;       /* of the host it sees; NULL: made up */
    const char *const *argv; /* program and arguments, NULL-terminated */
    const GArray *files;    /* of SvirtExecFile */
    const GArray *ports;    /* of uint16_t: TCP ports it may connect to */
    bool passt;             /* a network, on descriptor 3 */
    bool kvm;
    bool locks;             /* it locks its files itself */
    uint64_t file_limit_bytes; /* no file may grow over it; 0: no limit */
    uint64_t memory_bytes;  /* of its cgroup; 0: no limit */
    bool dry_run;
} SvirtExecRequest;

/* The number of passt's end in the program. */
#define SVIRT_EXEC_NET_FD 3

typedef struct SvirtExecShown {
    char *path;      /* owned */
    const char *way; /* static */
    bool write;
} SvirtExecShown;

typedef struct SvirtExecReport {
    int status;            /* as a shell has it */
    bool no_program;       /* it failed for that: 127 in a shell */
    /* Of a dry run. */
    GPtrArray *files;      /* owned SvirtExecShown * */
    char *plan;            /* owned; what would be labelled */
    uint32_t missing_layers;
} SvirtExecReport;

void svirt_exec_report_clear(SvirtExecReport *report);

/*
 * Runs a program in a compartment made by the same steps as a VM's, with this
 * process's input and output, and waits for its end; everything that was
 * changed for it is given back before this returns. LAUNCH: a step failed;
 * NOT_FOUND: no such program, or file;
 * UNVERIFIED: it ran without a layer that was planned, and was ended; those of
 * svirt_share_open and of the models. *ret is set in a failure, too.
 */
bool svirt_exec(SvirtManager *manager, const SvirtExecRequest *request,
                SvirtExecReport *ret, GError **error);
