/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "compartment/relabel-apply.h"

#include "compartment/relabel-undo.h"
#include "state/journal.h"
#include "state/objects.h"

/*
 * Does the VM still have to claim this object? Not where another author's VM
 * does: that use was waived, and the claim stays theirs.
 */
static bool
is_unclaimed(SvirtState *state, const SvirtOwner *owner,
             const SvirtObject *object, bool *ret_unclaimed, GError **error)
{
    g_autoptr(GPtrArray) owners = NULL;
    bool unclaimed = true;

    if (!svirt_objects_owners(state, &object->identity, &owners, error)) {
        return false;
    }
    for (unsigned i = 0; i < owners->len; i++) {
        const SvirtOwner *other = owners->pdata[i];

        if (other->author != owner->author ||
            svirt_uuid_equal(&other->uuid, &owner->uuid)) {
            unclaimed = false;
        }
    }
    *ret_unclaimed = unclaimed;
    return true;
}

/* Labelled by svirt for another VM, and not claimed by this one? */
static bool
must_be_counted(SvirtState *state, const SvirtOwner *owner,
                const SvirtRelabelStep *step, bool *ret, GError **error)
{
    g_autoptr(SvirtRemembered) remembered = NULL;
    g_autoptr(GPtrArray) mine = NULL;

    *ret = false;
    if (!svirt_objects_find(state, &step->object->identity,
                            step->model->kind, &remembered, error)) {
        return false;
    }
    if (remembered == NULL) {
        return true;
    }
    if (!svirt_objects_list(state, &owner->uuid, &mine, error)) {
        return false;
    }
    *ret = true;
    for (unsigned i = 0; i < mine->len; i++) {
        if (((const SvirtRemembered *)mine->pdata[i])->id == remembered->id) {
            *ret = false;
        }
    }
    return true;
}

static bool
claim_kept(SvirtState *state, const SvirtRelabelPlan *plan, GError **error)
{
    for (unsigned i = 0; i < plan->kept->len; i++) {
        const SvirtRelabelStep *step = plan->kept->pdata[i];
        bool needed;
        int64_t id;

        if (!must_be_counted(state, &plan->owner, step, &needed, error) ||
            (needed &&
             !svirt_objects_remember(state, &step->object->identity,
                                     step->object->shown_path,
                                     step->model->kind, &plan->owner,
                                     step->current, step->wanted, &id,
                                     error))) {
            return false;
        }
    }
    return true;
}

bool
svirt_relabel_is_needed(SvirtState *state, const SvirtRelabelPlan *plan,
                        bool *ret_needed, GError **error)
{
    bool needed = plan->steps->len > 0;

    /* Even when every label is right: recover would take them back from under
     * a VM that had started meanwhile. */
    if (!svirt_journal_check_none(state, &plan->owner.uuid, error)) {
        return false;
    }
    for (unsigned i = 0; i < plan->held->len && !needed; i++) {
        if (!is_unclaimed(state, &plan->owner, plan->held->pdata[i], &needed,
                          error)) {
            return false;
        }
    }
    for (unsigned i = 0; i < plan->kept->len && !needed; i++) {
        if (!must_be_counted(state, &plan->owner, plan->kept->pdata[i],
                             &needed, error)) {
            return false;
        }
    }
    *ret_needed = needed;
    return true;
}

bool
svirt_relabel_claim(SvirtState *state, const SvirtRelabelPlan *plan,
                    GError **error)
{
    for (unsigned i = 0; i < plan->held->len; i++) {
        const SvirtObject *object = plan->held->pdata[i];
        bool unclaimed;
        int64_t id;

        if (!is_unclaimed(state, &plan->owner, object, &unclaimed, error)) {
            return false;
        }
        if (unclaimed &&
            !svirt_objects_remember(state, &object->identity,
                                    object->shown_path, SVIRT_MODEL_NONE,
                                    &plan->owner, NULL, NULL, &id, error)) {
            return false;
        }
    }
    return claim_kept(state, plan, error);
}

/* One run of svirt_relabel_apply. All borrowed. */
typedef struct Run {
    SvirtState *state;
    const SvirtRelabelPlan *plan;
    const SvirtFault *fault;
    SvirtJournal *journal;
} Run;

