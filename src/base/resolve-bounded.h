/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/credentials.h"
#include "base/error.h"

/*
 * svirt_resolve of a `path` that may pass a file system whose server answers
 * late or never (FUSE: anybody may run one). What the kernel remembers of the
 * path is taken at once (RESOLVE_CACHED of openat2(2)); anything else a child
 * looks up, which is given `timeout_ms` and then left behind: neither the
 * caller nor its end waits for it. 0: no child, what is not remembered is a
 * TIMEOUT.
 *
 * Nothing but the lookup is bounded: what the descriptor is of must be known to
 * answer before it is asked. TIMEOUT; else the errors of svirt_resolve, without
 * their causes.
 */
bool svirt_resolve_bounded(const char *path, const SvirtCredentials *author,
                           unsigned timeout_ms, int *ret_fd, GError **error);
