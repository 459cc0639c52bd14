/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <sys/types.h>

#include "domain/domain.h"
#include "host/connection.h"

/* What carries an interface on this host. */
typedef struct SvirtNet {
    bool passt;     /* guest networking; else a tap */
    unsigned which; /* passt: of several, from 0 */
    char *bridge;   /* owned; NULL: passt, or a tap on none */
    char *device;   /* owned; below a macvtap; NULL: it is none */
    bool isolated;  /* on that bridge */
    char *because;  /* owned; why a network became this; NULL: as written */
} SvirtNet;

/*
 * What each interface of `domain` is here: a named network is the bridge of
 * <config_dir>/networks/NAME.xml, else of libvirt's definition if that bridge
 * exists; failing that, `default` is passt. *ret: SvirtNet *, owned by the
 * caller.
 *
 * NOT_FOUND: no such network or bridge; UNSUPPORTED, INVALID: its definition;
 * REFUSED: an author who is not root joins no bridge. With `ret_notices` (of
 * GError *) what is not found, and what a network became, is noted there
 * instead.
 */
bool svirt_nets_plan(const SvirtConnection *connection,
                     const SvirtDomain *domain, uid_t author,
                     GPtrArray *ret_notices, GPtrArray **ret, GError **error);

/* How many have a passt. */
unsigned svirt_nets_passts(const GPtrArray *nets);
/* "bridge br0", "passt", "tap"; with the reason. Owned by the caller. */
char *svirt_net_describe(const SvirtNet *net);