/*
 * The label is read again: another VM's start may have written it since the
 * plan was made, and what is remembered must be what is replaced.
 */
static bool
remember_step(const Run *run, unsigned index, GError **error)
{
    const SvirtRelabelStep *step = run->plan->steps->pdata[index];
    const SvirtObject *object = step->object;
    g_autofree char *current = NULL;
    SvirtJournalStep *record;
    int64_t id;

    if (!step->model->read_label(object, &current, error) ||
        !svirt_objects_remember(run->state, &object->identity,
                                object->shown_path, step->model->kind,
                                &run->plan->owner, current, step->wanted, &id,
                                error)) {
        return false;
    }
    record = svirt_journal_add_step(run->journal, SVIRT_RELABEL_ACTION,
                                    step->model->kind, &object->identity,
                                    object->shown_path, current,
                                    step->wanted);
    record->object_id = id;
    return true;
}

/*
 * Everything is on disk before the first label changes. The marks go with the
 * plan: what an object carries tells better how far its step came.
 */
static bool
write_plan(const Run *run, GError **error)
{
    SVIRT_AUTO_ROLLBACK *transaction = NULL;
    const unsigned count = run->plan->steps->len;

    if (!svirt_fault_at(run->fault, SVIRT_FAULT_BEFORE_PLAN, 0, error) ||
        !svirt_state_begin(run->state, error)) {
        return false;
    }
    transaction = run->state;
    if (!svirt_relabel_claim(run->state, run->plan, error)) {
        return false;
    }
    for (unsigned i = 0; i < count; i++) {
        if (!remember_step(run, i, error)) {
            return false;
        }
    }
    if (count > 0 &&
        (!svirt_journal_plan(run->state, run->journal, error) ||
         !svirt_journal_mark(run->state, run->journal, 0, count,
                             SVIRT_JOURNAL_STEP_WRITING, error))) {
        return false;
    }
    return svirt_fault_at(run->fault, SVIRT_FAULT_PLAN_WRITTEN, 0, error) &&
           svirt_state_commit(run->state, error);
}

static bool
write_labels(const Run *run, GError **error)
{
    const GPtrArray *steps = run->plan->steps;

    if (!svirt_fault_at(run->fault, SVIRT_FAULT_PLANNED, 0, error)) {
        return false;
    }
    for (unsigned i = 0; i < steps->len; i++) {
        const SvirtRelabelStep *step = steps->pdata[i];

        if (!svirt_fault_at(run->fault, SVIRT_FAULT_BEFORE_WRITE, i, error) ||
            !step->model->write_label(step->object, step->wanted, error) ||
            !svirt_fault_at(run->fault, SVIRT_FAULT_AFTER_WRITE, i, error)) {
            return false;
        }
    }
    for (unsigned i = 0; i < steps->len; i++) {
        const SvirtRelabelStep *step = steps->pdata[i];

        if (!svirt_model_check_label(step->model, step->object, step->wanted,
                                     error) ||
            !svirt_fault_at(run->fault, SVIRT_FAULT_READ_BACK, i, error)) {
            return false;
        }
    }
    return svirt_fault_at(run->fault, SVIRT_FAULT_BEFORE_CLOSE, 0, error);
}

static bool
close_journal(const Run *run, SvirtJournalState to, GError **error)
{
    SVIRT_AUTO_ROLLBACK *transaction = NULL;

    if (!svirt_state_begin(run->state, error)) {
        return false;
    }
    transaction = run->state;
    return svirt_journal_close(run->state, run->journal, to, error) &&
           svirt_state_commit(run->state, error);
}

