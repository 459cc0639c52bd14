/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/error.h"

/*
 * Open a directory that nobody but the caller may write in: symlinks on the
 * way are followed, the directory itself must be owned by the effective uid
 * and have no write permission for group and others. `create` makes it, and
 * what is missing above it, 0700. Without `create` a missing directory gives
 * -1 in *ret_fd. REFUSED for an unsafe owner or mode; SYSTEM.
 */
bool svirt_directory_open(const char *path, bool create, int *ret_fd,
                          GError **error);
/*
 * Is the file `name` one that only the caller could have made and touched:
 * regular, own, no permission for group and others, a single link? *ret_exists
 * false when there is none. REFUSED otherwise.
 */
bool svirt_directory_check_file(int directory_fd, const char *shown_path,
                                const char *name, bool *ret_exists,
                                GError **error);
