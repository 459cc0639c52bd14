/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/error.h"
#include "launch/spec.h"

/*
 * The launch spec of a running VM, to compare with what is found. `run_dirs`:
 * where the run directories are; any thread may ask. *ret lies in `room`, which
 * takes its size and is the caller's, for one VM after the other. STATE: there
 * is none, the VM does not run any more; CORRUPT: the copy in its run directory
 * is damaged.
 */
bool svirt_run_spec_read(int run_dirs, const SvirtUuid *uuid,
                         const char *name, GByteArray *room,
                         const SvirtLaunchSpec **ret, GError **error);
