/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "monitor/json.h"

#include <string.h>

/* Each skip_* gives the first byte behind what it skipped, NULL: malformed. */

static const char *
skip_space(const char *p, const char *end)
{
    while (p < end && (*p == ' ' || *p == '\t' || *p == '\r' || *p == '\n')) {
        p++;
    }
    return p;
}

static const char *
skip_word(const char *p, const char *end, const char *word)
{
    size_t length = strlen(word);

    if ((size_t)(end - p) < length || memcmp(p, word, length) != 0) {
        return NULL;
    }
    return p + length;
}

static const char *
skip_digits(const char *p, const char *end)
{
    const char *start = p;

    while (p < end && *p >= '0' && *p <= '9') {
        p++;
    }
    return p > start ? p : NULL;
}

static const char *
skip_number(const char *p, const char *end)
{
    if (p < end && *p == '-') {
        p++;
    }
    if (p < end && *p == '0') {
        p++;
    } else {
        p = skip_digits(p, end);
    }
    if (p != NULL && p < end && *p == '.') {
        p = skip_digits(p + 1, end);
    }
    if (p != NULL && p < end && (*p == 'e' || *p == 'E')) {
        p++;
        if (p < end && (*p == '+' || *p == '-')) {
            p++;
        }
        p = skip_digits(p, end);
    }
    return p;
}

static const char *
skip_escape(const char *p, const char *end)
{
    if (p == end) {
        return NULL;
    }
    if (*p != 'u') {
        return strchr("\"\\/bfnrt", *p) != NULL && *p != '\0' ? p + 1 : NULL;
    }
    p++;
    for (int i = 0; i < 4; i++, p++) {
        if (p == end || !((*p >= '0' && *p <= '9') ||
                          ((*p | 0x20) >= 'a' && (*p | 0x20) <= 'f'))) {
            return NULL;
        }
    }
    return p;
}

/* One UTF-8 sequence of two to four bytes, shortest form, no surrogate. */
static const char *
skip_utf8(const char *p, const char *end)
{
    const unsigned char *byte = (const unsigned char *)p;
    unsigned length = byte[0] >= 0xf0 ? 4 : byte[0] >= 0xe0 ? 3 : 2;

    if (byte[0] < 0xc2 || byte[0] > 0xf4 || (size_t)(end - p) < length) {
        return NULL;
    }
    for (unsigned i = 1; i < length; i++) {
        if ((byte[i] & 0xc0) != 0x80) {
            return NULL;
        }
    }
    if ((byte[0] == 0xe0 && byte[1] < 0xa0) ||
        (byte[0] == 0xed && byte[1] > 0x9f) ||
        (byte[0] == 0xf0 && byte[1] < 0x90) ||
        (byte[0] == 0xf4 && byte[1] > 0x8f)) {
        return NULL;
    }
    return p + length;
}

static const char *
skip_string(const char *p, const char *end)
{
    if (p == end || *p != '"') {
        return NULL;
    }
    p++;
    while (p != NULL && p < end && *p != '"') {
        unsigned char byte = (unsigned char)*p;

        if (byte == '\\') {
            p = skip_escape(p + 1, end);
        } else if (byte >= 0x80) {
            p = skip_utf8(p, end);
        } else {
            p = byte >= 0x20 && byte != 0x7f ? p + 1 : NULL;
        }
    }
    return p != NULL && p < end ? p + 1 : NULL;
}

/* `"name" :` and the white space around it. */
static const char *
skip_key(const char *p, const char *end)
{
    p = skip_string(skip_space(p, end), end);
    if (p == NULL) {
        return NULL;
    }
    p = skip_space(p, end);
    return p < end && *p == ':' ? skip_space(p + 1, end) : NULL;
}

static const char *
skip_scalar(const char *p, const char *end)
{
    switch (*p) {
    case '"':
        return skip_string(p, end);
    case 't':
        return skip_word(p, end, "true");
    case 'f':
        return skip_word(p, end, "false");
    case 'n':
        return skip_word(p, end, "null");
    default:
        return skip_number(p, end);
    }
}

/* The open containers: bit i is set when the one at depth i is an object. */
typedef struct Nesting {
    uint64_t objects;
    unsigned depth;
} Nesting;

/*
 * Behind a value: closes the containers it ends and steps over a comma.
 * *ret_more says whether another value follows.
 */
