/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* QEMU's longest answer, its own schema, has a third of that. */
#define SVIRT_JSON_LOAD_VALUES 65536u
#define SVIRT_JSON_LOAD_DEPTH 64u

/*
 * Jansson's tree of a text that a VMM or a guest wrote; owned by the caller.
 * NULL: no JSON, or deeper, or of more values and members, than the bounds
 * above: Jansson itself takes 2,048 levels, and makes 100 bytes and more of
 * two in the text. `flags` are Jansson's.
 */
json_t *svirt_json_load(const char *text, size_t length, size_t flags);
/* Would its tree stay within the bounds? Does not say that it is JSON. */
bool svirt_json_fits(const char *text, size_t length);
