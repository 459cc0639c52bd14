/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "compartment/recover.h"

#include <string.h>

#include "compartment/object-find.h"
#include "compartment/relabel-apply.h"
#include "compartment/relabel-undo.h"
#include "state/journal.h"

SVIRT_ENUM_TABLE(SvirtRecoverOutcome, svirt_recover_outcome,
                 SVIRT_RECOVER_MAX,
                 [SVIRT_RECOVER_UNDONE] = "undone",
                 [SVIRT_RECOVER_UNTOUCHED] = "untouched",
                 [SVIRT_RECOVER_FOREIGN] = "changed by somebody else",
                 [SVIRT_RECOVER_GONE] = "gone",
                 [SVIRT_RECOVER_MOVED] = "not found",
                 [SVIRT_RECOVER_FAILED] = "failed")

void
svirt_recover_row_free(SvirtRecoverRow *row)
{
    if (row == NULL) {
        return;
    }
    g_free(row->verb);
    g_free(row->path);
    g_free(row->label);
    g_free(row->detail);
    g_free(row);
}

static SvirtRecoverRow *
add_row(GPtrArray *rows, const SvirtJournal *journal,
        const SvirtJournalStep *step)
{
    SvirtRecoverRow *row = g_new0(SvirtRecoverRow, 1);

    row->uuid = journal->owner.uuid;
    row->verb = g_strdup(journal->verb);
    row->path = g_strdup(step->shown_path);
    row->model = step->model;
    g_ptr_array_add(rows, row);
    return row;
}

static SvirtRecoverOutcome
outcome_of(SvirtUndo undo)
{
    switch (undo) {
    case SVIRT_UNDO_WRITTEN:
        return SVIRT_RECOVER_UNDONE;
    case SVIRT_UNDO_UNTOUCHED:
        return SVIRT_RECOVER_UNTOUCHED;
    case SVIRT_UNDO_FOREIGN:
        break;
    }
    return SVIRT_RECOVER_FOREIGN;
}

static bool
undo_step(SvirtMounts *mounts, const SvirtJournalStep *step,
          SvirtRecoverRow *row, GError **error)
{
    const SvirtModel *model = svirt_model_by_kind(step->model);
    g_autoptr(SvirtObject) object = NULL;
    SvirtFound found = SVIRT_FOUND_MOVED;
    SvirtUndo undo;

    if (model == NULL || !step->has_identity) {
        return svirt_raise(error, SVIRT_ERROR_CORRUPT, NULL, NULL,
                           "step %u of the journal names no object",
                           step->index);
    }
    if (!svirt_object_find(mounts, &step->identity, step->shown_path, &found,
                           &object, error)) {
        return false;
    }
    if (found != SVIRT_FOUND_OBJECT) {
        row->outcome = found == SVIRT_FOUND_GONE ? SVIRT_RECOVER_GONE
                                                 : SVIRT_RECOVER_MOVED;
        return true;
    }
    g_free(row->path);
    row->path = g_strdup(object->shown_path);
    if (!svirt_relabel_undo(object, model, step->before, step->after, &undo,
                            &row->label, error)) {
        return false;
    }
    row->outcome = outcome_of(undo);
    return true;
}

/* Step by step from the last; *ret_whole is false when one stays undone. */
static bool
undo_steps(SvirtMounts *mounts, const SvirtJournal *journal,
           const SvirtFault *fault, GPtrArray *rows, bool *ret_whole,
           GError **error)
{
    bool whole = true;

    for (unsigned i = journal->steps->len; i > 0; i--) {
        const SvirtJournalStep *step = journal->steps->pdata[i - 1];
        SvirtRecoverRow *row = add_row(rows, journal, step);
        g_autoptr(GError) failure = NULL;

        if (!svirt_fault_at(fault, SVIRT_FAULT_BEFORE_UNDO, i - 1, error)) {
            return false;
        }
        if (!undo_step(mounts, step, row, &failure)) {
            row->outcome = SVIRT_RECOVER_FAILED;
            row->detail = g_strdup(failure->message);
        }
        whole = whole && row->outcome != SVIRT_RECOVER_FAILED &&
                row->outcome != SVIRT_RECOVER_MOVED;
        if (!svirt_fault_at(fault, SVIRT_FAULT_AFTER_UNDO, i - 1, error)) {
            return false;
        }
    }
    *ret_whole = whole;
    return svirt_fault_at(fault, SVIRT_FAULT_UNDONE, 0, error);
}

