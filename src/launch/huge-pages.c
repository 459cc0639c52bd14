/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launch/huge-pages.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"

#define DIRECTORY SVIRT_HUGE_PAGES_DIRECTORY
/* In the root that is being built: without the leading slash. */
#define INSIDE (&DIRECTORY[1])

bool
svirt_huge_pages_is_busy(const char *loadavg, long processors)
{
    unsigned long running;

    for (unsigned i = 0; i < 3 && loadavg != NULL; i++) {
        loadavg = strchr(loadavg, ' ');
        loadavg = loadavg != NULL ? loadavg + 1 : NULL;
    }
    running = loadavg != NULL ? strtoul(loadavg, NULL, 10) : 0;
    /* Who reads it runs; zero is no answer of a kernel's. */
    return running == 0 ||
           (running > 1 && processors > 0 &&
            running >= (unsigned long)processors);
}

void
svirt_huge_pages_read(SvirtHugePages *ret)
{
    SvirtHugePages pages = { .enabled = "" };
    char load[128] = "";

    (void)svirt_read_small(AT_FDCWD, "/proc/loadavg", load, sizeof(load));
    if (svirt_huge_pages_is_busy(load, sysconf(_SC_NPROCESSORS_ONLN)) ||
        svirt_read_small(AT_FDCWD, DIRECTORY "/enabled", pages.enabled,
                         sizeof(pages.enabled)) <= 0 ||
        strstr(pages.enabled, "[madvise]") == NULL ||
        svirt_read_small(AT_FDCWD, DIRECTORY "/hpage_pmd_size",
                         pages.pmd_size, sizeof(pages.pmd_size)) <= 0) {
        /* With "always" the kernel does it unasked; with "never", not. */
        pages.enabled[0] = '\0';
    }
    *ret = pages;
}

static bool
write_file(int directory, const char *name, const char *text)
{
    SVIRT_AUTO_FD file = openat(directory, name,
                                O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW |
                                O_CLOEXEC, 0444);

    return file >= 0 && svirt_write_full(file, text, strlen(text));
}

bool
svirt_huge_pages_show(const SvirtHugePages *pages,
                      SvirtLaunchFailure *failure)
{
    char path[] = DIRECTORY;
    SVIRT_AUTO_FD directory = -1;

    if (pages->enabled[0] == '\0') {
        return true;
    }
    for (char *slash = strchr(path + 1, '/');; slash = strchr(slash + 1,
                                                              '/')) {
        if (slash != NULL) {
            *slash = '\0';
        }
        if (mkdir(path + 1, 0755) < 0 && errno != EEXIST) {
            return svirt_launch_fail(failure, SVIRT_STEP_ROOT, "make '%s'",
                                     path);
        }
        if (slash == NULL) {
            break;
        }
        *slash = '/';
    }
    directory = open(INSIDE, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return (directory >= 0 &&
            write_file(directory, "enabled", pages->enabled) &&
            write_file(directory, "hpage_pmd_size", pages->pmd_size)) ||
           svirt_launch_fail(failure, SVIRT_STEP_ROOT, "write into '%s'",
                             DIRECTORY);
}
