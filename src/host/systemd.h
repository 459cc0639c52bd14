/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "base/uuid.h"

/*
 * systemd as the host's first process, over its own private socket: no bus
 * daemon and no library. Source: org.freedesktop.systemd1(5), the D-Bus
 * specification, sd_booted(3).
 */
bool svirt_systemd_is_there(void);

/* "svirt@UUID.service". */
#define SVIRT_UNIT_NAME (sizeof("svirt@.service") + SVIRT_UUID_TEXT)
void svirt_unit_name(const SvirtUuid *uuid, char ret[SVIRT_UNIT_NAME]);
/* Where its processes are, below the mount of cgroup2. */
#define SVIRT_UNIT_SLICE "machine.slice"

typedef struct SvirtUnit {
    const char *name;        /* "svirt@UUID.service" */
    const char *description; /* UTF-8 */
    const char *const *start;  /* NULL-terminated; [0] is the program's path */
    const char *const *stop;   /* the same; asked to end it */
    const char *const *after;  /* units it is stopped before; NULL: none */
    unsigned stop_timeout_s;   /* for `stop`; what is left then is killed */
    int stdin_fd;              /* what the program gets as descriptor 0 */
} SvirtUnit;

/*
 * Starts a transient service with a delegated cgroup in machine.slice, which
 * lives for as long as a process is left in it. Returns when systemd has taken
 * the job: the program itself tells whether it was started. BUSY: a unit of
 * that name is there still. SYSTEM: systemd cannot be reached; LAUNCH: it
 * refuses, its words are the cause.
 */
bool svirt_systemd_start(const SvirtUnit *unit, GError **error);
