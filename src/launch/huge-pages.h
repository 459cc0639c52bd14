/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

#include "launch/failure.h"

/*
 * glibc asks sysfs whether a heap may have huge pages (its tunable
 * glibc.malloc.hugetlb=1, malloc-hugepages.c); a compartment has no sysfs.
 * So the two answers stand in the new root as plain files under their own
 * names. They are the same for every process of the host.
 *
 * A VMM touches ten megabytes of heap before its first answer: with huge pages
 * that is half its page faults and a tenth of its start. But two megabytes are
 * cleared for each, four times what is used of them: where processors are what
 * is waited for, because many start at once, that costs more than the faults.
 */
#define SVIRT_HUGE_PAGES_DIRECTORY "/sys/kernel/mm/transparent_hugepage"
#define SVIRT_HUGE_PAGES_TUNABLE "GLIBC_TUNABLES=glibc.malloc.hugetlb=1"

typedef struct SvirtHugePages {
    char enabled[64];      /* "always [madvise] never\n"; "" is not told */
    char pmd_size[32];     /* "2097152\n" */
} SvirtHugePages;

/* Pure: has the host as much to run as it has processors, or more?
 * /proc/loadavg as it was read; its fourth field is of this moment and no
 * average. What it does not say counts as busy. */
bool svirt_huge_pages_is_busy(const char *loadavg, long processors);
/* While the host's sysfs and procfs can be seen. Both empty: a kernel without
 * them, or a host that is busy. */
void svirt_huge_pages_read(SvirtHugePages *ret);
/* Into the root that is the working directory; nothing when both are empty. */
bool svirt_huge_pages_show(const SvirtHugePages *pages,
                           SvirtLaunchFailure *failure);
