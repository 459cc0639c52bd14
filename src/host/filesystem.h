/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

/*
 * Name of the pseudo file system (proc, sysfs, cgroup2, ...) that an opened
 * object lies on, NULL when it is one that stores files. Static string.
 * Source: linux/magic.h, fstatfs(2). -1 descriptors give NULL.
 */
const char *svirt_filesystem_pseudo_name(int fd);
