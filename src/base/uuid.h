/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* RFC 4122 text is 36 characters and a NUL. */
#define SVIRT_UUID_TEXT 37

typedef struct SvirtUuid {
    uint8_t bytes[16];
} SvirtUuid;

/*
 * Accepts what libvirt accepts: 32 hex digits, hyphens and spaces anywhere
 * between them. Refuses the nil UUID and all-same-digit UUIDs as libvirt does.
 * False, *ret untouched, for anything else.
 */
bool svirt_uuid_parse(const char *text, SvirtUuid *ret);
/* Lower case, hyphenated. */
void svirt_uuid_format(const SvirtUuid *uuid, char text[SVIRT_UUID_TEXT]);
/* A random version 4 UUID from getrandom(2). */
void svirt_uuid_generate(SvirtUuid *ret);
/*
 * Programs of `svirt exec` have UUIDs that begin with these bytes (version 8,
 * RFC 9562), which no domain may have.
 */
#define SVIRT_UUID_PROGRAM "svirt-\x80" "e\x80" "x"
bool svirt_uuid_is_program(const SvirtUuid *uuid);
bool svirt_uuid_equal(const SvirtUuid *a, const SvirtUuid *b);
