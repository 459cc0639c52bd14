/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hypervisor/prepare.h"

/*
 * Passes `problem` (taken over) on to *error; when it says that an image is in
 * use, with the running VM that has it open as the cause. Looks through
 * /proc/PID/fd of this instance's VMMs.
 */
void svirt_holder_explain(SvirtManager *manager,
                          const SvirtPrepared *prepared, GError *problem,
                          GError **error);
