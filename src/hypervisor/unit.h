/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hypervisor/manager.h"

/*
 * Does systemd run the VMs of this instance? Those of qemu:///system on a host
 * that it has booted, when root asks; everybody else's keeper is a process of
 * its own.
 */
bool svirt_unit_is_used(const SvirtConnection *connection);
/* svirt itself, as a later process finds it. Owned by the caller. */
char *svirt_unit_own_program(void);
/* Where the unit's cgroup is, below the mount. Owned by the caller. */
char *svirt_unit_cgroup(const SvirtUuid *uuid);

/*
 * svirt@UUID.service with a keeper, whose end of the conversation is
 * `keeper_fd`. At its stop (systemctl stop, the host's shutdown) the guest is
 * asked to shut down and destroyed when it has not in shutdown_timeout_s.
 * Waits a moment for a unit of an earlier run to go. LAUNCH, SYSTEM, BUSY.
 */
bool svirt_unit_start(SvirtManager *manager,
                      const SvirtDefinition *definition, const char *keeper,
                      int keeper_fd, GError **error);
