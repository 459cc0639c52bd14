/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>

#include "base/error.h"

/*
 * The database of one connection: DIRECTORY/state.db (SQLite, WAL). Writers
 * of all processes queue on DIRECTORY/state.lock with flock(2), held from
 * begin to commit: SQLite's busy handler lets a waiting process starve.
 *
 * Every function of this folder that changes something must be called
 * between svirt_state_begin and svirt_state_commit (anything else is our
 * bug); functions that read may be called at any time.
 *
 * Errors of every function of this folder: SYSTEM with hint for a full or
 * failing disk, REFUSED for a directory or file with an unsafe owner or mode,
 * BUSY when the database stays locked, CORRUPT when it is damaged,
 * UNSUPPORTED when a newer svirt wrote it.
 */
typedef struct SvirtState SvirtState;

typedef enum SvirtStateAccess {
    SVIRT_STATE_READ,  /* nothing is created; a missing database is empty */
    SVIRT_STATE_WRITE, /* directory and database are created, 0700, 0600 */
} SvirtStateAccess;

/* `directory` is opened once; only its descriptor is used from then on. */
bool svirt_state_open(const char *directory, SvirtStateAccess access,
                      SvirtState **ret, GError **error);
/* An open transaction is rolled back. */
void svirt_state_free(SvirtState *state);

/* Waits its turn. The lock is not inherited by programs executed meanwhile. */
bool svirt_state_begin(SvirtState *state, GError **error);
/* Durable when it returns true (synchronous=FULL); else rolled back. */
bool svirt_state_commit(SvirtState *state, GError **error);
/* Does nothing without an open transaction. */
void svirt_state_rollback(SvirtState *state);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(SvirtState, svirt_state_free)

/* Rolls back at the end of the scope unless committed. */
static inline void
svirt_state_rollback_scope(SvirtState **state)
{
    if (*state != NULL) {
        svirt_state_rollback(*state);
    }
}
#define SVIRT_AUTO_ROLLBACK                                                  \
    __attribute__((cleanup(svirt_state_rollback_scope))) SvirtState
