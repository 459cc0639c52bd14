/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/*
 * The running AppArmor: its directory of securityfs
 * (Documentation/admin-guide/LSM/apparmor.rst, security/apparmor/apparmorfs.c)
 * and its module's parameters.
 */
typedef struct SvirtApparmor {
    int fs;         /* .../apparmor in securityfs, O_PATH */
    int parameters; /* /sys/module/apparmor/parameters, O_PATH */
    int questions;  /* .access; this and the next are kept open, since a
                     * verify of a host asks some thousands of times */
    int mode;       /* of the whole module, a parameter */
} SvirtApparmor;

typedef enum SvirtApparmorMode {
    SVIRT_APPARMOR_ENFORCE,
    SVIRT_APPARMOR_COMPLAIN,
    SVIRT_APPARMOR_KILL,
    SVIRT_APPARMOR_UNCONFINED,
    SVIRT_APPARMOR_MIXED, /* a stack of profiles of several modes */
    SVIRT_APPARMOR_MODE_MAX
} SvirtApparmorMode;

/* The words of `profiles` and of a process's label. Any other is none. */
const char *svirt_apparmor_mode_to_string(SvirtApparmorMode mode);
bool svirt_apparmor_mode_from_string(const char *text,
                                     SvirtApparmorMode *ret);

/* "NAME (mode)", or "unconfined", which has that mode: the mode is cut off in
 * place. A name may hold blanks. False: neither. */
bool svirt_apparmor_split(char *line, SvirtApparmorMode *ret_mode);

/*
 * What runs here, opened once and kept; NULL in *ret when the kernel does not
 * run AppArmor. UNVERIFIED: it does, and its directory of securityfs is not
 * there (hint).
 */
bool svirt_apparmor_get(const SvirtApparmor **ret, GError **error);
/* The same, UNSUPPORTED instead of NULL. */
bool svirt_apparmor_need(const SvirtApparmor **ret, GError **error);
/* For tests: from other directories; `magic`: the file system's. */
bool svirt_apparmor_open(const char *parameters_path, const char *fs_path,
                         int64_t magic, SvirtApparmor *ret, bool *ret_active,
                         GError **error);

/*
 * Load profiles, replacing those of their names, in one write: all or none.
 * REFUSED: the kernel takes no policy any more (lock_policy). INVALID: it does
 * not understand these. SYSTEM.
 */
bool svirt_apparmor_replace(const SvirtApparmor *apparmor, const void *bytes,
                            size_t size, GError **error);
/* With its children. Not loaded is no error. REFUSED, SYSTEM. */
bool svirt_apparmor_remove(const SvirtApparmor *apparmor, const char *name,
                           GError **error);
/* In *ret_known: is it loaded? Reads the list of all profiles. SYSTEM. */
bool svirt_apparmor_find(const SvirtApparmor *apparmor, const char *name,
                         bool *ret_known, SvirtApparmorMode *ret_mode,
                         GError **error);
/* The mode the whole module was put into; ENFORCE is the usual one, in which
 * each profile has its own. SYSTEM. */
bool svirt_apparmor_global_mode(const SvirtApparmor *apparmor,
                                SvirtApparmorMode *ret, GError **error);
/*
 * What the loaded profile allows: bits of the kernel's for a key, whose first
 * byte is a class (apparmor-stream.h); all of them for a class it does not
 * mediate. *ret_known false: no such profile.
 * SYSTEM.
 */
bool svirt_apparmor_ask(const SvirtApparmor *apparmor, const char *name,
                        const void *key, size_t size, bool *ret_known,
                        uint32_t *ret_allow, GError **error);
/* In *ret_pid a process, in /proc, that has the profile `name` or a child of
 * it; 0: none. SYSTEM. */
bool svirt_apparmor_find_process(int procfs, const char *name,
                                 int *ret_pid, GError **error);
/*
 * A thread's label: "NAME (mode)" in two; *ret_name owned by the caller.
 * Outputs may be NULL. "unconfined" has that mode. `task`: of /proc/PID or
 * /proc/PID/task/TID. NOT_FOUND: it ended. SYSTEM, CORRUPT.
 */
bool svirt_apparmor_read_task(int task, char **ret_name,
                              SvirtApparmorMode *ret_mode, GError **error);
