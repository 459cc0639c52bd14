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
    bool *can_be_waived; /* of the last refusal; NULL: not wanted */
} SvirtRefusals;

/* svirt_refusal_check of `object`, named `path`, for `use`. */
bool svirt_refusals_check(const SvirtRefusals *refusals,
                          const SvirtObject *object, const char *path,
                          const char *target, SvirtRefusalUse use,
                          GError **error);
