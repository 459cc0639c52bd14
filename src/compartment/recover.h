/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/enum-table.h"
#include "base/uuid.h"
#include "compartment/fault.h"
#include "label/model-kind.h"
#include "state/state.h"

typedef enum SvirtRecoverOutcome {
    SVIRT_RECOVER_UNDONE,    /* carries what it carried before */
    SVIRT_RECOVER_UNTOUCHED, /* had not been written yet */
    SVIRT_RECOVER_FOREIGN,   /* carries neither: somebody else changed it */
    SVIRT_RECOVER_GONE,      /* the object exists no more */
    SVIRT_RECOVER_MOVED,     /* not found; the journal stays open */
    SVIRT_RECOVER_FAILED,    /* the write failed; the journal stays open */
    SVIRT_RECOVER_MAX
} SvirtRecoverOutcome;

SVIRT_ENUM_DECLARE(SvirtRecoverOutcome, svirt_recover_outcome)

/* One step of a journal, in the order it was undone. */
typedef struct SvirtRecoverRow {
    SvirtUuid uuid;
    char *verb; /* owned; the command that was cut off */
    char *path; /* owned */
    SvirtModelKind model;
    SvirtRecoverOutcome outcome;
    char *label;  /* owned; what it carries now; NULL: none or unknown */
    char *detail; /* owned; why it failed; NULL */
} SvirtRecoverRow;

void svirt_recover_row_free(SvirtRecoverRow *row);

/*
 * Undo the journals whose writers are dead, newest step first, and close
 * them. A second call after a crash in the first goes on where it stopped.
 * Journals of living writers are left alone, as are those with steps of
 * another kind than relabelling (*ret_left, NULL: not wanted, counts them and
 * those that stay open). `uuid` NULL: of every VM. *ret_rows:
 * SvirtRecoverRow *, owned by the caller.
 */
bool svirt_recover_journals(SvirtState *state, const SvirtUuid *uuid,
                            const SvirtFault *fault, GPtrArray **ret_rows,
                            unsigned *ret_left, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(SvirtRecoverRow, svirt_recover_row_free)
