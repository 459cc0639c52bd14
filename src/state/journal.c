/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "state/journal.h"

#include <string.h>

#include "state/statement.h"

SVIRT_ENUM_TABLE(SvirtJournalStepState, svirt_journal_step_state,
                 SVIRT_JOURNAL_STEP_MAX,
                 [SVIRT_JOURNAL_STEP_PLANNED] = "planned",
                 [SVIRT_JOURNAL_STEP_WRITING] = "writing",
                 [SVIRT_JOURNAL_STEP_APPLIED] = "applied",
                 [SVIRT_JOURNAL_STEP_VERIFIED] = "verified",
                 [SVIRT_JOURNAL_STEP_UNDONE] = "undone")

SVIRT_ENUM_TABLE(SvirtJournalState, svirt_journal_state, SVIRT_JOURNAL_MAX,
                 [SVIRT_JOURNAL_OPEN] = "open",
                 [SVIRT_JOURNAL_DONE] = "done",
                 [SVIRT_JOURNAL_UNDONE] = "undone")

static void
step_free(SvirtJournalStep *step)
{
    g_free(step->action);
    g_free(step->shown_path);
    g_free(step->before);
    g_free(step->after);
    g_free(step);
}

static SvirtJournal *
make_journal(void)
{
    SvirtJournal *journal = g_new0(SvirtJournal, 1);

    journal->steps = g_ptr_array_new_with_free_func((GDestroyNotify)step_free);
    return journal;
}

bool
svirt_journal_new(const SvirtOwner *owner, const char *verb,
                  int64_t created_s, SvirtJournal **ret, GError **error)
{
    g_autoptr(SvirtJournal) journal = make_journal();

    journal->owner = *owner;
    journal->verb = g_strdup(verb);
    journal->created_s = created_s;
    if (!svirt_process_mark_self(&journal->writer, error)) {
        return false;
    }
    *ret = g_steal_pointer(&journal);
    return true;
}

void
svirt_journal_free(SvirtJournal *journal)
{
    if (journal == NULL) {
        return;
    }
    g_free(journal->verb);
    g_ptr_array_unref(journal->steps);
    g_free(journal);
}

SvirtJournalStep *
svirt_journal_add_step(SvirtJournal *journal, const char *action,
                       SvirtModelKind model, const SvirtIdentity *identity,
                       const char *shown_path, const char *before,
                       const char *after)
{
    SvirtJournalStep *step = g_new0(SvirtJournalStep, 1);

    step->index = journal->steps->len;
    step->action = g_strdup(action);
    step->model = model;
    if (identity != NULL) {
        step->has_identity = true;
        step->identity = *identity;
    }
    step->shown_path = g_strdup(shown_path);
    step->before = g_strdup(before);
    step->after = g_strdup(after);
    g_ptr_array_add(journal->steps, step);
    return step;
}

static bool
insert_step(SvirtState *state, const SvirtJournal *journal,
            const SvirtJournalStep *step, GError **error)
{
    g_autofree char *identity =
        step->has_identity ? svirt_identity_format(&step->identity) : NULL;

    return svirt_statement_run(
        state,
        "INSERT INTO journal_steps(journal, position, action, model, object,"
        " identity, shown_path, before, after, state)"
        " VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        BINDS(BIND_INT(journal->id), BIND_INT(step->index),
              BIND_TEXT(step->action),
              BIND_TEXT(svirt_model_kind_to_string(step->model)),
              BIND_INT(step->object_id), BIND_TEXT(identity),
              BIND_TEXT(step->shown_path), BIND_TEXT(step->before),
              BIND_TEXT(step->after),
              BIND_TEXT(svirt_journal_step_state_to_string(step->state))),
        error);
}

