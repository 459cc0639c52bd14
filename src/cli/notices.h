/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <jansson.h>

/*
 * What goes well but should be known: lists of GError *, shown as errors are
 * but for the word.
 */

/* "warning: message", causes and hint, on stderr. */
void svirt_notices_print(const GPtrArray *notices);
/*
 * One error: {"message": .., "causes": [..], "hint": .., "code": N}, the code
 * as svirt would exit; the caller's.
 */
json_t *svirt_notice_to_json(const GError *error);
/* An array of them. */
json_t *svirt_notices_to_json(const GPtrArray *notices);
/* An object, indented, on stdout; takes it. */
void svirt_json_print(json_t *object);
