/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "keeper/adopt.h"

/* What the files of adoption share. */
struct SvirtAdopt {
    SvirtAdoptState state;
    SvirtUuid uuid;
    SvirtRunStatus status;
    int run_dir_fd;
    int lock_fd;
    int status_fd;
    int spec_fd;                /* sealed memfd, -1: none was kept */
    const SvirtLaunchSpec *spec;/* NULL: none */
    int pidfd[SVIRT_PROCESS_MAX]; /* -1: not alive */
    unsigned locks[SVIRT_ADOPT_LOCK_MAX]; /* counted by state */
};

/* False with ETIMEDOUT; true at once for a process that is not there. */
bool svirt_adopt_end_process(int pidfd, int timeout_ms);
