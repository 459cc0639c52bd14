/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <jansson.h>
#include <stdbool.h>

/*
 * A key as QMP's send-key takes it (qapi/ui.json, KeyValue), from a word of a
 * code set: "linux", numbers and names (KEY_A) of linux/input-event-codes.h;
 * "qnum", "xt" and "rfb", numbers as QEMU has them, 0x80 for what an 0xe0
 * comes before; "qcode", QEMU's names ("ctrl"). NULL with error: USAGE,
 * UNSUPPORTED for another code set.
 */
json_t *svirt_key_code(const char *codeset, const char *word, GError **error);
