/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

/*
 * Makes this program's PT_GNU_RELRO segment read-only: what a dynamic loader
 * does, and nobody for a static program. Before anything else runs. False with
 * errno (mprotect(2)).
 */
bool svirt_relro_protect(void);
