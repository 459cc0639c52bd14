/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "cli/table.h"

/*
 * `svirt doctor` on a host that runs Smack: how it is set up, and what is wrong
 * with that. Adds rows of check, result, state, what is lost; *ret_ill is set
 * when one is bad. Nothing where the kernel does not run it. SYSTEM, CORRUPT.
 */
bool svirt_doctor_smack(SvirtTable *table, bool *ret_ill, GError **error);
