/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "domain/domain.h"

/*
 * "warning: FILE:LINE: what; this domain will not start" and a hint, on
 * stderr, for each: all of them, so that a definition is mended in one round.
 */
void svirt_obstacles_print(const SvirtDomain *domain);
