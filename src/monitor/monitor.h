/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

#include "launch/confine.h"
#include "monitor/layout.h"

/*
 * The monitor after its confinement: everything from and to the VM that is not
 * a descriptor of a file passes here. Runs until the keeper says that the VMM
 * is gone, or until both ends are; then 0. A number else: what failed first.
 */
int svirt_monitor_run(const SvirtMonitorArgs *args,
                      const SvirtConfined *confined);
