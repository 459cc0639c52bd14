/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/enum-table.h"

#include <assert.h>
#include <string.h>

const char *
svirt_enum_word(const char *const *table, size_t count, unsigned value)
{
    assert(value < count && table[value] != NULL);
    return table[value];
}

int
svirt_enum_find(const char *const *table, size_t count, const char *text)
{
    if (text == NULL) {
        return -1;
    }
    for (size_t i = 0; i < count; i++) {
        if (table[i] != NULL && strcmp(table[i], text) == 0) {
            return (int)i;
        }
    }
    return -1;
}
