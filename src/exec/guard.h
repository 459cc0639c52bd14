/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/types.h>

#include "exec/relay.h"

/*
 * A signal at the death of the parent is no tie: a program takes it away with
 * prctl(2), and a change of label with exec. The guard outlives a svirt that
 * is killed, ends what is in the cgroup, and holds the slot's lock and the
 * images' until then, so that nobody takes them from a living program.
 */
typedef struct SvirtExecGuard {
    int fd;    /* owned: its end, and the guard's work begins; -1 unset */
    pid_t pid; /* 0 unset */
} SvirtExecGuard;

#define SVIRT_EXEC_GUARD_INIT { .fd = -1, .pid = 0 }

/* Holds every descriptor this process has but those of `relay`. SYSTEM. */
bool svirt_exec_guard_start(SvirtExecGuard *guard, int cgroup_fd,
                            SvirtRelay *relay, GError **error);
/* The program has ended: there is nothing left for it to do. */
void svirt_exec_guard_dismiss(const SvirtExecGuard *guard);
/* Returns when it has ended, and with it every lock but svirt's own. */
void svirt_exec_guard_end(SvirtExecGuard *guard);
