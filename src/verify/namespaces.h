/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

/*
 * Of "mnt pid ipc uts net", with `network` false the first four: " mnt net",
 * those that the process has in common with this one, or that cannot be read;
 * "": none. `process_dir`: /proc/PID. Owned by the caller. namespaces(7).
 */
char *svirt_verify_shared_namespaces(int process_dir, bool network);
