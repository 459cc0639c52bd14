/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "label/dac-label.h"

#include <stdint.h>
#include <string.h>

/* login.defs allows 32, directory services far more; this bounds the text. */
#define NAME_BYTES 256

/* `[+]digits`, at most 2^32 - 2: 2^32 - 1 means "no id" to the kernel. */
static bool
parse_number(const char *text, unsigned *ret)
{
    uint64_t value = 0;

    if (*text == '\0') {
        return false;
    }
    for (; *text != '\0'; text++) {
        if (!g_ascii_isdigit(*text)) {
            return false;
        }
        value = value * 10 + (uint64_t)(*text - '0');
        if (value >= UINT32_MAX) {
            return false;
        }
    }
    *ret = (unsigned)value;
    return true;
}

static bool
split(const char *text, char **ret_user, char **ret_group)
{
    const char *colon = strchr(text, ':');

    if (colon == NULL || colon == text || colon[1] == '\0' ||
        strchr(colon + 1, ':') != NULL ||
        strnlen(text, 2 * NAME_BYTES) == 2 * NAME_BYTES) {
        return false;
    }
    for (const char *p = text; *p != '\0'; p++) {
        if (g_ascii_isspace(*p) || g_ascii_iscntrl(*p)) {
            return false;
        }
    }
    *ret_user = g_strndup(text, (size_t)(colon - text));
    *ret_group = g_strdup(colon + 1);
    return true;
}

static bool
raise_label(const char *text, GError **error)
{
    return svirt_raise(error, SVIRT_ERROR_INVALID, NULL,
                       "write it as user:group or +107:+107",
                       "'%.64s' is no DAC label", text);
}

static bool
raise_unknown(const char *what, const char *half, const char *text,
              GError **error)
{
    return svirt_raise(error, SVIRT_ERROR_NOT_FOUND, NULL,
                       "write a number with a leading + for an id without "
                       "an account",
                       "no %s '%s' on this host (DAC label '%.64s')", what,
                       half, text);
}

bool
svirt_dac_label_parse(const char *text, const SvirtDacLookup *lookup,
                      SvirtDacLabel *ret, GError **error)
{
    g_autofree char *user = NULL;
    g_autofree char *group = NULL;
    SvirtDacLabel label;

    if (!split(text, &user, &group)) {
        return raise_label(text, error);
    }
    if (*user == '+') {
        if (!parse_number(user + 1, &label.uid)) {
            return raise_label(text, error);
        }
    } else if ((lookup == NULL ||
                !lookup->user(user, &label.uid, lookup->data)) &&
               !parse_number(user, &label.uid)) {
        return raise_unknown("user", user, text, error);
    }
    if (*group == '+') {
        if (!parse_number(group + 1, &label.gid)) {
            return raise_label(text, error);
        }
    } else if ((lookup == NULL ||
                !lookup->group(group, &label.gid, lookup->data)) &&
               !parse_number(group, &label.gid)) {
        return raise_unknown("group", group, text, error);
    }
    *ret = label;
    return true;
}

bool
svirt_dac_label_is_wellformed(const char *text)
{
    g_autofree char *user = NULL;
    g_autofree char *group = NULL;
    unsigned number;

    return split(text, &user, &group) &&
           (*user != '+' || parse_number(user + 1, &number)) &&
           (*group != '+' || parse_number(group + 1, &number));
}

char *
svirt_dac_label_format(const SvirtDacLabel *label)
{
    return g_strdup_printf("+%u:+%u", label->uid, label->gid);
}
