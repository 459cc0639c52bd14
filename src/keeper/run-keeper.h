/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "launch/hand-over.h"

/*
 * Runs `program` as keeper with exactly these descriptors placed (any other
 * without CLOEXEC is closed by the keeper itself), an empty environment and
 * argv of keeper/layout.h. The child's pid, -1 with errno. No GLib; does not
 * copy the caller's memory, so a big caller costs no more than a small one.
 * EBADF: a number over the caller's soft RLIMIT_NOFILE, which it must raise.
 */
pid_t svirt_run_keeper(const char *program, const char *name, bool adopt,
                         const SvirtNumberedFd *fds, size_t n_fds);
