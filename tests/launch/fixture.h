/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "launch/child.h"

/* Users of the tests' processes; nobody else's on a Debian host. */
#define FIXTURE_VMM_UID 31007
#define FIXTURE_MONITOR_UID 31008
#define FIXTURE_PASST_UID 31009

/* One process being prepared, started and listened to. */
typedef struct Fixture {
    SvirtLaunchSpec *spec;       /* owned until it is sealed */
    const SvirtLaunchSpec *view; /* owned: the mapped one */
    SvirtProcess which;
    int null_fd;   /* owned */
    int out_write; /* owned, -1 after the start: its 1 and 2 */
    int out_read;  /* owned */
    SvirtWaiting waiting;        /* used by the start when there is one */
    SvirtLaunched launched;
} Fixture;

/*
 * A spec with user, limits, /dev/null on 0 and a pipe on 1 and 2, for `which`.
 * /usr and the loader's cache are in its root unless `empty_root`.
 */
Fixture *fixture_new(SvirtProcess which, bool empty_root);
void fixture_free(Fixture *fixture); /* kills and reaps what was started */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Fixture, fixture_free)

void fixture_arg(Fixture *fixture, const char *arg);
void fixture_fd(Fixture *fixture, int source, int target, SvirtFdRole role,
                uint32_t index);
/* The probe of these tests as the program, and its file in the root. */
void fixture_use_probe(Fixture *fixture, const char *mode);
/* Seals, maps and launches; as svirt_launch_process, or _waiting. */
bool fixture_start(Fixture *fixture, int cgroup_fd,
                   SvirtLaunchFailure *failure);
/* All that the process says until it ends; its wait status. Owned. */
char *fixture_finish(Fixture *fixture, int *ret_status);

/* Path of a program built beside the tests. Owned. */
char *fixture_program(const char *name);
/* The process is root; else the test is skipped with the reason. */
bool fixture_need_root(void);
