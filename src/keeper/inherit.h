/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

#include "launch/spec.h"

/*
 * The descriptors a keeper is born with. False with errno.
 */

/* 0, 1 and 2 become /dev/null, whatever they were. */
bool svirt_inherit_null(void);
/* All but the connection to svirt is closed: the rest is handed over. */
bool svirt_inherit_svirt_alone(void);
/*
 * Checks that every source of the spec lies in the bounds of keeper/layout.h
 * and is open (EBADF), sets CLOEXEC on each, and closes everything the spec
 * does not name; `adopting` keeps the numbers adoption uses.
 */
bool svirt_inherit_check(const SvirtLaunchSpec *spec, bool adopting);
/* Closes what neither a monitor nor the keeper will need. */
void svirt_inherit_drop_launched(const SvirtLaunchSpec *spec);
/* The source of the first entry of that role and index, -1 none. */
int svirt_inherit_find(const SvirtLaunchSpec *spec, SvirtFdRole role,
                       uint32_t index);
