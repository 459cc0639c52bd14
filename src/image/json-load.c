/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "image/json-load.h"

bool
svirt_json_fits(const char *text, size_t length)
{
    unsigned depth = 0, values = 1;
    bool in_string = false;

    for (size_t i = 0; i < length; i++) {
        switch (text[i]) {
        case '\\':
            /* What it escapes ends no string. */
            i += in_string;
            break;
        case '"':
            in_string = !in_string;
            break;
        case '{':
        case '[':
            depth += !in_string;
            values += !in_string;
            break;
        case '}':
        case ']':
            depth -= !in_string && depth > 0;
            break;
        case ',':
        case ':':
            values += !in_string;
            break;
        default:
            break;
        }
        if (depth > SVIRT_JSON_LOAD_DEPTH || values > SVIRT_JSON_LOAD_VALUES) {
            return false;
        }
    }
    return true;
}

json_t *
svirt_json_load(const char *text, size_t length, size_t flags)
{
    return svirt_json_fits(text, length)
               ? json_loadb(text, length, flags, NULL) : NULL;
}
