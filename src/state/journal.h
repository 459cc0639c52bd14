/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/enum-table.h"
#include "base/identity.h"
#include "state/claims.h"

/*
 * A change of labels is written here before it is made: a journal is a list
 * of steps with the value before and after. Plan (all steps, one commit),
 * then for each step WRITING, the write, APPLIED, the read-back, VERIFIED;
 * then DONE. Undo goes backwards over every step past PLANNED. A step whose
 * mark was lost in a crash is judged by what the object carries: the plan
 * alone is enough, so marks of several steps may share a transaction.
 */
typedef enum SvirtJournalStepState {
    SVIRT_JOURNAL_STEP_PLANNED,
    SVIRT_JOURNAL_STEP_WRITING,
    SVIRT_JOURNAL_STEP_APPLIED,
    SVIRT_JOURNAL_STEP_VERIFIED,
    SVIRT_JOURNAL_STEP_UNDONE,
    SVIRT_JOURNAL_STEP_MAX
} SvirtJournalStepState;

SVIRT_ENUM_DECLARE(SvirtJournalStepState, svirt_journal_step_state)

typedef enum SvirtJournalState {
    SVIRT_JOURNAL_OPEN,
    SVIRT_JOURNAL_DONE,
    SVIRT_JOURNAL_UNDONE,
    SVIRT_JOURNAL_MAX
} SvirtJournalState;

SVIRT_ENUM_DECLARE(SvirtJournalState, svirt_journal_state)

/* A process for as long as the machine is up: pids are used again. */
typedef struct SvirtProcessMark {
    pid_t pid;
    uint64_t start_ticks; /* /proc/PID/stat field 22 */
    char boot_id[40];     /* /proc/sys/kernel/random/boot_id */
} SvirtProcessMark;

bool svirt_process_mark_self(SvirtProcessMark *ret, GError **error);
/* False also when it cannot be told: pid, start and boot must all agree. A
 * zombie is dead: it writes nothing any more. */
bool svirt_process_mark_alive(const SvirtProcessMark *mark);

typedef struct SvirtJournalStep {
    unsigned index;  /* 0, 1, ... in the order applied; set by the journal */
    char *action;    /* owned; the planner's own word, e.g. "relabel" */
    SvirtModelKind model;
    int64_t object_id; /* the remembered record, 0: none */
    bool has_identity;
    SvirtIdentity identity; /* valid when has_identity */
    char *shown_path;       /* owned, may be NULL */
    char *before;           /* owned; NULL: had none */
    char *after;            /* owned; NULL: removes it */
    SvirtJournalStepState state;
} SvirtJournalStep;

typedef struct SvirtJournal {
    int64_t id;
    SvirtOwner owner;
    char *verb; /* owned; the command: "start", "undefine" */
    SvirtProcessMark writer;
    int64_t created_s;
    SvirtJournalState state;
    GPtrArray *steps; /* owned SvirtJournalStep * */
} SvirtJournal;

/* writer is the calling process. Owned by the caller. */
bool svirt_journal_new(const SvirtOwner *owner, const char *verb,
                       int64_t created_s, SvirtJournal **ret, GError **error);
void svirt_journal_free(SvirtJournal *journal);
/* The texts are copied. The step is PLANNED. */
SvirtJournalStep *svirt_journal_add_step(SvirtJournal *journal,
                                         const char *action,
                                         SvirtModelKind model,
                                         const SvirtIdentity *identity,
                                         const char *shown_path,
                                         const char *before,
                                         const char *after);

/* BUSY: the VM has an open journal, whose writer is named: it is at work, or
 * died at it and is to be recovered first. */
bool svirt_journal_check_none(SvirtState *state, const SvirtUuid *vm,
                              GError **error);

/*
 * Write the plan; sets journal->id. BUSY: the VM has an open journal already
 * (its writer is named: alive, or to be recovered first).
 */
bool svirt_journal_plan(SvirtState *state, SvirtJournal *journal,
                        GError **error);
/* Mark steps first .. first + count - 1, in *journal and in the database. */
bool svirt_journal_mark(SvirtState *state, SvirtJournal *journal,
                        unsigned first, unsigned count,
                        SvirtJournalStepState to, GError **error);
/* DONE or UNDONE: the journal and its steps leave the database. */
bool svirt_journal_close(SvirtState *state, SvirtJournal *journal,
                         SvirtJournalState to, GError **error);
/* `recover` takes an open journal over from a dead writer: the calling
 * process becomes its writer. BUSY when the writer lives. */
bool svirt_journal_adopt(SvirtState *state, SvirtJournal *journal,
                         GError **error);
/* SvirtJournal * with their steps, oldest first; owned by the caller. */
bool svirt_journal_list_open(SvirtState *state, GPtrArray **ret,
                             GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(SvirtJournal, svirt_journal_free)
