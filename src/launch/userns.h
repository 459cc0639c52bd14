/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "launch/spec.h"

/*
 * A user namespace nobody is in, for svirt_mount_detach: what a file system
 * calls `from` appears as `to`, and nothing else is mapped. The descriptor
 * (CLOEXEC) is the caller's; -1 with errno: EPERM needs root, ENOSPC, EINVAL
 * a kernel without them. user_namespaces(7).
 */
int svirt_userns_for_owner(const SvirtSpecIds *from, const SvirtSpecIds *to);
