/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/apparmor-stream.h"

#include <endian.h>
#include <string.h>

static void
put(GByteArray *out, const void *bytes, size_t count)
{
    g_byte_array_append(out, bytes, (guint)count);
}

static void
put_text(GByteArray *out, const char *text)
{
    const uint16_t size = (uint16_t)(strlen(text) + 1);
    const uint16_t stored = htole16(size);

    put(out, &stored, sizeof(stored));
    put(out, text, size);
}

void
svirt_stream_code(GByteArray *out, const char *tag, SvirtStreamCode code)
{
    uint8_t byte = SVIRT_CODE_TAG;

    if (tag != NULL) {
        put(out, &byte, 1);
        put_text(out, tag);
    }
    byte = (uint8_t)code;
    put(out, &byte, 1);
}

void
svirt_stream_u32(GByteArray *out, const char *tag, uint32_t value)
{
    const uint32_t stored = htole32(value);

    svirt_stream_code(out, tag, SVIRT_CODE_U32);
    put(out, &stored, sizeof(stored));
}

void
svirt_stream_string(GByteArray *out, const char *tag, const char *text)
{
    svirt_stream_code(out, tag, SVIRT_CODE_STRING);
    put_text(out, text);
}

guint
svirt_stream_begin_blob(GByteArray *out, const char *tag)
{
    static const uint8_t zero[8];
    guint at;

    svirt_stream_code(out, tag, SVIRT_CODE_BLOB);
    at = out->len;
    put(out, zero, sizeof(uint32_t));
    put(out, zero, -out->len & 7);
    return at;
}

void
svirt_stream_end_blob(GByteArray *out, guint at)
{
    const uint32_t size =
        htole32(out->len - at - (guint)sizeof(uint32_t));

    memcpy(out->data + at, &size, sizeof(size));
}