bool
svirt_journal_check_none(SvirtState *state, const SvirtUuid *vm,
                         GError **error)
{
    g_autoptr(SvirtStatement) statement = NULL;
    char uuid[SVIRT_UUID_TEXT];
    SvirtProcessMark mark;
    sqlite3_stmt *row = NULL;

    if (!svirt_statement_prepare(
            state,
            "SELECT verb, pid, start_ticks, boot_id FROM journals"
            " WHERE uuid = ?",
            BINDS(BIND_UUID(vm)), &statement, error) ||
        !svirt_statement_step(statement, &row, error)) {
        return false;
    }
    if (row == NULL) {
        return true;
    }
    svirt_uuid_format(vm, uuid);
    mark.pid = (pid_t)sqlite3_column_int64(row, 1);
    mark.start_ticks = (uint64_t)sqlite3_column_int64(row, 2);
    g_strlcpy(mark.boot_id, (const char *)sqlite3_column_text(row, 3),
              sizeof(mark.boot_id));
    if (svirt_process_mark_alive(&mark)) {
        return svirt_raise(error, SVIRT_ERROR_BUSY, NULL,
                           "wait for it to end",
                           "process %d is in the middle of '%s' for UUID %s",
                           mark.pid, sqlite3_column_text(row, 0), uuid);
    }
    return svirt_raise(error, SVIRT_ERROR_BUSY, NULL, "run svirt recover",
                       "'%s' for UUID %s was interrupted",
                       sqlite3_column_text(row, 0), uuid);
}

bool
svirt_journal_plan(SvirtState *state, SvirtJournal *journal, GError **error)
{
    g_assert(journal->id == 0);
    if (!svirt_journal_check_none(state, &journal->owner.uuid, error) ||
        !svirt_statement_run(
            state,
            "INSERT INTO journals(uuid, incarnation, author, verb, pid,"
            " start_ticks, boot_id, created_s)"
            " VALUES(?, ?, ?, ?, ?, ?, ?, ?)",
            BINDS(BIND_UUID(&journal->owner.uuid),
                  BIND_INT(journal->owner.incarnation),
                  BIND_INT(journal->owner.author), BIND_TEXT(journal->verb),
                  BIND_INT(journal->writer.pid),
                  BIND_INT(journal->writer.start_ticks),
                  BIND_TEXT(journal->writer.boot_id),
                  BIND_INT(journal->created_s)),
            error)) {
        return false;
    }
    journal->id = svirt_statement_last_id(state);
    for (unsigned i = 0; i < journal->steps->len; i++) {
        if (!insert_step(state, journal, journal->steps->pdata[i], error)) {
            journal->id = 0;
            return false;
        }
    }
    return true;
}

static bool
raise_gone(const SvirtJournal *journal, GError **error)
{
    return svirt_raise(error, SVIRT_ERROR_STATE, NULL, "run svirt recover",
                       "journal %lld is not open any more",
                       (long long)journal->id);
}

bool
svirt_journal_mark(SvirtState *state, SvirtJournal *journal, unsigned first,
                   unsigned count, SvirtJournalStepState to, GError **error)
{
    g_assert(first + count <= journal->steps->len);
    if (!svirt_statement_run(
            state,
            "UPDATE journal_steps SET state = ? WHERE journal = ?"
            " AND position >= ? AND position < ?",
            BINDS(BIND_TEXT(svirt_journal_step_state_to_string(to)),
                  BIND_INT(journal->id), BIND_INT(first),
                  BIND_INT(first + count)),
            error)) {
        return false;
    }
    if (svirt_statement_changes(state) != count) {
        return raise_gone(journal, error);
    }
    for (unsigned i = first; i < first + count; i++) {
        SvirtJournalStep *step = journal->steps->pdata[i];

        step->state = to;
    }
    return true;
}

bool
svirt_journal_close(SvirtState *state, SvirtJournal *journal,
                    SvirtJournalState to, GError **error)
{
    g_assert(to != SVIRT_JOURNAL_OPEN);
    if (!svirt_statement_run(state, "DELETE FROM journals WHERE id = ?",
                             BINDS(BIND_INT(journal->id)), error)) {
        return false;
    }
    if (svirt_statement_changes(state) == 0) {
        return raise_gone(journal, error);
    }
    journal->state = to;
    return true;
}

bool
svirt_journal_adopt(SvirtState *state, SvirtJournal *journal, GError **error)
{
    SvirtProcessMark self;

    if (svirt_process_mark_alive(&journal->writer)) {
        return svirt_raise(error, SVIRT_ERROR_BUSY, NULL,
                           "wait for it to end",
                           "process %d is in the middle of '%s'",
                           journal->writer.pid, journal->verb);
    }
    if (!svirt_process_mark_self(&self, error) ||
        !svirt_statement_run(
            state,
            "UPDATE journals SET pid = ?, start_ticks = ?, boot_id = ?"
            " WHERE id = ? AND pid = ? AND start_ticks = ?"
            " AND boot_id = ?",
            BINDS(BIND_INT(self.pid), BIND_INT(self.start_ticks),
                  BIND_TEXT(self.boot_id), BIND_INT(journal->id),
                  BIND_INT(journal->writer.pid),
                  BIND_INT(journal->writer.start_ticks),
                  BIND_TEXT(journal->writer.boot_id)),
            error)) {
        return false;
    }
    /* Another recover was faster. */
    if (svirt_statement_changes(state) == 0) {
        return raise_gone(journal, error);
    }
    journal->writer = self;
    return true;
}

