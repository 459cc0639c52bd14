/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/uuid.h"

#include <assert.h>
#include <string.h>
#include <sys/random.h>

static int
hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    if (c >= 'A' && c <= 'F') {
        return c - 'A' + 10;
    }
    return -1;
}

bool
svirt_uuid_parse(const char *text, SvirtUuid *ret)
{
    SvirtUuid uuid = { { 0 } };
    unsigned digits = 0;
    bool same;

    for (const char *p = text; *p != '\0'; p++) {
        int digit;

        if (*p == '-' || *p == ' ') {
            continue;
        }
        digit = hex_digit(*p);
        if (digit < 0 || digits == 32) {
            return false;
        }
        uuid.bytes[digits / 2] =
            (uint8_t)(uuid.bytes[digits / 2] << 4 | digit);
        digits++;
    }
    same = uuid.bytes[0] >> 4 == (uuid.bytes[0] & 15);
    for (unsigned i = 1; same && i < sizeof(uuid.bytes); i++) {
        same = uuid.bytes[i] == uuid.bytes[0];
    }
    if (digits != 32 || same) {
        return false;
    }
    *ret = uuid;
    return true;
}

void
svirt_uuid_format(const SvirtUuid *uuid, char text[SVIRT_UUID_TEXT])
{
    static const char digits[] = "0123456789abcdef";
    char *p = text;

    /* A list formats thousands: printf took longer than all the rest. */
    for (size_t i = 0; i < sizeof(uuid->bytes); i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10) {
            *p++ = '-';
        }
        *p++ = digits[uuid->bytes[i] >> 4];
        *p++ = digits[uuid->bytes[i] & 0x0f];
    }
    *p = '\0';
}

void
svirt_uuid_generate(SvirtUuid *ret)
{
    SvirtUuid uuid;
    ssize_t got = getrandom(uuid.bytes, sizeof(uuid.bytes), 0);

    /* Requests of up to 256 bytes are never interrupted: random(4). */
    assert(got == (ssize_t)sizeof(uuid.bytes));
    uuid.bytes[6] = (uint8_t)((uuid.bytes[6] & 0x0f) | 0x40);
    uuid.bytes[8] = (uint8_t)((uuid.bytes[8] & 0x3f) | 0x80);
    *ret = uuid;
}

bool
svirt_uuid_equal(const SvirtUuid *a, const SvirtUuid *b)
{
    return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

bool
svirt_uuid_is_program(const SvirtUuid *uuid)
{
    return memcmp(uuid->bytes, SVIRT_UUID_PROGRAM,
                  sizeof(SVIRT_UUID_PROGRAM) - 1) == 0;
}
