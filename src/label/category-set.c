/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "label/category-set.h"

#include <string.h>

void
svirt_category_set_clear(SvirtCategorySet *set)
{
    memset(set, 0, sizeof(*set));
}

void
svirt_category_set_add(SvirtCategorySet *set, unsigned category)
{
    g_assert(category < SVIRT_CATEGORY_MAX);
    set->words[category / 64] |= UINT64_C(1) << (category % 64);
}

bool
svirt_category_set_has(const SvirtCategorySet *set, unsigned category)
{
    return category < SVIRT_CATEGORY_MAX &&
           (set->words[category / 64] >> (category % 64) & 1) != 0;
}

void
svirt_category_set_add_range(SvirtCategorySet *set, unsigned first,
                             unsigned last)
{
    g_assert(first <= last && last < SVIRT_CATEGORY_MAX);
    for (unsigned c = first; c <= last; c++) {
        svirt_category_set_add(set, c);
    }
}

unsigned
svirt_category_set_count(const SvirtCategorySet *set)
{
    unsigned count = 0;

    for (unsigned i = 0; i < SVIRT_CATEGORY_WORDS; i++) {
        count += (unsigned)__builtin_popcountll(set->words[i]);
    }
    return count;
}

bool
svirt_category_set_is_empty(const SvirtCategorySet *set)
{
    return svirt_category_set_next(set, 0) == SVIRT_CATEGORY_MAX;
}

bool
svirt_category_set_equal(const SvirtCategorySet *a, const SvirtCategorySet *b)
{
    return memcmp(a, b, sizeof(*a)) == 0;
}

bool
svirt_category_set_contains(const SvirtCategorySet *outer,
                            const SvirtCategorySet *inner)
{
    for (unsigned i = 0; i < SVIRT_CATEGORY_WORDS; i++) {
        if ((inner->words[i] & ~outer->words[i]) != 0) {
            return false;
        }
    }
    return true;
}

bool
svirt_category_set_intersects(const SvirtCategorySet *a,
                              const SvirtCategorySet *b)
{
    for (unsigned i = 0; i < SVIRT_CATEGORY_WORDS; i++) {
        if ((a->words[i] & b->words[i]) != 0) {
            return true;
        }
    }
    return false;
}

unsigned
svirt_category_set_next(const SvirtCategorySet *set, unsigned from)
{
    unsigned word = from / 64;
    uint64_t bits;

    if (from >= SVIRT_CATEGORY_MAX) {
        return SVIRT_CATEGORY_MAX;
    }
    bits = set->words[word] >> (from % 64) << (from % 64);
    while (bits == 0) {
        if (++word == SVIRT_CATEGORY_WORDS) {
            return SVIRT_CATEGORY_MAX;
        }
        bits = set->words[word];
    }
    return word * 64 + (unsigned)__builtin_ctzll(bits);
}

/* One `cN`, at *text; *text moves behind it. */
static bool
parse_category(const char **text, unsigned *ret)
{
    const char *p = *text;
    unsigned value = 0;

    if (*p++ != 'c' || !g_ascii_isdigit(*p) ||
        (*p == '0' && g_ascii_isdigit(p[1]))) {
        return false;
    }
    while (g_ascii_isdigit(*p)) {
        value = value * 10 + (unsigned)(*p++ - '0');
        if (value >= SVIRT_CATEGORY_MAX) {
            return false;
        }
    }
    *ret = value;
    *text = p;
    return true;
}

static bool
parse_items(const char *text, SvirtCategorySet *set)
{
    for (;;) {
        unsigned first, last;

        if (!parse_category(&text, &first)) {
            return false;
        }
        last = first;
        if (*text == '.') {
            text++;
            if (!parse_category(&text, &last) || last <= first) {
                return false;
            }
        }
        svirt_category_set_add_range(set, first, last);
        if (*text == '\0') {
            return true;
        }
        if (*text++ != ',') {
            return false;
        }
    }
}

bool
svirt_category_set_parse(const char *text, SvirtCategorySet *ret,
                         GError **error)
{
    SvirtCategorySet set;

    svirt_category_set_clear(&set);
    if (*text != '\0' && !parse_items(text, &set)) {
        return svirt_raise(error, SVIRT_ERROR_INVALID, NULL,
                           "write categories as c1,c5.c9, c0 to c1023",
                           "'%.64s' is no category set", text);
    }
    *ret = set;
    return true;
}

char *
svirt_category_set_format(const SvirtCategorySet *set)
{
    GString *text = g_string_new(NULL);
    unsigned first = svirt_category_set_next(set, 0);

    while (first < SVIRT_CATEGORY_MAX) {
        unsigned last = first;

        while (svirt_category_set_has(set, last + 1)) {
            last++;
        }
        g_string_append_printf(text, "%sc%u", text->len > 0 ? "," : "",
                               first);
        if (last > first) {
            g_string_append_printf(text, "%cc%u",
                                   last == first + 1 ? ',' : '.', last);
        }
        first = svirt_category_set_next(set, last + 1);
    }
    return g_string_free(text, FALSE);
}
