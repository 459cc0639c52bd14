/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "exec/exec-private.h"

/*
 * Cgroup, labels, network, and the program itself by launch/child.c's steps;
 * returns after its end, when nothing of it is left. *ret_status as
 * svirt_relay_wait's. LAUNCH, SYSTEM; errors of the models.
 */
bool svirt_exec_launch(SvirtExecRun *run, int *ret_status, GError **error);
