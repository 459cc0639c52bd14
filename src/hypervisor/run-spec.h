/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hypervisor/manager.h"
#include "launch/spec.h"

/* The launch spec of a running VM, to compare with what is found. */
typedef struct SvirtRunSpec SvirtRunSpec;

/* STATE: not running; CORRUPT: the copy in the run directory is damaged. */
bool svirt_run_spec_open(SvirtManager *manager, const SvirtUuid *uuid,
                         const char *name, SvirtRunSpec **ret, GError **error);
void svirt_run_spec_free(SvirtRunSpec *spec);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SvirtRunSpec, svirt_run_spec_free)
/* Borrowed. */
const SvirtLaunchSpec *svirt_run_spec_view(const SvirtRunSpec *spec);
