/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <sys/types.h>

#include "domain/domain.h"
#include "launch/cgroup.h"

/*
 * What the definition asks for of the cgroup of its VMM; *ret: of
 * SvirtCgroupWish, owned by the caller, empty when it asks for nothing. A
 * device of <blkiotune> is looked up here: NOT_FOUND, or INVALID when it is no
 * block device.
 */
bool svirt_tune_wishes(const SvirtTune *tune, GArray **ret, GError **error);

/*
 * Puts every thread of the VMM onto the CPUs that the definition gives it. The
 * VMM runs no guest yet and cannot change its places later: its filter has no
 * such call. INVALID: this host has none of those CPUs.
 */
bool svirt_tune_pin(pid_t vmm, const SvirtTune *tune, GError **error);
