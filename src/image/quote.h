/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

/*
 * Names in headers are written by guests and end on an administrator's
 * terminal: control and formatting characters and bytes that are no UTF-8
 * are shown as \xNN or \u{N}, and more than SVIRT_IMAGE_QUOTE_MAX characters
 * as "...".
 */
#define SVIRT_IMAGE_QUOTE_MAX 200

/*
 * Is `text` (UTF-8) free of characters that control a terminal or reorder,
 * hide or break the line they stand in?
 */
bool svirt_image_text_is_plain(const char *text);

/* "'name'"; "none" without quotes for NULL. */
void svirt_image_quote_append(GString *text, const char *name);
/* The same as a string of the caller's. */
char *svirt_image_quote(const char *name);
