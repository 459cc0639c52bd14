/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/credentials.h"
#include "base/error.h"

/*
 * A path to an O_PATH descriptor, resolved once with `author`'s file-system
 * credentials (NULL: the caller's), through no magic link of procfs. Where
 * openat2(2) is missing or forbidden, openat(2) and a second look at the name
 * the kernel gives the result replace it; no_symlinks and beneath are then
 * UNSUPPORTED. Errors: as svirt_object_open.
 */
bool svirt_resolve(int dir_fd, const char *path,
                   const SvirtCredentials *author, bool no_symlinks,
                   bool beneath, int *ret_fd, GError **error);
