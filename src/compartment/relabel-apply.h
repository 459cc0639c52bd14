/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "compartment/fault.h"
#include "compartment/relabel-plan.h"
#include "state/state.h"

/* The word of our steps in the journal. */
#define SVIRT_RELABEL_ACTION "relabel"

/*
 * Has the plan anything to write: a label, or a claim on an object the VM has
 * not held before? False on every start but the first: the state can then
 * stay open for reading. BUSY: the VM has an open journal.
 */
bool svirt_relabel_is_needed(SvirtState *state, const SvirtRelabelPlan *plan,
                             bool *ret_needed, GError **error);

/*
 * Claim, remember the originals and journal the plan (one commit), write each
 * label by descriptor, read each back, close the journal (one more commit).
 * Without anything to write nothing is written. `state` is writable and
 * without a transaction. `verb` is the command: "start".
 *
 * When a step fails, the steps made are undone in reverse and the error is
 * that step's; where undoing fails too, the journal stays open for `svirt
 * recover`, which the hint says. BUSY: the VM has an open journal.
 *
 * What another author's VM claims is svirt_refusal_check's matter: where that
 * use was waived, the claim stays theirs.
 */
bool svirt_relabel_apply(SvirtState *state, const SvirtRelabelPlan *plan,
                         const char *verb, int64_t now_s,
                         const SvirtFault *fault, GError **error);

/*
 * A start that failed after svirt_relabel_apply: what `plan` wrote is taken
 * back, in reverse, where the object still carries it and no other VM has
 * claimed it meanwhile. `state` as there. The first error, after all of them
 * were tried.
 */
bool svirt_relabel_revert(SvirtState *state, const SvirtRelabelPlan *plan,
                          GError **error);

/*
 * The claims alone, for `define`: from now on no other author's VM may use
 * what this one may write. Within a transaction of the caller's.
 */
bool svirt_relabel_claim(SvirtState *state, const SvirtRelabelPlan *plan,
                         GError **error);
