/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>

#include "launch/failure.h"

/* The filters of filter-rules.c, compiled at build time. */
typedef enum SvirtFilter {
    SVIRT_FILTER_VMM,
    SVIRT_FILTER_MONITOR,
    SVIRT_FILTER_PASST,
    SVIRT_FILTER_MAX
} SvirtFilter;

const char *svirt_filter_to_string(SvirtFilter filter);
bool svirt_filter_from_string(const char *text, SvirtFilter *ret);

/*
 * SVIRT_STEP_SECCOMP: installs a filter on the calling thread, made for this
 * process: the one pid it may signal is its own as it sees it now. Needs
 * no_new_privs. Fails with EINVAL or ENOSYS on a kernel without seccomp
 * filters. seccomp(2).
 *
 * `exec`: SVIRT_EXEC_LOCKS and SVIRT_EXEC_CONNECT open what they say.
 *
 * `ret_listener` (NULL: none) becomes the descriptor (owned, CLOEXEC) that an
 * execveat(2) of this process asks. VMM and PASST without it cannot execute.
 */
bool svirt_filter_install(SvirtFilter filter, uint32_t exec,
                          int *ret_listener, SvirtLaunchFailure *failure);

/*
 * The parent: waits until the child asks for its execveat, lets it pass, and
 * closes *listener: no later exec gets through, by anybody. False with errno,
 * *listener closed as well; ETIMEDOUT.
 */
bool svirt_filter_let_exec_pass(int *listener, int timeout_ms);
