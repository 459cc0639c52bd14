/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/size.h"

#include <string.h>

#include "base/error.h"

bool
svirt_cli_size(const char *text, uint64_t *ret_bytes, GError **error)
{
    static const char units[] = "bkmgt";
    char *end = NULL;
    guint64 number = g_ascii_strtoull(text, &end, 10);
    const char *unit = end != NULL && *end != '\0'
                           ? strchr(units, g_ascii_tolower(*end))
                           : &units[1];
    unsigned shift = unit != NULL ? 10u * (unsigned)(unit - units) : 0;

    if (!g_ascii_isdigit(text[0]) || unit == NULL ||
        (*end != '\0' && end[1] != '\0' && g_ascii_strcasecmp(end + 1, "ib")) ||
        number == 0 || number > (UINT64_C(1) << 50) >> shift) {
        return svirt_raise(error, SVIRT_ERROR_USAGE, NULL,
                           "write it as 1048576 (KiB), 1024M or 1G",
                           "'%s' is no size", text);
    }
    *ret_bytes = number << shift;
    return true;
}
