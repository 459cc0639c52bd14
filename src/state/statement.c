/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "state/statement.h"

#include <errno.h>
#include <string.h>

#include "state/state-private.h"

static bool
is_space_error(const SvirtState *state, int status)
{
    int errnum = sqlite3_system_errno(state->database);

    return (status & 0xff) == SQLITE_FULL ||
           ((status & 0xff) == SQLITE_IOERR &&
            (errnum == ENOSPC || errnum == EDQUOT));
}

bool
svirt_state_raise(const SvirtState *state, int status, GError **error)
{
    const char *path = state->shown_path;
    g_autofree char *hint = NULL;
    GError *cause = g_error_new(
        SVIRT_ERROR, SVIRT_ERROR_SYSTEM, "SQLite: %s",
        state->database != NULL ? sqlite3_errmsg(state->database)
                                : sqlite3_errstr(status));

    if (state->database != NULL && is_space_error(state, status)) {
        hint = g_strdup_printf("free some space in '%s'", path);
        return svirt_raise(error, SVIRT_ERROR_SYSTEM, cause, hint,
                           "no space left for the state in '%s'", path);
    }
    switch (status & 0xff) {
    case SQLITE_READONLY:
        hint = g_strdup_printf("make '%s' writable", path);
        return svirt_raise(error, SVIRT_ERROR_SYSTEM, cause, hint,
                           "cannot write the state in '%s'", path);
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
        return svirt_raise(error, SVIRT_ERROR_SYSTEM, cause, NULL,
                           "cannot open the state in '%s'", path);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return svirt_raise(error, SVIRT_ERROR_BUSY, cause,
                           "look for a process that holds it open",
                           "the state in '%s' stays locked", path);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return svirt_raise(error, SVIRT_ERROR_CORRUPT, cause,
                           "restore state.db from a backup",
                           "the state in '%s' is damaged", path);
    default:
        return svirt_raise(error, SVIRT_ERROR_SYSTEM, cause, NULL,
                           "cannot use the state in '%s'", path);
    }
}

static int
bind_one(sqlite3_stmt *statement, int position, const SvirtBind *bind)
{
    switch (bind->kind) {
    case SVIRT_BIND_NUMBER:
        return sqlite3_bind_int64(statement, position, bind->number);
    case SVIRT_BIND_WORDS:
        return sqlite3_bind_text(statement, position, bind->data, -1,
                                 SQLITE_TRANSIENT);
    case SVIRT_BIND_BYTES:
        return bind->data == NULL
                   ? sqlite3_bind_null(statement, position)
                   : sqlite3_bind_blob64(statement, position, bind->data,
                                         bind->size, SQLITE_TRANSIENT);
    case SVIRT_BIND_END:
        break;
    }
    return SQLITE_MISUSE;
}

bool
svirt_statement_rebind(SvirtStatement *statement, const SvirtBind *binds,
                       GError **error)
{
    if (statement == NULL) {
        return true;
    }
    (void)sqlite3_reset(statement->compiled); /* repeats the last error */
    for (int i = 0; binds != NULL && binds[i].kind != SVIRT_BIND_END; i++) {
        int status = bind_one(statement->compiled, i + 1, &binds[i]);

        if (status != SQLITE_OK) {
            return svirt_state_raise(statement->state, status, error);
        }
    }
    return true;
}

void
svirt_statement_release(SvirtStatement *statement)
{
    if (statement != NULL) {
        (void)sqlite3_reset(statement->compiled);
        (void)sqlite3_clear_bindings(statement->compiled);
        statement->taken = false;
    }
}

void
svirt_statement_free(SvirtStatement *statement)
{
    (void)sqlite3_finalize(statement->compiled);
    g_free(statement);
}

/* NULL: nobody asked it yet, or who did is not done with it. */
static SvirtStatement *
find_compiled(const SvirtState *state, const char *sql)
{
    for (unsigned i = 0; i < state->statements->len; i++) {
        SvirtStatement *statement = state->statements->pdata[i];

        if (!statement->taken &&
            strcmp(sqlite3_sql(statement->compiled), sql) == 0) {
            return statement;
        }
    }
    return NULL;
}

