/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "compartment/restore.h"

#include <string.h>

#include "compartment/object-bounded.h"
#include "compartment/object-find.h"
#include "model/model.h"
#include "state/objects.h"

SVIRT_ENUM_TABLE(SvirtRestoreOutcome, svirt_restore_outcome,
                 SVIRT_RESTORE_OUTCOME_MAX,
                 [SVIRT_RESTORE_GIVEN_BACK] = "given back",
                 [SVIRT_RESTORE_UNCHANGED] = "unchanged",
                 [SVIRT_RESTORE_CLAIMED] = "kept for another VM",
                 [SVIRT_RESTORE_FOREIGN] = "changed by somebody else",
                 [SVIRT_RESTORE_GONE] = "gone",
                 [SVIRT_RESTORE_MOVED] = "not found",
                 [SVIRT_RESTORE_FAILED] = "failed")

void
svirt_restore_row_free(SvirtRestoreRow *row)
{
    if (row == NULL) {
        return;
    }
    g_free(row->path);
    g_free(row->label);
    g_free(row->detail);
    g_free(row);
}

bool
svirt_restore_rows_complete(const GPtrArray *rows)
{
    for (unsigned i = 0; i < rows->len; i++) {
        const SvirtRestoreRow *row = rows->pdata[i];

        if (row->outcome == SVIRT_RESTORE_MOVED ||
            row->outcome == SVIRT_RESTORE_FAILED) {
            return false;
        }
    }
    return true;
}

/* One call of this file's functions. All borrowed but `rows`. */
typedef struct Run {
    SvirtState *state;
    SvirtMounts *mounts;
    const SvirtFault *fault;
    GPtrArray *rows; /* owned SvirtRestoreRow * */
} Run;

static SvirtRestoreRow *
add_row(Run *run, const SvirtRemembered *remembered)
{
    SvirtRestoreRow *row = g_new0(SvirtRestoreRow, 1);

    row->path = g_strdup(remembered->shown_path);
    row->model = remembered->model;
    g_ptr_array_add(run->rows, row);
    return row;
}

static void
note_failure(SvirtRestoreRow *row, const GError *failure)
{
    row->outcome = SVIRT_RESTORE_FAILED;
    row->detail = g_strdup(failure->message);
}

static bool
write_original(const SvirtModel *model, const SvirtObject *object,
               const SvirtRemembered *remembered, SvirtRestoreRow *row,
               GError **error)
{
    if (!svirt_model_set_label(model, object, remembered->original, error)) {
        return false;
    }
    g_free(row->label);
    row->label = g_strdup(remembered->original);
    row->outcome = SVIRT_RESTORE_GIVEN_BACK;
    return true;
}

static bool
give_back_object(const SvirtModel *model, const SvirtObject *object,
                 const SvirtRemembered *remembered, SvirtRestoreRow *row,
                 GError **error)
{
    g_free(row->path);
    row->path = g_strdup(object->shown_path);
    if (!model->read_label(object, &row->label, error)) {
        return false;
    }
    switch (svirt_restore_decide(remembered, &object->identity, row->label)) {
    case SVIRT_RESTORE_GIVE_BACK:
        return write_original(model, object, remembered, row, error);
    case SVIRT_RESTORE_NOTHING:
        row->outcome = SVIRT_RESTORE_UNCHANGED;
        return true;
    case SVIRT_RESTORE_STILL_CLAIMED:
        row->outcome = SVIRT_RESTORE_CLAIMED;
        return true;
    case SVIRT_RESTORE_OTHER_OBJECT:
        row->outcome = SVIRT_RESTORE_GONE;
        return true;
    case SVIRT_RESTORE_CHANGED:
        row->outcome = SVIRT_RESTORE_FOREIGN;
        return true;
    case SVIRT_RESTORE_MAX:
        break;
    }
    g_assert_not_reached();
}

/* Whatever goes wrong with one object is its row's matter. */
static void
give_back(const Run *run, const SvirtRemembered *remembered,
          SvirtRestoreRow *row)
{
    const SvirtModel *model = svirt_model_by_kind(remembered->model);
    g_autoptr(SvirtObject) object = NULL;
    g_autoptr(GError) failure = NULL;
    SvirtFound found = SVIRT_FOUND_MOVED;

    if (model == NULL) {
        row->outcome = SVIRT_RESTORE_FAILED;
        row->detail = g_strdup("this svirt does not know its model");
        return;
    }
    /* A bare claim: nothing was written. */
    if (!model->labels_objects) {
        row->outcome = SVIRT_RESTORE_UNCHANGED;
        return;
    }
    if (!svirt_object_find(run->mounts, &remembered->identity,
                           remembered->shown_path, &found, &object,
                           &failure)) {
        note_failure(row, failure);
        return;
    }
    switch (found) {
    case SVIRT_FOUND_GONE:
        row->outcome = SVIRT_RESTORE_GONE;
        return;
    case SVIRT_FOUND_MOVED:
        row->outcome = SVIRT_RESTORE_MOVED;
        return;
    case SVIRT_FOUND_OBJECT:
        break;
    }
    if (!give_back_object(model, object, remembered, row, &failure)) {
        note_failure(row, failure);
    }
}

