/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "launch/failure.h"
#include "launch/spec.h"

/*
 * SVIRT_STEP_SESSION: a session and process group of its own, umask 077,
 * every signal at its default and unblocked, the plain Linux personality
 * (address randomisation on). setsid(2), personality(2).
 */
bool svirt_session_start(SvirtLaunchFailure *failure);

/*
 * SVIRT_STEP_RLIMIT: lowers limits of process `which`; none is ever raised, so
 * no privilege is needed and a limit of the caller's holds. The number of
 * descriptors is svirt_fd_map's matter. setrlimit(2).
 */
bool svirt_session_limit(const SvirtLaunchSpec *spec, SvirtProcess which,
                         SvirtLaunchFailure *failure);

/* SVIRT_STEP_HOSTNAME: `name`, cut at 64 bytes; no NIS domain. */
bool svirt_session_name_host(const char *name, SvirtLaunchFailure *failure);
