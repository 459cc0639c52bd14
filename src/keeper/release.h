/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

#include "base/uuid.h"

/* What is left of a run when its VMM is dead. No GLib. */

/*
 * Removes every file of the run directory, then the directory itself, if its
 * parent still has it under the UUID's name. False with errno: something is
 * left.
 */
bool svirt_release_run_dir(int run_dir_fd, const SvirtUuid *uuid);
/*
 * Kills and removes the VM's cgroups, found from the leaf of its VMM (-1: there
 * is none, true). False with errno.
 */
bool svirt_release_cgroups(int vmm_cgroup_fd, const SvirtUuid *uuid,
                           int timeout_ms);
