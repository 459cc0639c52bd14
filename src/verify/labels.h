/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "model/model.h"

/*
 * The label of every thread of a process under one model, read from the kernel
 * (never from what was planned). *ret_label is that of all threads, NULL when
 * they differ; then *ret_other names two. Both owned by the caller. SYSTEM;
 * NOT_FOUND: the process is gone.
 */
bool svirt_verify_read_label(const SvirtModel *model, int process_dir,
                             char **ret_label, char **ret_other,
                             unsigned *ret_threads, GError **error);
