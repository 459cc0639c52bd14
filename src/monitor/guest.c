/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "monitor/guest.h"

#include <string.h>

void
svirt_guest_init(SvirtGuest *guest)
{
    *guest = (SvirtGuest){
        .state = SVIRT_GUEST_PAUSED,
        .reason = SVIRT_REASON_STARTING,
    };
}

static bool
change(SvirtGuest *guest, SvirtGuestState state, SvirtGuestReason reason)
{
    bool changed = guest->state != state || guest->reason != reason;

    guest->state = state;
    guest->reason = reason;
    if (state == SVIRT_GUEST_RUNNING) {
        guest->ran = true;
        guest->stop_reason = SVIRT_REASON_UNKNOWN;
    }
    return changed;
}

static bool
data_is(SvirtJsonSpan data, const char *name, const char *word)
{
    SvirtJsonSpan value;

    return svirt_json_member(data, name, &value) &&
           svirt_json_is(value, word);
}

static bool
stopped(SvirtGuest *guest)
{
    SvirtGuestReason reason = guest->stop_reason;

    guest->stop_reason = SVIRT_REASON_UNKNOWN;
    switch (guest->state) {
    case SVIRT_GUEST_CRASHED:
    case SVIRT_GUEST_IN_SHUTDOWN:
    case SVIRT_GUEST_PMSUSPENDED:
        /* The vCPUs stop as part of that; it stays what it is. */
        return false;
    case SVIRT_GUEST_PAUSED:
        if (reason == SVIRT_REASON_UNKNOWN) {
            return false; /* repeated: it says nothing about why */
        }
        break;
    default:
        break;
    }
    return change(guest, SVIRT_GUEST_PAUSED,
                  reason == SVIRT_REASON_UNKNOWN ? SVIRT_REASON_USER : reason);
}

bool
svirt_guest_event(SvirtGuest *guest, SvirtQmpEvent event, SvirtJsonSpan data)
{
    switch (event) {
    case SVIRT_QMP_EVENT_SHUTDOWN:
        if (data_is(data, "reason", "guest-panic")) {
            return change(guest, SVIRT_GUEST_CRASHED, SVIRT_REASON_PANICKED);
        }
        return change(guest, SVIRT_GUEST_IN_SHUTDOWN,
                      data_is(data, "reason", "host-qmp-quit")
                          ? SVIRT_REASON_DESTROYED : SVIRT_REASON_SHUTDOWN);
    case SVIRT_QMP_EVENT_STOP:
        return stopped(guest);
    case SVIRT_QMP_EVENT_RESUME:
        return guest->state != SVIRT_GUEST_RUNNING &&
               change(guest, SVIRT_GUEST_RUNNING,
                      guest->ran ? SVIRT_REASON_USER : SVIRT_REASON_BOOTED);
    case SVIRT_QMP_EVENT_RESET:
        /* A panicked guest that is reset boots again; paused stays paused. */
        return guest->state == SVIRT_GUEST_CRASHED &&
               change(guest, SVIRT_GUEST_RUNNING, SVIRT_REASON_BOOTED);
    case SVIRT_QMP_EVENT_PANICKED:
        return change(guest, SVIRT_GUEST_CRASHED, SVIRT_REASON_PANICKED);
    case SVIRT_QMP_EVENT_IO_ERROR:
        if (data_is(data, "action", "stop")) {
            guest->stop_reason = SVIRT_REASON_IO_ERROR;
        }
        return false;
    case SVIRT_QMP_EVENT_WATCHDOG:
        if (data_is(data, "action", "pause")) {
            guest->stop_reason = SVIRT_REASON_WATCHDOG;
        }
        return false;
    case SVIRT_QMP_EVENT_SUSPEND:
        return change(guest, SVIRT_GUEST_PMSUSPENDED, SVIRT_REASON_UNKNOWN);
    case SVIRT_QMP_EVENT_WAKEUP:
        return guest->state == SVIRT_GUEST_PMSUSPENDED &&
               change(guest, SVIRT_GUEST_RUNNING, SVIRT_REASON_USER);
    case SVIRT_QMP_EVENT_OTHER:
    case SVIRT_QMP_EVENT_MAX:
        return false;
    }
    return false;
}

bool
svirt_guest_status(SvirtGuest *guest, SvirtJsonSpan answer, bool *ret_changed)
{
    /* QEMU's RunState words (qapi/run-state.json). */
    static const struct {
        const char *word;
        SvirtGuestState state;
        SvirtGuestReason reason;
    } rows[] = {
        { "running", SVIRT_GUEST_RUNNING, SVIRT_REASON_BOOTED },
        { "prelaunch", SVIRT_GUEST_PAUSED, SVIRT_REASON_STARTING },
        { "paused", SVIRT_GUEST_PAUSED, SVIRT_REASON_USER },
        { "io-error", SVIRT_GUEST_PAUSED, SVIRT_REASON_IO_ERROR },
        { "watchdog", SVIRT_GUEST_PAUSED, SVIRT_REASON_WATCHDOG },
        { "internal-error", SVIRT_GUEST_PAUSED, SVIRT_REASON_FAILED },
        { "guest-panicked", SVIRT_GUEST_CRASHED, SVIRT_REASON_PANICKED },
        { "shutdown", SVIRT_GUEST_IN_SHUTDOWN, SVIRT_REASON_SHUTDOWN },
        { "suspended", SVIRT_GUEST_PMSUSPENDED, SVIRT_REASON_UNKNOWN },
    };
    SvirtJsonSpan status, running;
    bool runs;

    if (!svirt_json_member(answer, "status", &status) ||
        !svirt_json_member(answer, "running", &running) ||
        svirt_json_type(status) != SVIRT_JSON_STRING ||
        !svirt_json_boolean(running, &runs)) {
        return false;
    }
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (!svirt_json_is(status, rows[i].word)) {
            continue;
        }
        /* The same state already known keeps its better reason. */
        *ret_changed = guest->state != rows[i].state &&
                       change(guest, rows[i].state, rows[i].reason);
        if (rows[i].state == SVIRT_GUEST_RUNNING) {
            guest->ran = true;
        }
        return true;
    }
    *ret_changed = change(guest, runs ? SVIRT_GUEST_RUNNING
                                      : SVIRT_GUEST_PAUSED,
                          SVIRT_REASON_UNKNOWN);
    return true;
}