static const char *
skip_separator(const char *p, const char *end, Nesting *nesting,
               bool *ret_more)
{
    while (nesting->depth > 0) {
        bool object = (nesting->objects >> (nesting->depth - 1)) & 1;

        p = skip_space(p, end);
        if (p < end && *p == ',') {
            *ret_more = true;
            p = skip_space(p + 1, end);
            return object ? skip_key(p, end) : p;
        }
        if (p == end || *p != (object ? '}' : ']')) {
            return NULL;
        }
        p++;
        nesting->depth--;
        nesting->objects &= ~((uint64_t)1 << nesting->depth);
    }
    *ret_more = false;
    return p;
}

/* A loop, not a recursion: the text decides the depth, not the stack. */
static const char *
skip_value(const char *p, const char *end)
{
    Nesting nesting = { 0 };
    bool more = true;

    while (p != NULL && more) {
        bool object;

        p = skip_space(p, end);
        if (p == end) {
            return NULL;
        }
        object = *p == '{';
        if (object || *p == '[') {
            p = skip_space(p + 1, end);
            if (p == end || nesting.depth == SVIRT_JSON_MAX_DEPTH) {
                return NULL;
            }
            if (*p != (object ? '}' : ']')) {
                nesting.objects |= (uint64_t)object << nesting.depth;
                nesting.depth++;
                p = object ? skip_key(p, end) : p;
                continue;
            }
            p++;
        } else {
            p = skip_scalar(p, end);
        }
        p = p == NULL ? NULL : skip_separator(p, end, &nesting, &more);
    }
    return p;
}

bool
svirt_json_check(const char *text, size_t length, SvirtJsonSpan *ret)
{
    const char *end;
    const char *start;
    const char *behind;

    if (text == NULL) {
        return false;
    }
    end = text + length;
    start = skip_space(text, end);
    behind = skip_value(start, end);
    if (behind == NULL || skip_space(behind, end) != end) {
        return false;
    }
    *ret = (SvirtJsonSpan){ start, (size_t)(behind - start) };
    return true;
}

SvirtJsonType
svirt_json_type(SvirtJsonSpan value)
{
    switch (value.text[0]) {
    case '{':
        return SVIRT_JSON_OBJECT;
    case '[':
        return SVIRT_JSON_ARRAY;
    case '"':
        return SVIRT_JSON_STRING;
    case 't':
    case 'f':
        return SVIRT_JSON_BOOLEAN;
    case 'n':
        return SVIRT_JSON_NULL;
    default:
        return SVIRT_JSON_NUMBER;
    }
}

bool
svirt_json_next(SvirtJsonSpan object, const char **cursor,
                SvirtJsonSpan *ret_name, SvirtJsonSpan *ret_value)
{
    const char *end = object.text + object.length;
    const char *p = *cursor == NULL ? object.text : *cursor;
    const char *behind;

    /* The text was checked, so no step can fail. */
    p = skip_space(p, end);
    if (p == end || *p == '}') {
        return false;
    }
    p = skip_space(p + 1, end); /* the brace or the comma */
    if (p == end || *p != '"') {
        return false;
    }
    behind = skip_string(p, end);
    *ret_name = (SvirtJsonSpan){ p, (size_t)(behind - p) };
    p = skip_key(p, end);
    behind = skip_value(p, end);
    *ret_value = (SvirtJsonSpan){ p, (size_t)(behind - p) };
    *cursor = behind;
    return true;
}

bool
svirt_json_member(SvirtJsonSpan object, const char *name, SvirtJsonSpan *ret)
{
    const char *cursor = NULL;
    SvirtJsonSpan key, value;

    if (object.text == NULL || object.text[0] != '{') {
        return false;
    }
    while (svirt_json_next(object, &cursor, &key, &value)) {
        if (svirt_json_is(key, name)) {
            *ret = value;
            return true;
        }
    }
    return false;
}

bool
svirt_json_string(SvirtJsonSpan value, char *ret, size_t size)
{
    if (value.text == NULL || value.text[0] != '"' ||
        value.length - 2 >= size) {
        return false;
    }
    for (size_t i = 1; i < value.length - 1; i++) {
        if (value.text[i] == '\\' || (unsigned char)value.text[i] >= 0x7f) {
            return false;
        }
    }
    memcpy(ret, value.text + 1, value.length - 2);
    ret[value.length - 2] = '\0';
    return true;
}

bool
svirt_json_is(SvirtJsonSpan value, const char *string)
{
    size_t length = strlen(string);

    return value.text != NULL && value.length == length + 2 &&
           value.text[0] == '"' && memcmp(value.text + 1, string, length) == 0;
}

bool
svirt_json_boolean(SvirtJsonSpan value, bool *ret)
{
    if (value.text == NULL || (value.text[0] != 't' && value.text[0] != 'f')) {
        return false;
    }
    *ret = value.text[0] == 't';
    return true;
}
