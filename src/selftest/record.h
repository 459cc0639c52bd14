/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/enum-table.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * What the probe says about each attempt: fixed-size records on one pipe,
 * each one write(2) below PIPE_BUF. A BEGIN goes before an attempt and an END
 * after it, so that a probe that is killed in between names the attempt that
 * killed it. No GLib: the probe is a static program.
 */

/* What stops an attempt. The order is that of `svirt selftest`'s columns. */
typedef enum SvirtProbeLayer {
    SVIRT_PROBE_LAYER_ROOT,       /* empty root: no name for the object */
    SVIRT_PROBE_LAYER_FILTER,     /* seccomp */
    SVIRT_PROBE_LAYER_LANDLOCK,
    SVIRT_PROBE_LAYER_DAC,        /* own uid and gid */
    SVIRT_PROBE_LAYER_NAMESPACE,  /* pid, ipc, net, uts */
    SVIRT_PROBE_LAYER_CGROUP,     /* limits, device filter */
    SVIRT_PROBE_LAYER_CAPABILITY, /* none held */
    SVIRT_PROBE_LAYER_RLIMIT,
    SVIRT_PROBE_LAYER_DESCRIPTOR, /* access mode or kind of what is passed */
    SVIRT_PROBE_LAYER_PASST,      /* --no-map-gw */
    SVIRT_PROBE_LAYER_MAX,
} SvirtProbeLayer;
SVIRT_ENUM_DECLARE(SvirtProbeLayer, svirt_probe_layer)

typedef enum SvirtProbePhase {
    SVIRT_PROBE_PHASE_BEGIN,
    SVIRT_PROBE_PHASE_END,
    SVIRT_PROBE_PHASE_FINISH, /* all attempts made; no row */
    SVIRT_PROBE_PHASE_MAX,
} SvirtProbePhase;
SVIRT_ENUM_DECLARE(SvirtProbePhase, svirt_probe_phase)

typedef enum SvirtProbeOutcome {
    SVIRT_PROBE_OUTCOME_DONE,    /* the attack reached its target */
    SVIRT_PROBE_OUTCOME_BLOCKED, /* `error` says with what */
    SVIRT_PROBE_OUTCOME_SIGNAL,  /* `signal` ended it: SIGSYS is the filter */
    SVIRT_PROBE_OUTCOME_TIMEOUT, /* no answer in SVIRT_PROBE_TIMEOUT_MS */
    SVIRT_PROBE_OUTCOME_ABSENT,  /* control: not on this kernel or host */
    SVIRT_PROBE_OUTCOME_UNAIMED, /* the driver gave no target for it */
    SVIRT_PROBE_OUTCOME_MAX,
} SvirtProbeOutcome;
SVIRT_ENUM_DECLARE(SvirtProbeOutcome, svirt_probe_outcome)

#define SVIRT_PROBE_MAGIC 0x52505653u /* "SVPR" */
#define SVIRT_PROBE_NAME 40
#define SVIRT_PROBE_DETAIL 88
#define SVIRT_PROBE_ROWS_MAX 512u

typedef struct SvirtProbeRecord {
    uint32_t magic;
    uint32_t phase;
    uint32_t step; /* place in the order of execution, from 0 */
    uint32_t row;  /* place in the table, from 0 */
    uint32_t outcome;
    int32_t error;
    int32_t signal;
    uint32_t duration_ms;
    char name[SVIRT_PROBE_NAME];
    char detail[SVIRT_PROBE_DETAIL]; /* printable ASCII, may be empty */
} SvirtProbeRecord;

/* Magic, phase and zeros; `name` is cut to its room. */
void svirt_probe_record_init(SvirtProbeRecord *record, SvirtProbePhase phase,
                             uint32_t step, uint32_t row, const char *name);

/*
 * True when every field is in range, both texts end inside their room and
 * are printable ASCII. The sender may be an attacker's VMM.
 */
bool svirt_probe_record_valid(const SvirtProbeRecord *record);

/*
 * Reads one record: 1 for a valid one, 0 at end of file, -1 with errno on
 * failure (EBADMSG: cut short or not valid). *ret is written only for 1.
 */
int svirt_probe_record_read(int fd, SvirtProbeRecord *ret);
bool svirt_probe_record_write(int fd, const SvirtProbeRecord *record);

/* "filter|root" into `text`; "none" for 0. */
void svirt_probe_layers_format(uint32_t layers, char *text, size_t size);
/* False, *ret untouched, for an unknown word. */
bool svirt_probe_layers_parse(const char *text, uint32_t *ret);
