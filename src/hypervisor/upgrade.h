/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hypervisor/manager.h"

/*
 * What a svirt stored that decided less at define than this one does, or that
 * was written into the database by hand: completed as define would (machine
 * alias, hardware), and stored unless `dry_run`. The caller holds the VM's run
 * lock. *ret NULL: nothing is missing; else owned by the caller, and what is
 * to be started. `domain` is the definition, parsed. Errors of
 * svirt_define_complete.
 */
bool svirt_upgrade(SvirtManager *manager, const SvirtDefinition *definition,
                   const SvirtDomain *domain, bool dry_run,
                   SvirtDefinition **ret, GError **error);
