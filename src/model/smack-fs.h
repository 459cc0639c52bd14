/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/error.h"

/*
 * smackfs (Documentation/admin-guide/LSM/Smack.rst) by the descriptor of its
 * root. What decides is the file system, so it is checked to be one; the rest
 * takes any directory, for the tests.
 */

/* A label with its NUL. */
#define SVIRT_SMACK_LABEL_BYTES 256
/* Every access Smack knows: read, write, execute, append, transmute, lock. */
#define SVIRT_SMACK_ACCESSES "rwxatl"

/* O_PATH on /sys/fs/smackfs. UNVERIFIED: not mounted, or something else is
 * (hint). SYSTEM. */
bool svirt_smackfs_open(int *ret_root, GError **error);

/*
 * A whole file, at most 1 MiB, without the blank space and NULs at its end;
 * owned by the caller. NULL in *ret_text: this kernel has no such file. SYSTEM.
 */
bool svirt_smackfs_read(int root, const char *file, char **ret_text,
                        GError **error);
/* In one write. REFUSED: the kernel keeps svirt from it (EPERM, hint).
 * INVALID: it refuses the text. SYSTEM. */
bool svirt_smackfs_write(int root, const char *file, const char *text,
                         GError **error);

/*
 * access2: does the kernel give `subject` each of `accesses` (of
 * SVIRT_SMACK_ACCESSES) on `object`, all at once? A label the kernel does not
 * know has nothing. The rules of single tasks (load-self2) are not asked for.
 * SYSTEM.
 */
bool svirt_smackfs_allows(int root, const char *subject, const char *object,
                          const char *accesses, bool *ret_allows,
                          GError **error);
/* Has a process, an object or a rule had this label since boot? SYSTEM. */
bool svirt_smackfs_knows(int root, const char *label, bool *ret_knows,
                         GError **error);
