/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "selftest/record.h"
#include "selftest/runner.h"

/*
 * `svirt selftest`: a small static program takes the VMM's place in a
 * compartment and tries what an attacker would. The same attempts on the same
 * targets are made outside first: one that does not succeed there proves
 * nothing inside.
 */

typedef enum SvirtSelftestVerdict {
    SVIRT_SELFTEST_HELD,   /* blocked inside, succeeds outside */
    SVIRT_SELFTEST_OPEN,   /* succeeds inside, for a stated reason */
    SVIRT_SELFTEST_ABSENT, /* not on this kernel or host; not open inside */
    SVIRT_SELFTEST_BREACH, /* succeeds inside */
    SVIRT_SELFTEST_BROKEN, /* proves nothing: the control did not succeed,
                            * or the attempt was not made */
    SVIRT_SELFTEST_MAX,
} SvirtSelftestVerdict;
SVIRT_ENUM_DECLARE(SvirtSelftestVerdict, svirt_selftest_verdict)

typedef struct SvirtSelftestRow {
    char *name;        /* owned */
    char *group;       /* owned */
    char *what;        /* owned */
    char *open_reason; /* owned; empty: must be blocked */
    char *kind;        /* owned: of the rows that are variants of one call,
                        * the first one's name */
    uint32_t layers;   /* each of these is to block it on its own, */
    bool together;     /* or, when this is set, only all of them */
    SvirtProbeRecord control;
    SvirtProbeRecord confined;
    bool control_made;
    bool confined_made;
    uint32_t alone; /* layers that were seen to block it on their own */
    bool always;    /* seen blocked with every layer off that can be */
} SvirtSelftestRow;

/* How a run is made, and where its results go. */
typedef enum SvirtSelftestMode {
    SVIRT_SELFTEST_OUTSIDE, /* the control */
    SVIRT_SELFTEST_INSIDE,  /* in place of the VMM */
    SVIRT_SELFTEST_APART,   /* the same, each attempt in a process of its own:
                             * for a compartment without its filter */
} SvirtSelftestMode;

/* For who waits: `made` of `all` attempts of the present run. */
typedef void (*SvirtSelftestTell)(SvirtSelftestMode mode, guint made,
                                  guint all);

/* All attempts, in the probe's own order. */
typedef struct SvirtSelftest {
    GPtrArray *rows; /* owned SvirtSelftestRow */
    SvirtSelftestTell tell; /* NULL: nobody waits */
} SvirtSelftest;

/* Asks `program` (svirt-probe) for its table. Errors: LAUNCH, CORRUPT. */
bool svirt_selftest_new(const char *program, SvirtSelftest **ret,
                        GError **error);
void svirt_selftest_free(SvirtSelftest *selftest);

/*
 * Makes every attempt once and fills `control` or `confined` of each row. A
 * probe that an attempt ends is started again behind that attempt. Errors:
 * those of the runner; CORRUPT for records that do not fit the table; FAILED
 * when it ends between two attempts; TIMEOUT when it says nothing for long.
 */
bool svirt_selftest_run(SvirtSelftest *selftest, SvirtSelftestMode mode,
                        SvirtSelftestTargets *targets,
                        const SvirtSelftestRunner *runner, GError **error);

SvirtSelftestVerdict svirt_selftest_judge(const SvirtSelftestRow *row);

/* Borrowed; NULL when there is no such row. */
SvirtSelftestRow *svirt_selftest_row(SvirtSelftest *selftest,
                                     const char *name);

/*
 * The row is expected to stay open, because `reason` (copied): what this host
 * lacks for it. False when there is no such row.
 */
bool svirt_selftest_excuse(SvirtSelftest *selftest, const char *name,
                           const char *reason);

/*
 * The first of the layers that stop the row on their own, when that was
 * measured (perform.h). Else the first of the row's layers that explains its
 * error number, which is a guess; ENOENT without any is its own root. MAX when
 * it was not blocked or none does.
 */
SvirtProbeLayer svirt_selftest_layer(const SvirtSelftestRow *row);

/*
 * "EACCES", "SIGSYS", "done", "timeout", "absent" ... into `text`.
 */
void svirt_selftest_outcome_format(const SvirtProbeRecord *record, bool made,
                                   char *text, size_t size);

/* Counts by verdict. */
void svirt_selftest_count(const SvirtSelftest *selftest,
                          unsigned ret_counts[SVIRT_SELFTEST_MAX]);
/* 0 when nothing is broken or a breach, else 1. */
int svirt_selftest_exit_code(const SvirtSelftest *selftest);

/* Table and list of what stays open; owned by the caller. */
char *svirt_selftest_report_table(const SvirtSelftest *selftest);
/* One JSON object; owned by the caller. */
char *svirt_selftest_report_json(const SvirtSelftest *selftest);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(SvirtSelftest, svirt_selftest_free)
