/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "state/state.h"

/* "svrt": file(1) and a careless sqlite3 shell can tell whose file it is. */
#define SVIRT_SCHEMA_APPLICATION 0x73767274
#define SVIRT_SCHEMA_VERSION 1

/* Everything in one transaction that the caller holds. */
bool svirt_schema_create(SvirtState *state, GError **error);
