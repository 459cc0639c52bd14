/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "base/uuid.h"
#include "host/connection.h"

/*
 * Marks on definitions, a small file each in <state_dir>/<kind>/<uuid>: apart
 * from the database, so that a mark that is read at every start costs one
 * open(2), and one that is left of a domain long gone means nothing.
 */
#define SVIRT_AUTOSTART_ORDER 1000u /* unless given */
#define SVIRT_AUTOSTART_ORDER_MAX 9999u
#define SVIRT_AUTOSTART_DELAY_MAX 3600u

typedef struct SvirtAutostart {
    SvirtUuid uuid;
    bool on;
    unsigned order;   /* small ones first; shut down in reverse */
    unsigned delay_s; /* behind its start, before the next one's */
} SvirtAutostart;

bool svirt_autostart_read(const SvirtConnection *connection,
                          const SvirtUuid *uuid, SvirtAutostart *ret,
                          GError **error);
/* `mark->on` false removes it. */
bool svirt_autostart_write(const SvirtConnection *connection,
                           const SvirtAutostart *mark, GError **error);
/* Every mark (SvirtAutostart), in order; owned by the caller. */
bool svirt_autostart_list(const SvirtConnection *connection, GArray **ret,
                          GError **error);

/* A domain that is gone at its end: `create`. */
bool svirt_transient_read(const SvirtConnection *connection,
                          const SvirtUuid *uuid, bool *ret, GError **error);
/* Every such mark, as SvirtUuid; owned by the caller. */
bool svirt_transient_list(const SvirtConnection *connection, GArray **ret,
                          GError **error);
bool svirt_transient_write(const SvirtConnection *connection,
                           const SvirtUuid *uuid, bool on, GError **error);
