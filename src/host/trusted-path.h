/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

/*
 * Can nobody but root and the caller change what the absolute `path` leads to?
 * Every directory and symbolic link on the way, as far as it exists, must
 * belong to root or the caller; a directory that others may write in must be
 * sticky. REFUSED names the first that is not; INVALID: too many links.
 * What a trusted path leads to stays trusted: nobody else can swap a part.
 */
bool svirt_trusted_path_check(const char *path, GError **error);
