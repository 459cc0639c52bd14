/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "launch/spec.h"

/* What the files that read a spec share. */

/* Absolute, no "." or "..", no empty part, no slash at the end, bounded. */
bool svirt_spec_path_ok(const char *path);
/* `offset` names a string of the spec. */
bool svirt_spec_string_ok(const SvirtLaunchSpec *spec, uint32_t offset);
/* Locks and socket files, whose descriptors were checked before. */
bool svirt_spec_check_held(const SvirtLaunchSpec *spec, const char **ret_why);
/* Files, and what `svirt exec` may be given. */
bool svirt_spec_check_files(const SvirtLaunchSpec *spec,
                            const char **ret_why);
