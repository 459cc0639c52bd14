/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "domain/obstacle.h"

/*
 * The template with the element of a row and everything that its shape names.
 * `extra` (NULL: nothing) goes into the element too: "@NAME" an attribute, else
 * an element. *ret_listed: how many resources the shape makes. Owned by the
 * caller.
 */
char *grow_obstacle(const SvirtObstacleRow *row, const char *extra,
                    size_t *ret_listed);

/* A value that fits the first word of a type. */
const char *grow_sample(const char *type);
