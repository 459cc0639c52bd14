/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/*
 * The controllers of "memory pids cpu io" that the cgroup v2 directory `path`
 * does not have, as words joined by ", "; "" when it has them all or `path` is
 * "". Owned by the caller. Source: cgroup-v2.rst, cgroup.controllers.
 */
char *svirt_layers_missing_controllers(const char *path);
