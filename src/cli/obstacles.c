/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/obstacles.h"

#include <stdio.h>

#include "cli/table.h"

void
svirt_obstacles_print(const SvirtDomain *domain)
{
    for (size_t i = 0; i < domain->obstacle_count; i++) {
        const SvirtObstacle *obstacle = &domain->obstacles[i];
        g_autofree char *safe = svirt_text_printable(obstacle->text);

        (void)fprintf(stderr,
                      "warning: %s; this domain will not start\n  hint: %s\n",
                      safe, obstacle->hint);
    }
    if (domain->obstacle_count == SVIRT_DOMAIN_OBSTACLES_MAX) {
        (void)fprintf(stderr, "warning: there may be more; %zu are listed\n",
                      domain->obstacle_count);
    }
}
