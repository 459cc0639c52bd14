/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hypervisor/manager.h"

/* One thing that a crash left, and what became of it. */
typedef struct SvirtRecovered {
    char *domain; /* owned; name or UUID */
    char *what;   /* owned; "running VM", a path */
    char *result; /* owned */
    bool complete;
} SvirtRecovered;

void svirt_recovered_free(SvirtRecovered *recovered);

/*
 * Finds what dead keepers and dead commands left: running VMMs get a keeper
 * again, unfinished starts are ended, empty runs removed, open journals undone
 * in reverse. *ret_rows: SvirtRecovered *, owned by the caller; empty when
 * nothing was left.
 */
bool svirt_recover(SvirtManager *manager, GPtrArray **ret_rows,
                   GError **error);