static bool
read_step(sqlite3_stmt *row, SvirtJournalStep **ret, GError **error)
{
    SvirtJournalStep *step = g_new0(SvirtJournalStep, 1);
    const char *model = (const char *)sqlite3_column_text(row, 2);
    const char *identity = (const char *)sqlite3_column_text(row, 4);
    const char *reached = (const char *)sqlite3_column_text(row, 8);

    step->index = (unsigned)sqlite3_column_int64(row, 0);
    step->action = svirt_statement_text(row, 1);
    step->object_id = sqlite3_column_int64(row, 3);
    step->shown_path = svirt_statement_text(row, 5);
    step->before = svirt_statement_text(row, 6);
    step->after = svirt_statement_text(row, 7);
    step->has_identity = identity != NULL;
    if (identity != NULL &&
        !svirt_identity_parse(identity, &step->identity, error)) {
        step_free(step);
        return false;
    }
    if (!svirt_model_kind_from_string(model, &step->model) ||
        !svirt_journal_step_state_from_string(reached, &step->state)) {
        step_free(step);
        return svirt_raise(error, SVIRT_ERROR_CORRUPT, NULL, NULL,
                           "a journal step is of model '%.32s', state "
                           "'%.32s'",
                           model, reached);
    }
    *ret = step;
    return true;
}

static bool
read_steps(SvirtState *state, SvirtJournal *journal, GError **error)
{
    g_autoptr(SvirtStatement) statement = NULL;
    sqlite3_stmt *row = NULL;

    if (!svirt_statement_prepare(
            state,
            "SELECT position, action, model, object, identity, shown_path,"
            " before, after, state FROM journal_steps WHERE journal = ?"
            " ORDER BY position",
            BINDS(BIND_INT(journal->id)), &statement, error)) {
        return false;
    }
    for (;;) {
        SvirtJournalStep *step = NULL;

        if (!svirt_statement_step(statement, &row, error)) {
            return false;
        }
        if (row == NULL) {
            return true;
        }
        if (!read_step(row, &step, error)) {
            return false;
        }
        g_ptr_array_add(journal->steps, step);
        if (step->index + 1 != journal->steps->len) {
            return svirt_raise(error, SVIRT_ERROR_CORRUPT, NULL, NULL,
                               "journal %lld misses step %u",
                               (long long)journal->id,
                               journal->steps->len - 1);
        }
    }
}

static void *
read_journal(SvirtState *state, sqlite3_stmt *row, GError **error)
{
    g_autoptr(SvirtJournal) journal = make_journal();

    journal->id = sqlite3_column_int64(row, 0);
    journal->owner.uuid = svirt_statement_uuid(row, 1);
    journal->owner.incarnation = (uint64_t)sqlite3_column_int64(row, 2);
    journal->owner.author = (uid_t)sqlite3_column_int64(row, 3);
    journal->verb = svirt_statement_text(row, 4);
    journal->writer.pid = (pid_t)sqlite3_column_int64(row, 5);
    journal->writer.start_ticks = (uint64_t)sqlite3_column_int64(row, 6);
    g_strlcpy(journal->writer.boot_id,
              (const char *)sqlite3_column_text(row, 7),
              sizeof(journal->writer.boot_id));
    journal->created_s = sqlite3_column_int64(row, 8);
    return read_steps(state, journal, error) ? g_steal_pointer(&journal)
                                             : NULL;
}

bool
svirt_journal_list_open(SvirtState *state, GPtrArray **ret, GError **error)
{
    return svirt_statement_list(
        state,
        "SELECT id, uuid, incarnation, author, verb, pid, start_ticks,"
        " boot_id, created_s FROM journals ORDER BY id",
        NULL, read_journal, (GDestroyNotify)svirt_journal_free, ret, error);
}
