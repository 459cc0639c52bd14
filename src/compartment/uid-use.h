/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"
#include "state/state.h"

/*
 * Which uids and gids of a range something on this host still goes by: a
 * process, an account, a subordinate range, an IPC object, a key, a shared
 * memory file, or a file svirt labelled and has not given back.
 */
typedef struct SvirtUidUse SvirtUidUse;

/*
 * Looks once, at everything. `root` is put before the paths ("" for the host;
 * a directory with etc, proc and dev for tests). What the kernel does not
 * offer (no SysV IPC) has no users; what cannot be read is SYSTEM. Owned by
 * the caller.
 */
bool svirt_uid_use_read(SvirtState *state, const char *root, uid_t first,
                        uid_t last, SvirtUidUse **ret, GError **error);
void svirt_uid_use_free(SvirtUidUse *use);
/* A SvirtUidInUse; `data` is the SvirtUidUse. */
bool svirt_uid_use_has(uid_t first, unsigned count, void *data);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(SvirtUidUse, svirt_uid_use_free)
