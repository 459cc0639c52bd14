/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/user-namespace.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/fd.h"

void
svirt_user_namespace_read(uint32_t first, SvirtUserNamespace *ret)
{
    char text[4096];
    const char *line = text;

    *ret = (SvirtUserNamespace){ .initial = true };
    if (svirt_read_small(AT_FDCWD, "/proc/self/uid_map", text,
                         sizeof(text)) <= 0) {
        return;
    }
    while (line != NULL && *line != '\0') {
        unsigned inside;
        unsigned outside;
        unsigned count;

        if (sscanf(line, "%u %u %u", &inside, &outside, &count) != 3) {
            return;
        }
        ret->initial = inside == 0 && outside == 0 && count == UINT32_MAX;
        if (first >= inside && first - inside < count) {
            ret->mapped = true;
            ret->last = inside + (count - 1);
        }
        line = strchr(line, '\n');
        line += line != NULL;
    }
}

bool
svirt_user_namespace_is_own(void)
{
    SvirtUserNamespace now;

    svirt_user_namespace_read(0, &now);
    return !now.initial;
}
