/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launch/failure.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

bool
svirt_launch_fail(SvirtLaunchFailure *failure, SvirtStep step,
                  const char *format, ...)
{
    int saved = errno;
    va_list args;

    if (failure != NULL) {
        failure->step = step;
        failure->errnum = saved;
        va_start(args, format);
        /* Cut at the end of the buffer: words are for people. */
        (void)vsnprintf(failure->words, sizeof(failure->words), format, args);
        va_end(args);
    }
    errno = saved;
    return false;
}
