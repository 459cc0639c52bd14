/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/label-set.h"
#include "base/error.h"

/*
 * What the processes of a VM may do under AppArmor, all of it. The same for
 * every VM but for the name and the objects of seed->paths: what a VMM is
 * handed over as a descriptor needs no rule.
 */

/* `svirt-UUID`, and its children for the monitor and the helper: one removal
 * takes all of them. */
#define SVIRT_APPARMOR_MONITOR "//monitor"
#define SVIRT_APPARMOR_HELPER "//passt"

/*
 * A key for which svirt's own profiles alone allow READ and no more: another
 * profile of that name was loaded by somebody else. Its first byte is a class
 * that no kernel asks for.
 */
#define SVIRT_APPARMOR_MARK "\xff" "svirt 1"
#define SVIRT_APPARMOR_MARK_SIZE (sizeof(SVIRT_APPARMOR_MARK) - 1)

/*
 * The profiles of the three labels, for one write. INVALID: a path that no
 * rule can name. REFUSED, UNSUPPORTED: apparmor-profile.h.
 */
bool svirt_apparmor_make(const SvirtLabelSeed *seed,
                         const SvirtLabelSet *labels, GByteArray *out,
                         GError **error);
