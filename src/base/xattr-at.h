/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

/*
 * Set the extended attribute `name` of `entry`, a name without a slash, in a
 * directory that nobody else can change (there is no setxattrat(2) before Linux
 * 6.13). A link is not followed. No GLib: the child of a launch uses it. False
 * with errno.
 */
bool svirt_xattr_set_at(int dir_fd, const char *entry, const char *name,
                        const char *value);
