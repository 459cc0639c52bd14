/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "base/enum-table.h"

/*
 * Where a change of labels can be cut off: each journal record and each call
 * of a model, in the order they happen.
 */
typedef enum SvirtFaultPoint {
    SVIRT_FAULT_BEFORE_PLAN,  /* nothing is in the journal yet */
    SVIRT_FAULT_PLAN_WRITTEN, /* in the transaction, not committed */
    SVIRT_FAULT_PLANNED,      /* the plan is durable */
    SVIRT_FAULT_BEFORE_WRITE, /* of step `index` */
    SVIRT_FAULT_AFTER_WRITE,
    SVIRT_FAULT_READ_BACK,
    SVIRT_FAULT_BEFORE_CLOSE, /* all steps are made */
    SVIRT_FAULT_CLOSED,
    SVIRT_FAULT_BEFORE_UNDO, /* of step `index` */
    SVIRT_FAULT_AFTER_UNDO,
    SVIRT_FAULT_UNDONE, /* all of them; the journal is still open */
    SVIRT_FAULT_MAX
} SvirtFaultPoint;

SVIRT_ENUM_DECLARE(SvirtFaultPoint, svirt_fault_point)

/*
 * A test's hand in these places: it may end the process, or return false with
 * *error set, which the caller treats as its own failure there. Programs pass
 * NULL.
 */
typedef struct SvirtFault {
    bool (*at)(SvirtFaultPoint point, unsigned index, void *data,
               GError **error);
    void *data;
} SvirtFault;

/* True when `fault` is NULL. */
bool svirt_fault_at(const SvirtFault *fault, SvirtFaultPoint point,
                    unsigned index, GError **error);
