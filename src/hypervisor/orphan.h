/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hypervisor/manager.h"
#include "keeper/adopt.h"

/*
 * Ends a run that has no keeper: kills what lives of it, removes its cgroups
 * and its run directory. The cgroups are found by the UUID as well: a start
 * that was killed early has written no status that names them. False with
 * errno; what could be undone is.
 */
bool svirt_orphan_end(SvirtManager *manager, SvirtAdopt *orphan,
                      int timeout_ms);

/*
 * A start that was committed when its keeper died: asks the monitor whether
 * the guest runs, and decides. Waits for its answer at most `timeout_ms`;
 * without one it is an unfinished start. Any other state stays.
 */
SvirtAdoptState svirt_orphan_decide(SvirtAdopt *orphan, int timeout_ms);

/*
 * Is anything left of a run whose status tells nothing: a process in its
 * cgroups, or a monitor that answers? Without either its cgroups are gone now.
 */
bool svirt_orphan_lives(SvirtManager *manager, SvirtAdopt *orphan);

/*
 * Kills the VMM of a VM by its cgroup: for a run with a keeper, which then
 * releases it, and without a status. False with errno, ENOENT no such cgroup.
 */
bool svirt_orphan_kill(SvirtManager *manager, const SvirtUuid *uuid,
                       int timeout_ms);

/*
 * Before a start: ends what a dead run of that VM left. True when there was
 * nothing, too. STATE: its VMM lives without a keeper.
 */
bool svirt_orphan_clear(SvirtManager *manager, int runs,
                        const SvirtDefinition *definition, GError **error);
