/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "image/json-depth.h"

bool
svirt_json_depth_fits(const char *text, unsigned max)
{
    bool in_string = false;
    unsigned depth = 0;

    for (; *text != '\0'; text++) {
        if (in_string) {
            if (*text == '\\' && text[1] != '\0') {
                text++;
            } else if (*text == '"') {
                in_string = false;
            }
        } else if (*text == '"') {
            in_string = true;
        } else if (*text == '{' || *text == '[') {
            if (++depth > max) {
                return false;
            }
        } else if ((*text == '}' || *text == ']') && depth > 0) {
            depth--;
        }
    }
    return true;
}