static bool
is_ours(const SvirtJournal *journal, const SvirtUuid *uuid)
{
    if (uuid != NULL && !svirt_uuid_equal(uuid, &journal->owner.uuid)) {
        return false;
    }
    for (unsigned i = 0; i < journal->steps->len; i++) {
        const SvirtJournalStep *step = journal->steps->pdata[i];

        if (strcmp(step->action, SVIRT_RELABEL_ACTION) != 0) {
            return false;
        }
    }
    return true;
}

static bool
adopt(SvirtState *state, SvirtJournal *journal, GError **error)
{
    SVIRT_AUTO_ROLLBACK *transaction = NULL;

    if (!svirt_state_begin(state, error)) {
        return false;
    }
    transaction = state;
    return svirt_journal_adopt(state, journal, error) &&
           svirt_state_commit(state, error);
}

static bool
close_journal(SvirtState *state, SvirtJournal *journal, GError **error)
{
    SVIRT_AUTO_ROLLBACK *transaction = NULL;

    if (!svirt_state_begin(state, error)) {
        return false;
    }
    transaction = state;
    return svirt_journal_close(state, journal, SVIRT_JOURNAL_UNDONE, error) &&
           svirt_state_commit(state, error);
}

/* *ret_closed is false when the journal stays open. */
static bool
recover_one(SvirtState *state, SvirtMounts *mounts,
            SvirtJournal *journal, const SvirtFault *fault, GPtrArray *rows,
            bool *ret_closed, GError **error)
{
    g_autoptr(GError) cause = NULL;
    bool whole;

    if (!adopt(state, journal, &cause)) {
        /* Its writer lives, or another recover was faster. */
        if (cause->code == SVIRT_ERROR_STATE ||
            cause->code == SVIRT_ERROR_BUSY) {
            *ret_closed = false;
            return true;
        }
        g_propagate_error(error, g_steal_pointer(&cause));
        return false;
    }
    if (!undo_steps(mounts, journal, fault, rows, &whole, error) ||
        (whole && !close_journal(state, journal, error))) {
        return false;
    }
    *ret_closed = whole;
    return true;
}

bool
svirt_recover_journals(SvirtState *state, const SvirtUuid *uuid,
                       const SvirtFault *fault, GPtrArray **ret_rows,
                       unsigned *ret_left, GError **error)
{
    g_autoptr(SvirtMounts) mounts = NULL;
    g_autoptr(GPtrArray) journals = NULL;
    g_autoptr(GPtrArray) rows = g_ptr_array_new_with_free_func(
        (GDestroyNotify)svirt_recover_row_free);
    unsigned left = 0;

    if (!svirt_journal_list_open(state, &journals, error) ||
        !svirt_mounts_read(&mounts, error)) {
        return false;
    }
    for (unsigned i = 0; i < journals->len; i++) {
        SvirtJournal *journal = journals->pdata[i];
        bool closed = false;

        if (is_ours(journal, uuid) &&
            !recover_one(state, mounts, journal, fault, rows, &closed,
                         error)) {
            return false;
        }
        if (!closed && (uuid == NULL ||
                        svirt_uuid_equal(uuid, &journal->owner.uuid))) {
            left++;
        }
    }
    *ret_rows = g_steal_pointer(&rows);
    if (ret_left != NULL) {
        *ret_left = left;
    }
    return true;
}
