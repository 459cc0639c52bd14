/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "launch/failure.h"
#include "launch/label.h"
#include "launch/spec.h"

/* The launch's own descriptors; all close at exec. */
typedef struct SvirtFdMapOwn {
    int status; /* in: the status socket; out: its new number */
    int program;/* in: the program to execute; out: its new number */
    SvirtLabelFiles labels; /* the same, each */
} SvirtFdMapOwn;

/*
 * SVIRT_STEP_DESCRIPTORS: gives process `which` exactly the descriptors its
 * spec names, at their numbers, closes every other one, and lowers the limit.
 *
 * With N descriptors allowed, own->status goes to N, own->program to N + 1 and
 * the labels behind them, over everything the program will have.
 *
 * 0, 1 and 2 must be /dev/null or pipes. Fails with EBADF for a source that is
 * not open, EMFILE when the caller's own limit has no room.
 */
bool svirt_fd_map(const SvirtLaunchSpec *spec, SvirtProcess which,
                  SvirtFdMapOwn *own, SvirtLaunchFailure *failure);
