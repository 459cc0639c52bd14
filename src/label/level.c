/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "label/level.h"

#include <string.h>

bool
svirt_level_dominates(const SvirtLevel *a, const SvirtLevel *b)
{
    return a->sensitivity >= b->sensitivity &&
           svirt_category_set_contains(&a->categories, &b->categories);
}

bool
svirt_level_equal(const SvirtLevel *a, const SvirtLevel *b)
{
    return a->sensitivity == b->sensitivity &&
           svirt_category_set_equal(&a->categories, &b->categories);
}

bool
svirt_level_incomparable(const SvirtLevel *a, const SvirtLevel *b)
{
    return !svirt_level_dominates(a, b) && !svirt_level_dominates(b, a);
}

static bool
raise_level(const char *text, GError *cause, GError **error)
{
    return svirt_raise(error, SVIRT_ERROR_INVALID, cause,
                       "write a level as s0 or s0:c1,c2",
                       "'%.64s' is no level", text);
}

/* `s` and a number without leading zeros; *rest is what follows it. */
static bool
parse_sensitivity(const char *text, unsigned *ret, const char **rest)
{
    unsigned value = 0;

    if (*text++ != 's' || !g_ascii_isdigit(*text) ||
        (*text == '0' && g_ascii_isdigit(text[1]))) {
        return false;
    }
    while (g_ascii_isdigit(*text)) {
        value = value * 10 + (unsigned)(*text++ - '0');
        if (value >= SVIRT_SENSITIVITY_MAX) {
            return false;
        }
    }
    *ret = value;
    *rest = text;
    return true;
}

bool
svirt_level_parse(const char *text, SvirtLevel *ret, GError **error)
{
    GError *cause = NULL;
    SvirtLevel level;
    const char *rest;

    if (!parse_sensitivity(text, &level.sensitivity, &rest)) {
        return raise_level(text, NULL, error);
    }
    svirt_category_set_clear(&level.categories);
    if (*rest != '\0') {
        /* "s0:" says that categories follow. */
        if (*rest != ':' || rest[1] == '\0') {
            return raise_level(text, NULL, error);
        }
        if (!svirt_category_set_parse(rest + 1, &level.categories, &cause)) {
            return raise_level(text, cause, error);
        }
    }
    *ret = level;
    return true;
}

char *
svirt_level_format(const SvirtLevel *level)
{
    g_autofree char *categories =
        svirt_category_set_format(&level->categories);

    return g_strdup_printf("s%u%s%s", level->sensitivity,
                           *categories != '\0' ? ":" : "", categories);
}

bool
svirt_level_range_parse(const char *text, SvirtLevelRange *ret,
                        GError **error)
{
    const char *dash = strchr(text, '-');
    g_autofree char *low =
        dash != NULL ? g_strndup(text, (size_t)(dash - text))
                     : g_strdup(text);
    SvirtLevelRange range;

    if (!svirt_level_parse(low, &range.low, error) ||
        !svirt_level_parse(dash != NULL ? dash + 1 : low, &range.high,
                           error)) {
        return false;
    }
    if (!svirt_level_dominates(&range.high, &range.low)) {
        return svirt_raise(error, SVIRT_ERROR_INVALID, NULL,
                           "write the lower level first",
                           "range '%.64s' ends below its start", text);
    }
    *ret = range;
    return true;
}

char *
svirt_level_range_format(const SvirtLevelRange *range)
{
    g_autofree char *low = svirt_level_format(&range->low);
    g_autofree char *high = NULL;

    if (svirt_level_equal(&range->low, &range->high)) {
        return g_steal_pointer(&low);
    }
    high = svirt_level_format(&range->high);
    return g_strdup_printf("%s-%s", low, high);
}

bool
svirt_level_range_equal(const SvirtLevelRange *a, const SvirtLevelRange *b)
{
    return svirt_level_equal(&a->low, &b->low) &&
           svirt_level_equal(&a->high, &b->high);
}
