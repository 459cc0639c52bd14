/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/credentials.h"
#include "base/object.h"
#include "compartment/refusal.h"
#include "state/definitions.h"
#include "state/state.h"

/* What every opening for one VM asks svirt_refusal_check with. Borrowed. */
typedef struct SvirtRefusals {
    const SvirtRefusalFacts *facts;
    SvirtState *state;
    const SvirtDefinition *definition;
    int64_t now_s;
    GPtrArray *waivers; /* of SvirtWaiver *: every one made use of; NULL */
    const char *own_path; /* a file of svirt's own for this VM; NULL none */
    bool *can_be_waived; /* of the last refusal; NULL: not wanted */
} SvirtRefusals;

/*
 * A failed call on something of the author's (NULL: root): REFUSED with a hint
 * when it is a matter of rights, else as svirt_raise_errno.
 */
bool svirt_refusals_raise_errno(GError **error, int errnum,
                                const SvirtCredentials *author,
                                const char *format, ...)
    G_GNUC_PRINTF(4, 5);

/*
 * The same error as `cause` (taken over) below one that says "cannot use WHAT
 * 'PATH' (line N)", with a hint in any case. False.
 */
bool svirt_refusals_raise_use(GError **error, GError *cause, const char *what,
                              const char *path, unsigned line);

/* svirt_refusal_check of `object`, named `path`, for `use`. */
bool svirt_refusals_check(const SvirtRefusals *refusals,
                          const SvirtObject *object, const char *path,
                          const char *target, SvirtRefusalUse use,
                          GError **error);
