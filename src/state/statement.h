/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sqlite3.h>

#include "base/uuid.h"
#include "state/state-private.h"
#include "state/state.h"

/* One value for one `?`, made by the macros below. */
typedef struct SvirtBind {
    enum {
        SVIRT_BIND_END,
        SVIRT_BIND_NUMBER,
        SVIRT_BIND_WORDS,
        SVIRT_BIND_BYTES,
    } kind;
    int64_t number;
    const void *data; /* borrowed until the statement was bound */
    size_t size;
} SvirtBind;

#define BIND_INT(x)                                                          \
    ((SvirtBind){ SVIRT_BIND_NUMBER, (int64_t)(x), NULL, 0 })
/* NULL text binds NULL. */
#define BIND_TEXT(x) ((SvirtBind){ SVIRT_BIND_WORDS, 0, (x), 0 })
/* NULL data binds NULL. */
#define BIND_BLOB(x, size) ((SvirtBind){ SVIRT_BIND_BYTES, 0, (x), (size) })
#define BIND_UUID(x) BIND_BLOB((x)->bytes, sizeof((x)->bytes))
#define BINDS(...) ((const SvirtBind[]){ __VA_ARGS__, { SVIRT_BIND_END } })

/* A compiled statement. It stays with the state, for the next who asks the
 * same: compiling one takes longer than running it. */
typedef struct SvirtStatement {
    SvirtState *state;      /* borrowed */
    sqlite3_stmt *compiled; /* owned */
    bool taken;             /* by somebody who has not released it yet */
} SvirtStatement;

/* Ends its reading, which would hold the log, and lets others have it. */
void svirt_statement_release(SvirtStatement *statement);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SvirtStatement, svirt_statement_release)
/* Of a state that is closed. */
void svirt_statement_free(SvirtStatement *statement);

/* The error of the last SQLite call, with the code and hint that fit. */
bool svirt_state_raise(const SvirtState *state, int status, GError **error);

/* `binds` NULL: none. NULL in *ret for a database that does not exist, which
 * svirt_statement_step takes for one without rows. */
bool svirt_statement_prepare(SvirtState *state, const char *sql,
                             const SvirtBind *binds, SvirtStatement **ret,
                             GError **error);
/* Ready for the next round with other values. */
bool svirt_statement_rebind(SvirtStatement *statement, const SvirtBind *binds,
                            GError **error);
/* The next row, valid until the next step or the release; NULL after the
 * last. */
bool svirt_statement_step(SvirtStatement *statement, sqlite3_stmt **ret_row,
                          GError **error);
/* One row made into what lists hold; NULL with error for a row that is none. */
typedef void *(*SvirtRowRead)(SvirtState *state, sqlite3_stmt *row,
                              GError **error);
/* Every row of a query; freed with `free_one`. Owned by the caller. */
bool svirt_statement_list(SvirtState *state, const char *sql,
                          const SvirtBind *binds, SvirtRowRead read,
                          GDestroyNotify free_one, GPtrArray **ret,
                          GError **error);
/* For it: the first column's text. */
void *svirt_row_text(SvirtState *state, sqlite3_stmt *row, GError **error);
/* Prepare, run to the end, release. For changes: inside a transaction only. */
bool svirt_statement_run(SvirtState *state, const char *sql,
                         const SvirtBind *binds, GError **error);
/* Rows the last svirt_statement_run changed. */
unsigned svirt_statement_changes(const SvirtState *state);
int64_t svirt_statement_last_id(const SvirtState *state);
/* One number of one row, `fallback` when there is none (or NULL). */
bool svirt_statement_number(SvirtState *state, const char *sql,
                            const SvirtBind *binds, int64_t fallback,
                            int64_t *ret, GError **error);

/* A column, owned by the caller; NULL for NULL. */
char *svirt_statement_text(sqlite3_stmt *row, int column);
/* All zero when the column does not hold 16 bytes. */
SvirtUuid svirt_statement_uuid(sqlite3_stmt *row, int column);
