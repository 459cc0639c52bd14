/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * A procfs that is one. What is written to /proc/thread-self/attr/exec decides
 * whether a process is confined, so a mount over /proc, or over a file in it,
 * must not catch it (CVE-2025-52881). No GLib: the child of a launch uses it.
 */

/* O_PATH on the root of the procfs at /proc, read back by statfs(2) and its
 * inode number; -1 with errno (ENOSYS: something else is mounted there). */
int svirt_procfs_open(void);
/*
 * `path` below it, crossing no mount and following no magic link; read back to
 * be of procfs. CLOEXEC. -1 with errno (EXDEV: something is mounted over it).
 */
int svirt_procfs_open_at(int procfs, const char *path, int flags);

/*
 * An attribute of the calling thread, `path` below /proc/thread-self; where
 * the kernel has no such file, `fallback` (NULL: none). O_WRONLY; opened by
 * the task that writes. -1 with errno.
 */
int svirt_procfs_open_attribute(int procfs, const char *path,
                                const char *fallback);
/* `prefix` (NULL: none) and `label` in one write; label NULL clears. False
 * with errno (E2BIG: over 4096 bytes). */
bool svirt_procfs_write_attribute(int fd, const char *prefix,
                                  const char *label);

/* /proc/PID or /proc/PID/task/TID, O_PATH | O_DIRECTORY. -1 with errno. */
int svirt_procfs_open_process(int procfs, pid_t pid);
int svirt_procfs_open_thread(int procfs, pid_t pid, pid_t tid);
