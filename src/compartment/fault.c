/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "compartment/fault.h"

SVIRT_ENUM_TABLE(SvirtFaultPoint, svirt_fault_point, SVIRT_FAULT_MAX,
                 [SVIRT_FAULT_BEFORE_PLAN] = "before-plan",
                 [SVIRT_FAULT_PLAN_WRITTEN] = "plan-written",
                 [SVIRT_FAULT_PLANNED] = "planned",
                 [SVIRT_FAULT_BEFORE_WRITE] = "before-write",
                 [SVIRT_FAULT_AFTER_WRITE] = "after-write",
                 [SVIRT_FAULT_READ_BACK] = "read-back",
                 [SVIRT_FAULT_BEFORE_CLOSE] = "before-close",
                 [SVIRT_FAULT_CLOSED] = "closed",
                 [SVIRT_FAULT_BEFORE_UNDO] = "before-undo",
                 [SVIRT_FAULT_AFTER_UNDO] = "after-undo",
                 [SVIRT_FAULT_UNDONE] = "undone")

bool
svirt_fault_at(const SvirtFault *fault, SvirtFaultPoint point, unsigned index,
               GError **error)
{
    return fault == NULL || fault->at(point, index, fault->data, error);
}
