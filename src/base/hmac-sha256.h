/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define SVIRT_SHA256_BYTES 32

/*
 * HMAC-SHA256 (RFC 2104, FIPS 180-4). GLib's leaves copies of the key in
 * freed memory; this one wipes all it used, and needs no GLib.
 */
void svirt_hmac_sha256(const void *key, size_t key_size, const void *text,
                       size_t text_size, uint8_t ret[SVIRT_SHA256_BYTES]);
