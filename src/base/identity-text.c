/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/identity.h"

/*
 * `1;f=100000;i=12;u=HEX;s=HEX;h=TYPE:HEX;b=SECONDS.NANOSECONDS;g=N;
 *  r=MAJOR:MINOR;d=TEXT`: the version, then the fields that are present.
 */
#define VERSION "1"
#define TEXT_MAX 1024

static void
append_hex(GString *text, const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        g_string_append_printf(text, "%02x", bytes[i]);
    }
}

char *
svirt_identity_format(const SvirtIdentity *identity)
{
    GString *text = g_string_new(VERSION);

    g_string_append_printf(text, ";f=%o;i=%" PRIu64,
                           (unsigned)identity->format, identity->ino);
    if (identity->fs_uuid_size > 0) {
        g_string_append(text, ";u=");
        append_hex(text, identity->fs_uuid, identity->fs_uuid_size);
    }
    if (identity->fsid != 0) {
        g_string_append_printf(text, ";s=%" PRIx64, identity->fsid);
    }
    if (identity->handle_size > 0) {
        g_string_append_printf(text, ";h=%" PRId32 ":",
                               identity->handle_type);
        append_hex(text, identity->handle, identity->handle_size);
    }
    if (identity->has_birth) {
        g_string_append_printf(text, ";b=%" PRId64 ".%09" PRIu32,
                               identity->birth_s, identity->birth_ns);
    }
    if (identity->has_generation) {
        g_string_append_printf(text, ";g=%" PRIu32, identity->generation);
    }
    if (identity->rdev_major != 0 || identity->rdev_minor != 0) {
        g_string_append_printf(text, ";r=%" PRIu32 ":%" PRIu32,
                               identity->rdev_major, identity->rdev_minor);
    }
    if (identity->device[0] != '\0') {
        g_string_append_printf(text, ";d=%s", identity->device);
    }
    return g_string_free(text, FALSE);
}

/* The bytes read, 0 for anything that is not 1 to `room` bytes of hex. */
static uint32_t
parse_hex(const char *text, uint8_t *bytes, size_t room)
{
    size_t size = strlen(text) / 2;

    if (strlen(text) % 2 != 0 || size > room) {
        return 0;
    }
    for (size_t i = 0; i < size; i++) {
        int high = g_ascii_xdigit_value(text[2 * i]);
        int low = g_ascii_xdigit_value(text[2 * i + 1]);

        if (high < 0 || low < 0) {
            return 0;
        }
        bytes[i] = (uint8_t)(high << 4 | low);
    }
    return (uint32_t)size;
}

static bool
parse_handle(char *value, SvirtIdentity *identity)
{
    char *colon = strchr(value, ':');
    gint64 type;

    if (colon == NULL) {
        return false;
    }
    *colon = '\0';
    if (!g_ascii_string_to_signed(value, 10, INT32_MIN, INT32_MAX, &type,
                                  NULL)) {
        return false;
    }
    identity->handle_type = (int32_t)type;
    identity->handle_size =
        parse_hex(colon + 1, identity->handle, SVIRT_IDENTITY_HANDLE_MAX);
    return identity->handle_size > 0;
}

/* Two numbers with `separator` between them. */
static bool
parse_pair(char *value, char separator, gint64 low, gint64 high,
           gint64 *ret_first, guint64 second_max, guint64 *ret_second)
{
    char *cut = strchr(value, separator);

    if (cut == NULL) {
        return false;
    }
    *cut = '\0';
    return g_ascii_string_to_signed(value, 10, low, high, ret_first, NULL) &&
           g_ascii_string_to_unsigned(cut + 1, 10, 0, second_max, ret_second,
                                      NULL);
}

static bool
parse_number(const char *value, unsigned base, guint64 max, guint64 *ret)
{
    return g_ascii_string_to_unsigned(value, base, 0, max, ret, NULL);
}

static bool
parse_field(char key, char *value, SvirtIdentity *identity)
{
    gint64 first = 0;
    guint64 number = 0;

    switch (key) {
    case 'f':
        if (!parse_number(value, 8, 0170000, &number)) {
            return false;
        }
        identity->format = (mode_t)number;
        return true;
    case 'i':
        return parse_number(value, 10, UINT64_MAX, &identity->ino);
    case 'u':
        identity->fs_uuid_size = (uint8_t)parse_hex(
            value, identity->fs_uuid, sizeof(identity->fs_uuid));
        return identity->fs_uuid_size > 0;
    case 's':
        return parse_number(value, 16, UINT64_MAX, &identity->fsid);
    case 'h':
        return parse_handle(value, identity);
    case 'b':
        identity->has_birth = true;
        if (!parse_pair(value, '.', INT64_MIN, INT64_MAX, &first, 999999999,
                        &number)) {
            return false;
        }
        identity->birth_s = first;
        identity->birth_ns = (uint32_t)number;
        return true;
    case 'g':
        identity->has_generation = true;
        if (!parse_number(value, 10, UINT32_MAX, &number)) {
            return false;
        }
        identity->generation = (uint32_t)number;
        return true;
    case 'r':
        if (!parse_pair(value, ':', 0, UINT32_MAX, &first, UINT32_MAX,
                        &number)) {
            return false;
        }
        identity->rdev_major = (uint32_t)first;
        identity->rdev_minor = (uint32_t)number;
        return true;
    case 'd':
        return *value != '\0' &&
               g_strlcpy(identity->device, value,
                         sizeof(identity->device)) <
                   sizeof(identity->device);
    default:
        return false;
    }
}

bool
svirt_identity_parse(const char *text, SvirtIdentity *ret, GError **error)
{
    SvirtIdentity identity = { 0 };
    g_auto(GStrv) fields = NULL;
    g_autofree char *again = NULL;

    if (strnlen(text, TEXT_MAX) == TEXT_MAX) {
        return svirt_raise(error, SVIRT_ERROR_CORRUPT, NULL, NULL,
                           "the identity of a file is too long");
    }
    fields = g_strsplit(text, ";", -1);
    for (unsigned i = 1; fields[0] != NULL && fields[i] != NULL; i++) {
        if (fields[i][0] == '\0' || fields[i][1] != '=' ||
            !parse_field(fields[i][0], fields[i] + 2, &identity)) {
            return svirt_raise(error, SVIRT_ERROR_CORRUPT, NULL, NULL,
                               "'%.64s' is no identity of a file", text);
        }
    }
    /* One spelling only: order, version, repetition are checked at once. */
    again = svirt_identity_format(&identity);
    if (strcmp(again, text) != 0) {
        return svirt_raise(error, SVIRT_ERROR_CORRUPT, NULL, NULL,
                           "'%.64s' is no identity of a file", text);
    }
    *ret = identity;
    return true;
}