static bool
is_settled(SvirtRestoreOutcome outcome)
{
    return outcome == SVIRT_RESTORE_GIVEN_BACK ||
           outcome == SVIRT_RESTORE_UNCHANGED ||
           outcome == SVIRT_RESTORE_FOREIGN || outcome == SVIRT_RESTORE_GONE;
}

/* For a record whose last claim is dropped. */
static bool
settle(Run *run, SvirtRemembered *remembered, GError **error)
{
    SvirtRestoreRow *row = add_row(run, remembered);
    const unsigned index = run->rows->len - 1;

    remembered->claim_count = 0;
    if (!svirt_fault_at(run->fault, SVIRT_FAULT_BEFORE_UNDO, index, error)) {
        return false;
    }
    give_back(run, remembered, row);
    return svirt_fault_at(run->fault, SVIRT_FAULT_AFTER_UNDO, index, error) &&
           (!is_settled(row->outcome) ||
            svirt_objects_forget(run->state, remembered->id, error));
}

/* The object that `only` names now; NULL when it names none. */
static SvirtObject *
open_only(SvirtMounts *mounts, const char *only)
{
    SvirtObject *object = NULL;

    if (only == NULL ||
        !svirt_object_open_bounded(mounts, only, NULL,
                                   (1u << SVIRT_OBJECT_MAX) - 1, &object,
                                   NULL)) {
        return NULL;
    }
    return object;
}

static bool
drop_and_settle(Run *run, const SvirtUuid *uuid, const char *only,
                GError **error)
{
    g_autoptr(SvirtObject) named = open_only(run->mounts, only);
    g_autoptr(GPtrArray) list = NULL;

    if (!svirt_objects_list(run->state, uuid, &list, error)) {
        return false;
    }
    for (unsigned i = 0; i < list->len; i++) {
        SvirtRemembered *remembered = list->pdata[i];
        unsigned remaining;

        if (only != NULL && strcmp(only, remembered->shown_path) != 0 &&
            (named == NULL ||
             !svirt_identity_same(&named->identity, &remembered->identity))) {
            continue;
        }
        if (!svirt_objects_drop(run->state, remembered->id, uuid, &remaining,
                                error)) {
            return false;
        }
        if (remaining > 0) {
            add_row(run, remembered)->outcome = SVIRT_RESTORE_CLAIMED;
        } else if (!settle(run, remembered, error)) {
            return false;
        }
    }
    if (only != NULL && run->rows->len == 0) {
        return svirt_raise(error, SVIRT_ERROR_NOT_FOUND, NULL,
                           "see svirt label for what is claimed",
                           "'%s' is not claimed by this VM", only);
    }
    return true;
}

static bool
settle_unclaimed(Run *run, GError **error)
{
    g_autoptr(GPtrArray) list = NULL;

    if (!svirt_objects_list(run->state, NULL, &list, error)) {
        return false;
    }
    for (unsigned i = 0; i < list->len; i++) {
        SvirtRemembered *remembered = list->pdata[i];

        if (remembered->claim_count == 0 &&
            !settle(run, remembered, error)) {
            return false;
        }
    }
    return true;
}

/*
 * The writes happen within the transaction: its lock keeps other VMs from
 * claiming an object while it is given back. Cut off in between, the claims
 * are still there and the objects already done carry their originals.
 */
static bool
restore(SvirtState *state, const SvirtUuid *uuid, const char *only,
        const SvirtFault *fault, GPtrArray **ret_rows, GError **error)
{
    SVIRT_AUTO_ROLLBACK *transaction = NULL;
    g_autoptr(SvirtMounts) mounts = NULL;
    g_autoptr(GPtrArray) rows = g_ptr_array_new_with_free_func(
        (GDestroyNotify)svirt_restore_row_free);
    Run run = { .state = state, .fault = fault, .rows = rows };

    if (!svirt_mounts_read(&mounts, error) ||
        !svirt_state_begin(state, error)) {
        return false;
    }
    transaction = state;
    run.mounts = mounts;
    if (uuid != NULL ? !drop_and_settle(&run, uuid, only, error)
                     : !settle_unclaimed(&run, error)) {
        return false;
    }
    if (!svirt_state_commit(state, error)) {
        return false;
    }
    *ret_rows = g_steal_pointer(&rows);
    return true;
}

bool
svirt_restore_owner(SvirtState *state, const SvirtUuid *uuid,
                    const char *only, const SvirtFault *fault,
                    GPtrArray **ret_rows, GError **error)
{
    return restore(state, uuid, only, fault, ret_rows, error);
}

bool
svirt_restore_unclaimed(SvirtState *state, const SvirtFault *fault,
                        GPtrArray **ret_rows, GError **error)
{
    return restore(state, NULL, NULL, fault, ret_rows, error);
}
