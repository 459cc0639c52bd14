/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/*
 * Enums end in _MAX and have one table of words, indexed by value. The two
 * macros give `const char *NAME_to_string(Type)` (a static string) and
 * `bool NAME_from_string(const char *, Type *ret)` (false, ret untouched, for
 * an unknown word); `const char *const *NAME_words(size_t *)` is the table, of
 * *ret entries, with NULL and "" for values that have no word.
 *
 *     header:  SVIRT_ENUM_DECLARE(SvirtColour, svirt_colour)
 *     source:  SVIRT_ENUM_TABLE(SvirtColour, svirt_colour, SVIRT_COLOUR_MAX,
 *                               [SVIRT_COLOUR_RED] = "red", ...)
 */
#define SVIRT_ENUM_DECLARE(Type, name)                                       \
    const char *name##_to_string(Type value);                                \
    bool name##_from_string(const char *text, Type *ret);                    \
    const char *const *name##_words(size_t *ret);

#define SVIRT_ENUM_TABLE(Type, name, max, ...)                               \
    static const char *const name##_table[(max)] = { __VA_ARGS__ };          \
    const char *name##_to_string(Type value)                                 \
    {                                                                        \
        return svirt_enum_word(name##_table, (max), (unsigned)value);        \
    }                                                                        \
    bool name##_from_string(const char *text, Type *ret)                     \
    {                                                                        \
        int found = svirt_enum_find(name##_table, (max), text);              \
        if (found < 0) {                                                     \
            return false;                                                    \
        }                                                                    \
        *ret = (Type)found;                                                  \
        return true;                                                         \
    }                                                                        \
    const char *const *name##_words(size_t *ret);                            \
    const char *const *name##_words(size_t *ret)                             \
    {                                                                        \
        *ret = (max);                                                        \
        return name##_table;                                                 \
    }

const char *svirt_enum_word(const char *const *table, size_t count,
                            unsigned value);
/* -1 when `text` is NULL or in no row. */
int svirt_enum_find(const char *const *table, size_t count, const char *text);
