/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "compartment/refusal-facts.h"

/* One call of svirt_refusal_check. All borrowed. */
typedef struct SvirtRefusalCheck {
    const SvirtRefusalFacts *facts;
    SvirtState *state; /* NULL: none */
    const SvirtObject *object;
    const SvirtRefusalRequest *request;
    char *const *aliases; /* the first is where the object is */
} SvirtRefusalCheck;

/*
 * What the rule has against the object, owned by the caller; *ret_why stays
 * NULL when it has nothing. Waivers are not its matter.
 */
bool svirt_refusal_rule_judge(SvirtRefusalRule rule,
                              const SvirtRefusalCheck *check, char **ret_why,
                              GError **error);
