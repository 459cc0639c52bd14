/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

/*
 * The running SELinux: its file system (selinuxfs) and the directory of its
 * policies. Requests are written to a node and the reply is read from the same
 * descriptor; libselinux would do no more, and costs every command its
 * loading. Source: security/selinux/selinuxfs.c.
 */

/* One request; the reply's length with a NUL behind it, -1 with errno (EINVAL:
 * the policy has no such context). A seam for tests. */
typedef ssize_t (*SvirtSelinuxTransact)(int fs, const char *node,
                                        const char *request, char *reply,
                                        size_t size);

/* Of classes and permissions, as the policy of `sequence` numbers them. */
typedef struct SvirtSelinuxNumbers {
    GMutex lock;
    GHashTable *table; /* path below selinuxfs -> number */
    uint32_t sequence;
} SvirtSelinuxNumbers;

typedef struct SvirtSelinux {
    int fs;  /* selinuxfs, O_PATH */
    int etc; /* /etc/selinux, O_PATH; -1: not there */
    SvirtSelinuxTransact transact;
    SvirtSelinuxNumbers *numbers; /* borrowed; NULL: read each time */
} SvirtSelinux;

/*
 * What runs here, opened once and kept; NULL in *ret when the kernel does not
 * run SELinux. UNVERIFIED: it does and /sys/fs/selinux is not its file system
 * (CVE-2020-10731: a container without it started every VM unconfined).
 */
bool svirt_selinux_get(const SvirtSelinux **ret, GError **error);
/* The same, UNSUPPORTED instead of NULL. */
bool svirt_selinux_need(const SvirtSelinux **ret, GError **error);
/* For tests: from `filesystems`, the text of /proc/filesystems, and the
 * directory that ought to be selinuxfs (`magic`: its statfs type). */
bool svirt_selinux_open(const char *filesystems, const char *fs_path,
                        int64_t magic, const char *etc_path,
                        SvirtSelinux *ret, bool *ret_active, GError **error);

/* Does the loaded policy have this context? SYSTEM. */
bool svirt_selinux_knows(const SvirtSelinux *selinux, const char *context,
                         bool *ret_known, GError **error);
/* "mls": contexts have a range. "enforce". SYSTEM. */
bool svirt_selinux_flag(const SvirtSelinux *selinux, const char *name,
                        bool *ret, GError **error);

typedef struct SvirtSelinuxDecision {
    uint32_t allowed;  /* bit N - 1: permission N of the class */
    bool permissive;   /* the source domain is: nothing is refused */
    uint32_t sequence; /* of the policy */
} SvirtSelinuxDecision;

/*
 * What `source` may do to `target` as an object of `class` ("file"), and in
 * *ret_wanted the bits of `permissions` (names, ending in NULL). INVALID: the
 * policy has no such context. SYSTEM.
 */
bool svirt_selinux_ask(const SvirtSelinux *selinux, const char *source,
                       const char *target, const char *class,
                       const char *const *permissions,
                       SvirtSelinuxDecision *ret, uint32_t *ret_wanted,
                       GError **error);
