/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "selftest/runner.h"

/*
 * The stand-in for the other VM: svirt-probe as a victim, started by a runner
 * (for `svirt selftest`, in a compartment of its own).
 */
typedef struct SvirtSelftestVictim SvirtSelftestVictim;

/*
 * Returns when it is ready. `runner` is borrowed until the free. Errors:
 * those of the runner, TIMEOUT, CORRUPT.
 */
bool svirt_selftest_victim_start(const SvirtSelftestRunner *runner,
                                 SvirtSelftestVictim **ret, GError **error);
/* Ends it. NULL is fine. */
void svirt_selftest_victim_free(SvirtSelftestVictim *victim);

/* As the host numbers it. */
pid_t svirt_selftest_victim_pid(const SvirtSelftestVictim *victim);
/* Of SVIRT_PROBE_SECRET in its memory. */
gint64 svirt_selftest_victim_address(const SvirtSelftestVictim *victim);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(SvirtSelftestVictim, svirt_selftest_victim_free)
