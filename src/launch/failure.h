/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

#include "launch/spec.h"

#define SVIRT_LAUNCH_WORDS 256

/* Why a launch stopped: plain data, so that it can cross a pipe. */
typedef struct SvirtLaunchFailure {
    SvirtStep step;
    int errnum; /* 0: no system call failed, the words say it all */
    char words[SVIRT_LAUNCH_WORDS]; /* one phrase naming object and value */
} SvirtLaunchFailure;

/*
 * Fills *failure (may be NULL) with `step`, the present errno and the printf
 * words, cut to fit; returns false, so that a step can `return` it. Does not
 * allocate; errno is kept.
 */
bool svirt_launch_fail(SvirtLaunchFailure *failure, SvirtStep step,
                       const char *format, ...)
    __attribute__((format(printf, 3, 4)));
