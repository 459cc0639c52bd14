/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hypervisor/manager.h"

/*
 * How much memory the running guest has now, in bytes: what its balloon leaves
 * it, else all. The VMM says so: an answer that is late, wrong or more than
 * `domain` allows counts as all.
 */
uint64_t svirt_balloon_read(SvirtManager *manager,
                            const SvirtDefinition *definition,
                            const SvirtDomain *domain);
