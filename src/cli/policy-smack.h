/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cli/command.h"

/*
 * `svirt policy install-smack`: the host's own files leave Smack's floor
 * (model/smack-floor.h). Note, rules, labels, in this order, so that at no
 * instant a process of the host lacks what it had; broken off, the next run
 * goes on. REFUSED: Smack does not run; a tree that VMs execute from, or that
 * takes no label.
 */
bool svirt_policy_install_smack(const SvirtCli *cli, GError **error);
/* The reverse, of all that was noted. */
bool svirt_policy_uninstall_smack(const SvirtCli *cli, GError **error);