bool
svirt_statement_prepare(SvirtState *state, const char *sql,
                        const SvirtBind *binds, SvirtStatement **ret,
                        GError **error)
{
    g_autoptr(SvirtStatement) statement = NULL;

    if (state->database == NULL) {
        *ret = NULL;
        return true;
    }
    statement = find_compiled(state, sql);
    if (statement == NULL) {
        sqlite3_stmt *compiled;
        int status = sqlite3_prepare_v2(state->database, sql, -1, &compiled,
                                        NULL);

        if (status != SQLITE_OK) {
            return svirt_state_raise(state, status, error);
        }
        statement = g_new0(SvirtStatement, 1);
        statement->state = state;
        statement->compiled = compiled;
        g_ptr_array_add(state->statements, statement);
    }
    statement->taken = true;
    if (!svirt_statement_rebind(statement, binds, error)) {
        return false;
    }
    *ret = g_steal_pointer(&statement);
    return true;
}

bool
svirt_statement_step(SvirtStatement *statement, sqlite3_stmt **ret_row,
                     GError **error)
{
    int status =
        statement == NULL ? SQLITE_DONE : sqlite3_step(statement->compiled);

    if (status != SQLITE_ROW && status != SQLITE_DONE) {
        return svirt_state_raise(statement->state, status, error);
    }
    *ret_row = status == SQLITE_ROW ? statement->compiled : NULL;
    return true;
}

bool
svirt_statement_list(SvirtState *state, const char *sql,
                     const SvirtBind *binds, SvirtRowRead read,
                     GDestroyNotify free_one, GPtrArray **ret, GError **error)
{
    g_autoptr(SvirtStatement) statement = NULL;
    g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func(free_one);
    sqlite3_stmt *row = NULL;

    if (!svirt_statement_prepare(state, sql, binds, &statement, error)) {
        return false;
    }
    for (;;) {
        void *element;

        if (!svirt_statement_step(statement, &row, error)) {
            return false;
        }
        if (row == NULL) {
            *ret = g_steal_pointer(&list);
            return true;
        }
        element = read(state, row, error);
        if (element == NULL) {
            return false;
        }
        g_ptr_array_add(list, element);
    }
}

void *
svirt_row_text(SvirtState *state, sqlite3_stmt *row, GError **error)
{
    char *text = svirt_statement_text(row, 0);

    if (text == NULL) {
        svirt_raise(error, SVIRT_ERROR_CORRUPT, NULL, NULL,
                    "the state holds no text where one belongs");
    }
    return text;
}

bool
svirt_statement_run(SvirtState *state, const char *sql,
                    const SvirtBind *binds, GError **error)
{
    g_autoptr(SvirtStatement) statement = NULL;
    sqlite3_stmt *row = NULL;

    g_assert(state->in_transaction);
    if (!svirt_statement_prepare(state, sql, binds, &statement, error)) {
        return false;
    }
    do {
        if (!svirt_statement_step(statement, &row, error)) {
            return false;
        }
    } while (row != NULL);
    return true;
}

unsigned
svirt_statement_changes(const SvirtState *state)
{
    return (unsigned)sqlite3_changes(state->database);
}

int64_t
svirt_statement_last_id(const SvirtState *state)
{
    return sqlite3_last_insert_rowid(state->database);
}

bool
svirt_statement_number(SvirtState *state, const char *sql,
                       const SvirtBind *binds, int64_t fallback, int64_t *ret,
                       GError **error)
{
    g_autoptr(SvirtStatement) statement = NULL;
    sqlite3_stmt *row = NULL;

    if (!svirt_statement_prepare(state, sql, binds, &statement, error) ||
        !svirt_statement_step(statement, &row, error)) {
        return false;
    }
    *ret = row != NULL && sqlite3_column_type(row, 0) != SQLITE_NULL
               ? sqlite3_column_int64(row, 0)
               : fallback;
    return true;
}

char *
svirt_statement_text(sqlite3_stmt *row, int column)
{
    return g_strdup((const char *)sqlite3_column_text(row, column));
}

SvirtUuid
svirt_statement_uuid(sqlite3_stmt *row, int column)
{
    const void *bytes = sqlite3_column_blob(row, column);
    SvirtUuid uuid = { { 0 } };

    if (bytes != NULL &&
        sqlite3_column_bytes(row, column) == (int)sizeof(uuid.bytes)) {
        memcpy(uuid.bytes, bytes, sizeof(uuid.bytes));
    }
    return uuid;
}
