/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hypervisor/manager.h"

/*
 * A domain of `svirt create` is gone at its end. Its keeper, or the stop of its
 * unit, sees to that; who died before, these do.
 */

/* From here on it is one; one that has ended already goes. */
bool svirt_transient_mark(SvirtManager *manager,
                          const SvirtDefinition *definition, GError **error);
/* Gone, if it is one and does not run. */
bool svirt_transient_end(SvirtManager *manager,
                         const SvirtDefinition *definition, GError **error);
/* The same for all of them; names (char *) of those that went, owned. */
bool svirt_transient_reap(SvirtManager *manager, GPtrArray **ret,
                          GError **error);
