/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "state/journal.h"

/* Field 22 of /proc/PID/stat; the name in field 2 may hold anything, so
 * counting starts behind its last parenthesis. */
static bool
read_start(pid_t pid, char *ret_state, uint64_t *ret_ticks)
{
    char path[32];
    char text[1024];
    const char *p;

    g_snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    if (svirt_read_small(AT_FDCWD, path, text, sizeof(text)) <= 0) {
        return false;
    }
    p = strrchr(text, ')');
    if (p == NULL || p[1] != ' ') {
        return false;
    }
    *ret_state = p[2];
    for (unsigned field = 2; field < 22; field++) {
        p = strchr(p + 1, ' ');
        if (p == NULL) {
            return false;
        }
    }
    return sscanf(p, " %" G_GUINT64_FORMAT, ret_ticks) == 1;
}

static bool
read_boot(char *text, size_t size)
{
    if (svirt_read_small(AT_FDCWD, "/proc/sys/kernel/random/boot_id", text,
                         size) <= 0) {
        return false;
    }
    text[strcspn(text, "\n")] = '\0';
    return true;
}

bool
svirt_process_mark_self(SvirtProcessMark *ret, GError **error)
{
    SvirtProcessMark mark = { .pid = getpid() };
    char state;

    if (!read_start(mark.pid, &state, &mark.start_ticks) ||
        !read_boot(mark.boot_id, sizeof(mark.boot_id))) {
        return svirt_raise(error, SVIRT_ERROR_SYSTEM, NULL,
                           "mount procfs on /proc",
                           "cannot read the start time of this process");
    }
    *ret = mark;
    return true;
}

bool
svirt_process_mark_alive(const SvirtProcessMark *mark)
{
    char boot[sizeof(mark->boot_id)];
    uint64_t ticks;
    char state;

    return read_boot(boot, sizeof(boot)) &&
           strcmp(boot, mark->boot_id) == 0 &&
           read_start(mark->pid, &state, &ticks) &&
           ticks == mark->start_ticks && state != 'Z' && state != 'X';
}
