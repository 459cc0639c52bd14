/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "keeper/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "launch/cgroup-file.h"
#include "launch/cgroup.h"

#define DIRECTORY (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

/* The line of cgroup2: "0::/machine.slice/...", cgroups(7). */
static bool
own_cgroup(char *ret, size_t size)
{
    char text[4096];
    char *line;
    int length;

    if (svirt_read_small(AT_FDCWD, "/proc/self/cgroup", text, sizeof(text)) <
        0) {
        return false;
    }
    line = strncmp(text, "0::", 3) == 0 ? text : strstr(text, "\n0::");
    errno = ENOENT;
    if (line == NULL) {
        return false;
    }
    line = strchr(line, '/');
    if (line == NULL) {
        return false;
    }
    length = snprintf(ret, size, "%.*s", (int)strcspn(line, "\n"), line);
    return length > 0 && (size_t)length < size;
}

bool
svirt_unit_enter(void)
{
    char mount[PATH_MAX], own[PATH_MAX / 2], path[2 * PATH_MAX];
    SVIRT_AUTO_FD unit = -1;
    SVIRT_AUTO_FD leaf = -1;

    if (!svirt_cgroup_find_mount(-1, mount, sizeof(mount)) ||
        !own_cgroup(own, sizeof(own))) {
        return false;
    }
    (void)snprintf(path, sizeof(path), "%s%s", mount, own);
    unit = open(path, DIRECTORY);
    if (unit < 0 || (mkdirat(unit, SVIRT_UNIT_KEEPER, 0755) < 0 &&
                     errno != EEXIST)) {
        return false;
    }
    leaf = openat(unit, SVIRT_UNIT_KEEPER, DIRECTORY);
    return leaf >= 0 && svirt_cgroup_file_write(leaf, "cgroup.procs", "0");
}

void
svirt_unit_join(int vmm_cgroup_fd)
{
    SVIRT_AUTO_FD leaf =
        vmm_cgroup_fd >= 0
            ? openat(vmm_cgroup_fd, "../../" SVIRT_UNIT_KEEPER, DIRECTORY)
            : -1;

    if (leaf >= 0) {
        (void)svirt_cgroup_file_write(leaf, "cgroup.procs", "0");
    }
}
