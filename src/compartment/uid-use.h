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
 * Looks once, at what is quick to read; processes and shared memory files,
 * which take milliseconds, are read when svirt_uid_use_has is first asked for
 * uids that were not `seen` free before. `root` is put before the paths ("" for the host;
 * a directory with etc, proc and dev for tests). What the kernel does not
 * offer (no SysV IPC) has no users; what cannot be read is SYSTEM. Owned by
 * the caller.
 */
bool svirt_uid_use_read(SvirtState *state, const char *root, uid_t first,
                        uid_t last, SvirtUidUse **ret, GError **error);
void svirt_uid_use_free(SvirtUidUse *use);
/* A SvirtUidInUse; `data` is the SvirtUidUse. What cannot be read is in use:
 * see svirt_uid_use_check. */
bool svirt_uid_use_has(uid_t first, unsigned count, bool seen, void *data);
/* False with the error of a look that failed while it was asked. */
bool svirt_uid_use_check(const SvirtUidUse *use, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(SvirtUidUse, svirt_uid_use_free)