static bool
undo(const Run *run, GError **error)
{
    g_autoptr(GError) first = NULL;

    for (unsigned i = run->plan->steps->len; i > 0; i--) {
        const SvirtRelabelStep *step = run->plan->steps->pdata[i - 1];
        const SvirtJournalStep *record = run->journal->steps->pdata[i - 1];
        g_autoptr(GError) cause = NULL;
        g_autofree char *now = NULL;
        SvirtUndo done;

        /* One that fails does not keep the others from being undone. */
        if ((!svirt_fault_at(run->fault, SVIRT_FAULT_BEFORE_UNDO, i - 1,
                             &cause) ||
             !svirt_relabel_undo(step->object, step->model, record->before,
                                 step->wanted, &done, &now, &cause) ||
             !svirt_fault_at(run->fault, SVIRT_FAULT_AFTER_UNDO, i - 1,
                             &cause)) &&
            first == NULL) {
            first = g_steal_pointer(&cause);
        }
    }
    if (first != NULL) {
        g_propagate_error(error, g_steal_pointer(&first));
        return false;
    }
    return svirt_fault_at(run->fault, SVIRT_FAULT_UNDONE, 0, error) &&
           close_journal(run, SVIRT_JOURNAL_UNDONE, error);
}

/* `failure` is taken over. */
static bool
fail(const Run *run, GError *failure, GError **error)
{
    g_autoptr(GError) undo_failure = NULL;
    const char *name = run->plan->name;

    if (undo(run, &undo_failure)) {
        return svirt_raise(error, (SvirtErrorCode)failure->code, failure,
                           svirt_error_hint(failure),
                           "labels of '%s' were not changed", name);
    }
    return svirt_raise(error, (SvirtErrorCode)failure->code, failure,
                       "run svirt recover",
                       "labels of '%s' are changed in part (taking them "
                       "back: %s)",
                       name, undo_failure->message);
}

bool
svirt_relabel_apply(SvirtState *state, const SvirtRelabelPlan *plan,
                    const char *verb, int64_t now_s, const SvirtFault *fault,
                    GError **error)
{
    g_autoptr(SvirtJournal) journal = NULL;
    Run run = { .state = state, .plan = plan, .fault = fault };
    GError *failure = NULL;
    bool needed;

    if (!svirt_relabel_is_needed(state, plan, &needed, error)) {
        return false;
    }
    if (!needed) {
        return true;
    }
    if (!svirt_journal_new(&plan->owner, verb, now_s, &journal, error)) {
        return false;
    }
    run.journal = journal;
    if (!write_plan(&run, error)) {
        return false;
    }
    if (plan->steps->len == 0) {
        return true;
    }
    if (!write_labels(&run, &failure) ||
        !close_journal(&run, SVIRT_JOURNAL_DONE, &failure)) {
        return fail(&run, failure, error);
    }
    return svirt_fault_at(fault, SVIRT_FAULT_CLOSED, 0, error);
}

static bool
revert_step(SvirtState *state, const SvirtRelabelStep *step, GError **error)
{
    g_autoptr(SvirtRemembered) remembered = NULL;
    g_autofree char *now = NULL;
    SvirtUndo done;

    /* The state is locked for the whole host meanwhile. */
    if (step->object->fs_magic == SVIRT_FUSE_MAGIC) {
        return svirt_raise(error, SVIRT_ERROR_TIMEOUT, NULL, NULL,
                           "'%s' lies on FUSE, whose server may never answer",
                           step->object->shown_path);
    }
    if (!svirt_objects_find(state, &step->object->identity,
                            step->model->kind, &remembered, error)) {
        return false;
    }
    /* What others share is theirs from the moment they claim it. */
    return remembered == NULL || remembered->claim_count > 1 ||
           svirt_relabel_undo(step->object, step->model, step->current,
                              step->wanted, &done, &now, error);
}

bool
svirt_relabel_revert(SvirtState *state, const SvirtRelabelPlan *plan,
                     GError **error)
{
    SVIRT_AUTO_ROLLBACK *transaction = NULL;
    g_autoptr(GError) first = NULL;

    /* Nothing is written there: it keeps others from claiming meanwhile. */
    if (!svirt_state_begin(state, error)) {
        return false;
    }
    transaction = state;
    for (unsigned i = plan->steps->len; i > 0; i--) {
        g_autoptr(GError) cause = NULL;

        if (!revert_step(state, plan->steps->pdata[i - 1], &cause) &&
            first == NULL) {
            first = g_steal_pointer(&cause);
        }
    }
    if (first != NULL) {
        g_propagate_error(error, g_steal_pointer(&first));
        return false;
    }
    return true;
}
