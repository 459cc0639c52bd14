/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

/* One write(2) of `text` to a control file of the directory. */
bool svirt_cgroup_file_write(int dir, const char *file, const char *text);
/* No process in or below (cgroup.events); false when it cannot be read. */
bool svirt_cgroup_is_empty(int dir);
