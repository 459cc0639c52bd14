/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The launch spec of a running VM, as its keeper left it in the run directory,
 * copied into a sealed memfd so that svirt_spec_map checks it as at the start.
 * The descriptor (CLOEXEC) is the caller's; -1 with errno, ENOENT: the keeper
 * left none. No GLib.
 */
int svirt_run_spec_copy(int run_dir_fd);
