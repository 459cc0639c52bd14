/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "domain/domain.h"
#include "host/connection.h"

/*
 * Disks of type volume become files, once, by define: the pool is
 * CONFIG/storage/NAME.xml or, in the system instance, libvirt's
 * /etc/libvirt/storage/NAME.xml, and must be a directory (type dir, fs or
 * netfs). What no such pool has stays as it is, an obstacle to the start
 * (domain/obstacle.h). The tree is changed, and the obstacles with it; what
 * else is in the domain is so when it is read again. INVALID: a pool that
 * cannot be read; REFUSED: one that others can change.
 */
bool svirt_volumes_complete(const SvirtConnection *connection,
                            SvirtDomain *domain, GError **error);
