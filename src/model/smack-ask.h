/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/label-set.h"
#include "model/smack-fs.h"

/* Questions to the rules in force; `root` as svirt_smackfs_open gives it. */

/*
 * Does Smack keep a process with this label to its rules? False for the
 * reserved labels, one the kernel does not know, a host that lets some label
 * through everywhere (`unconfined`), and a label with bring-up rules. SYSTEM.
 */
bool svirt_smack_enforces(int root, const char *process, bool *ret_enforcing,
                          GError **error);
/* Neither the processes of `a` have any access to the process, the monitor and
 * the private objects of `b`, nor the other way round. SYSTEM. */
bool svirt_smack_separates(int root, const SvirtLabelSet *a,
                           const SvirtLabelSet *b, bool *ret_separates,
                           GError **error);
