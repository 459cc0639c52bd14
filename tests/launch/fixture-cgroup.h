/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "launch/cgroup.h"

/*
 * A cgroup of its own below <mount>/<parent>. False: the test is skipped,
 * naming what is missing (root, a cgroup2 mount).
 */
bool fixture_cgroup_make(const char *parent, SvirtUuid *uuid,
                         SvirtCgroup *cgroup);
/* Kills, removes and closes it, and the parent with the last. */
void fixture_cgroup_end(const SvirtUuid *uuid, SvirtCgroup *cgroup);
