/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

/*
 * A keeper in a service of systemd's, whose cgroup is the VM's to divide: the
 * kernel wants processes in leaves alone, so the keeper's is "keeper" beside
 * the VM's. No GLib. Source: cgroup-v2.rst, "No Internal Process Constraint".
 */
#define SVIRT_UNIT_KEEPER "keeper"

/* Of one that systemd started: into the leaf it makes. False with errno. */
bool svirt_unit_enter(void);
/*
 * Of a keeper that svirt recover started, by the cgroup of the VMM it adopts:
 * into the same leaf, if the VM is in such a service; else nothing.
 */
void svirt_unit_join(int vmm_cgroup_fd);
