/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <jansson.h>

#include "hypervisor/manager.h"

/*
 * What is asked of a running VM, by its monitor. STATE: it is not running, or
 * runs without its monitor (hint: svirt recover); TIMEOUT: no answer;
 * REFUSED: QEMU says no, its words are the cause.
 */
typedef enum SvirtLifeVerb {
    SVIRT_LIFE_SHUTDOWN, /* the power button */
    SVIRT_LIFE_REBOOT,   /* reset, as a guest without an agent takes it */
    SVIRT_LIFE_SUSPEND,
    SVIRT_LIFE_RESUME,
} SvirtLifeVerb;

bool svirt_life_ask(SvirtManager *manager, const SvirtDefinition *definition,
                    SvirtLifeVerb verb, GError **error);

/* Until it is shut off. TIMEOUT. */
bool svirt_life_wait_off(SvirtManager *manager,
                         const SvirtDefinition *definition, int timeout_ms,
                         GError **error);

/*
 * The power button, again every five seconds (one that still boots hears none),
 * and destroy when it is not off by then. One that does not run is no error.
 */
bool svirt_life_stop(SvirtManager *manager, const SvirtDefinition *definition,
                     int timeout_ms, GError **error);

/*
 * Ends it at once and returns when everything of the run is released.
 * `graceful`: the VMM is asked to end, and never killed; TIMEOUT then.
 */
bool svirt_life_destroy(SvirtManager *manager,
                        const SvirtDefinition *definition, bool graceful,
                        GError **error);

/*
 * One QMP command as JSON; QEMU's answer, owned by the caller. Marks the VM
 * tainted with `taint`. The answer is bounded and valid JSON, else CORRUPT.
 */
bool svirt_life_qmp(SvirtManager *manager, const SvirtDefinition *definition,
                    const char *json, bool taint, char **ret, GError **error);

/*
 * A QMP command of svirt's own; `arguments` (NULL none) is the callee's. With
 * `give_fd` (-1 none) that descriptor goes along. *ret (NULL: not wanted) is
 * QEMU's "return", owned by the caller.
 */
bool svirt_life_call(SvirtManager *manager, const SvirtDefinition *definition,
                     const char *execute, json_t *arguments, int give_fd,
                     json_t **ret, GError **error);

/*
 * A connection on which the monitor tells QEMU's events
 * (svirt_control_next_event), for the caller to close.
 */
bool svirt_life_events(SvirtManager *manager,
                       const SvirtDefinition *definition, int *ret_fd,
                       GError **error);

/*
 * A connection to serial port `serial`, for the caller to relay and close.
 * BUSY: another client has it (`force` ends that one).
 */
bool svirt_life_console(SvirtManager *manager,
                        const SvirtDefinition *definition, uint32_t serial,
                        bool force, int *ret_fd, GError **error);
