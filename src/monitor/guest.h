/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

#include "keeper/message.h"
#include "monitor/qmp.h"

/*
 * What state the guest is in, from what its VMM says: QMP's events and the
 * answer to query-status. Pure. Words as libvirt's domstate --reason.
 */
typedef struct SvirtGuest {
    SvirtGuestState state;
    SvirtGuestReason reason;
    SvirtGuestReason stop_reason; /* why the next STOP comes; UNKNOWN: user */
    bool ran;                     /* was running once: RESUME is an unpause */
} SvirtGuest;

void svirt_guest_init(SvirtGuest *guest);
/* True when state or reason changed. `data` may be none. */
bool svirt_guest_event(SvirtGuest *guest, SvirtQmpEvent event,
                       SvirtJsonSpan data);
/*
 * The answer to query-status. False: it is not what QEMU answers (wrong
 * types); an unknown status word is only an unknown reason. *ret_changed.
 */
bool svirt_guest_status(SvirtGuest *guest, SvirtJsonSpan answer,
                        bool *ret_changed);
