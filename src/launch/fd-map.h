/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "launch/failure.h"
#include "launch/spec.h"

/* The launch's own two descriptors; both close at exec. */
typedef struct SvirtFdMapOwn {
    int status; /* in: the status pipe; out: its new number */
    int program;/* in: the program to execute; out: its new number */
} SvirtFdMapOwn;

/*
 * SVIRT_STEP_DESCRIPTORS: gives process `which` exactly the descriptors its
 * spec names, at their numbers, closes every other one, and lowers the limit.
 *
 * With N descriptors allowed, own->status goes to N and own->program to N + 1
 * and the hard limit is then N: no call can ever make a descriptor with one
 * of these two numbers again (dup2, F_DUPFD, open, recvmsg and io_uring all
 * respect the limit, and raising it needs CAP_SYS_RESOURCE). So a system call
 * filter may allow "execveat of descriptor N + 1": after the exec, which
 * closes it, the filter allows no exec at all.
 *
 * 0, 1 and 2 must be /dev/null or pipes. Fails with EBADF for a source that is
 * not open, EMFILE when the caller's own limit has no room.
 */
bool svirt_fd_map(const SvirtLaunchSpec *spec, SvirtProcess which,
                  SvirtFdMapOwn *own, SvirtLaunchFailure *failure);
