/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/types.h>

/* What an attacker inside the monitor would try; negative: refused. */
typedef struct Attempt {
    const char *name;
    long (*attempt)(void);
} Attempt;

extern const Attempt attempts[];
extern const unsigned n_attempts;

/* Set before: a process of another user, a copy of this one. */
extern pid_t victim;
extern int victim_pidfd;
extern int connection_fd; /* a stream socket with somebody at its end */
