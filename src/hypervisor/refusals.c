/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hypervisor/refusals.h"

bool
svirt_refusals_check(const SvirtRefusals *refusals, const SvirtObject *object,
                     const char *path, const char *target,
                     SvirtRefusalUse use, GError **error)
{
    SvirtRefusalRequest request = {
        .use = use,
        .path = path,
        .target = target,
        .definition = refusals->definition,
        .now_s = refusals->now_s,
        .can_be_waived = refusals->can_be_waived,
    };

    return svirt_refusal_check(refusals->facts, refusals->state, object,
                               &request, refusals->waivers, error);
}
