/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/enum-table.h"
#include "base/uuid.h"
#include "compartment/fault.h"
#include "label/model-kind.h"
#include "state/state.h"

typedef enum SvirtRestoreOutcome {
    SVIRT_RESTORE_GIVEN_BACK,
    SVIRT_RESTORE_UNCHANGED, /* it carried its original already */
    SVIRT_RESTORE_CLAIMED,   /* another VM claims it: kept for that one */
    SVIRT_RESTORE_FOREIGN,   /* somebody else changed it: left alone */
    SVIRT_RESTORE_GONE,      /* the object exists no more */
    SVIRT_RESTORE_MOVED,     /* not found: kept, tried again by recover */
    SVIRT_RESTORE_FAILED,    /* the write failed: kept, tried again */
    SVIRT_RESTORE_OUTCOME_MAX
} SvirtRestoreOutcome;

/* "given back", "was unchanged", "kept: claimed by another VM", ... */
SVIRT_ENUM_DECLARE(SvirtRestoreOutcome, svirt_restore_outcome)

/* One object and model. */
typedef struct SvirtRestoreRow {
    char *path;  /* owned; where it is now, else where it was last seen */
    SvirtModelKind model;
    SvirtRestoreOutcome outcome;
    char *label;  /* owned; what it carries now; NULL: none or unknown */
    char *detail; /* owned; why it failed; NULL */
} SvirtRestoreRow;

void svirt_restore_row_free(SvirtRestoreRow *row);

/*
 * Drop the claims of a VM that is not running and give back what no other VM
 * claims. `only`: this object's alone (its recorded path, or a path to it
 * now); NULL: all. In one transaction of its own, so that nobody claims an
 * object meanwhile. Each object is found by identity: at its recorded path,
 * else by its file handle.
 *
 * *ret_rows: SvirtRestoreRow *, owned by the caller. An object that cannot be
 * given back is a row, not an error. NOT_FOUND: `only` names nothing of the
 * VM's.
 */
bool svirt_restore_owner(SvirtState *state, const SvirtUuid *uuid,
                         const char *only, const SvirtFault *fault,
                         GPtrArray **ret_rows, GError **error);
/* What nobody claims and was not given back yet: for `svirt recover`. */
bool svirt_restore_unclaimed(SvirtState *state, const SvirtFault *fault,
                             GPtrArray **ret_rows, GError **error);
/* Nothing failed and nothing was left unfound. */
bool svirt_restore_rows_complete(const GPtrArray *rows);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(SvirtRestoreRow, svirt_restore_row_free)
