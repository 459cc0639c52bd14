/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hypervisor/manager.h"

/*
 * Joins standard input and output to a serial port until the guest ends, input
 * ends, or the user types ^] (as virsh). A terminal is raw meanwhile and set
 * back however this ends. `safe`: what the guest sends is shown with control
 * sequences replaced.
 */
bool svirt_console_attach(SvirtManager *manager,
                          const SvirtDefinition *definition, uint32_t serial,
                          bool force, bool safe, GError **error);
