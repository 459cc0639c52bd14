/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "launch/cgroup.h"

/*
 * The address (`bits` its full width) lies in the list that the address
 * filter always refuses. Pure.
 */
bool svirt_address_is_refused(const SvirtAddressRule *address);
