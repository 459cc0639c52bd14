/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/object.h"
#include "compartment/mounts.h"

/*
 * A file system of FUSE's ("fuse", "fuseblk", "fuse.sshfs"): a process serves
 * it, maybe one of the very user that is not trusted, and each question to it
 * takes as long as that process likes. An unknown device or mount counts as
 * one: it was mounted since `mounts` were read.
 */
bool svirt_mount_is_fuse(const SvirtMount *mount);

/*
 * svirt_object_open for whoever must not be kept waiting. The path is looked up
 * within some seconds (svirt_resolve_bounded), in less once a lookup of these
 * `mounts` was given up, so that many cannot keep svirt for long. What lies on
 * FUSE is not asked anything. TIMEOUT: either; else the errors of
 * svirt_object_open.
 */
bool svirt_object_open_bounded(SvirtMounts *mounts, const char *path,
                               const SvirtCredentials *author, unsigned want,
                               SvirtObject **ret, GError **error);

/*
 * The root of a mount as a descriptor for open_by_handle_at(2); -1: it cannot
 * be opened in time, is no directory, or is of FUSE.
 */
int svirt_mount_open_bounded(SvirtMounts *mounts, const SvirtMount *mount);
