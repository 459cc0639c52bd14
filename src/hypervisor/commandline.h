/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hypervisor/prepare.h"

/* The word for it in waivers; their resource is the domain's name. */
#define SVIRT_COMMANDLINE_LAYER "commandline"

/*
 * May the definition add to QEMU's command line? Nobody knows what the
 * arguments do, so only a waiver lets them through, into the same compartment
 * as ever, and of no author but root or the caller. It is added to
 * prepared->waivers. REFUSED.
 */
bool svirt_commandline_check(SvirtPrepared *prepared, SvirtState *state,
                             SvirtPrepareMode mode, GError **error);
