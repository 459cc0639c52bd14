/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hypervisor/manager.h"

/*
 * Another name for a domain that is shut off; its UUID, and so its labels and
 * files, stay. STATE: it runs; EXISTS: the name is taken; INVALID: it is none.
 */
bool svirt_rename(SvirtManager *manager, const SvirtDefinition *definition,
                  const char *name, GError **error);
