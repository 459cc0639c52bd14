/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/*
 * Where svirt's own helper programs are: never searched in PATH. An installed
 * svirt (its /proc/self/exe lies in SVIRT_BINDIR) takes them from
 * SVIRT_LIBEXECDIR; one run from a build tree takes
 * <directory of the executable>/../<folder>/<name>, written without the "..".
 * False with errno: ENAMETOOLONG, ENOENT (no such file), EACCES (no regular
 * file that may be executed).
 */
bool svirt_program_path(const char *folder, const char *name, char *ret_path,
                        size_t size);

#define SVIRT_PROGRAM_KEEPER "svirt-keeper" /* folder "keeper" */
#define SVIRT_PROGRAM_MONITOR "svirt-monitor" /* folder "monitor" */
