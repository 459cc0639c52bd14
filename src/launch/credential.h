/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "launch/failure.h"
#include "launch/spec.h"

/*
 * SVIRT_STEP_CAPABILITIES: the bounding set emptied, ambient set cleared,
 * securebits set so that uid 0 and exec give nothing back, and locked. What
 * the next step needs (setuid, setgid) stays in the effective set until it has
 * been used. capabilities(7). A caller without CAP_SETPCAP, which has no
 * capabilities to lose, passes when its sets are empty.
 */
bool svirt_credential_bound(SvirtLaunchFailure *failure);

/*
 * SVIRT_STEP_IDENTITY: no supplementary groups, then gid, then uid (real,
 * effective, saved and file system), then no capability in any set; all of it
 * read back. `keep_ids` (a waiver of the uid layer): the ids stay as they are,
 * groups (but with SVIRT_EXEC_OWN_IDS in `exec`) and capabilities go all the
 * same.
 */
bool svirt_credential_take(const SvirtSpecIds *ids, bool keep_ids,
                           uint32_t exec, SvirtLaunchFailure *failure);
/* No capability in any set. */
bool svirt_credential_is_bare(void);

/* SVIRT_STEP_NO_NEW_PRIVS, read back. */
bool svirt_credential_no_new_privs(SvirtLaunchFailure *failure);

/* It ends when who started it does, however that was. prctl(2), read back by
 * nobody: who ended before is found by the launch's next word to it. */
bool svirt_credential_tie(SvirtLaunchFailure *failure);
