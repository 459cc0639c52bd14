/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "launch/failure.h"

/* "/dev/" and the longest node name. */
#define SVIRT_LANDLOCK_NODE_PATH 16

/* What a rule grants below (or of) its path. */
#define SVIRT_LANDLOCK_READ 1u    /* read files, list directories */
#define SVIRT_LANDLOCK_EXECUTE 2u
#define SVIRT_LANDLOCK_DEVICE 4u  /* read, write, ioctl */
#define SVIRT_LANDLOCK_IOCTL 16u  /* of a device that is only read */
#define SVIRT_LANDLOCK_WRITE 8u   /* read, write, truncate */

typedef struct SvirtLandlockRule {
    const char *path; /* borrowed */
    unsigned grant;   /* SVIRT_LANDLOCK_* */
} SvirtLandlockRule;

/* The TCP ports that may be connected to; none may be bound. */
typedef struct SvirtLandlockPorts {
    const uint16_t *port; /* borrowed */
    size_t count;
} SvirtLandlockPorts;

/*
 * SVIRT_STEP_LANDLOCK: denies every file system right this kernel's ABI knows
 * but for `rules`; every TCP bind and connect (ABI 4) but for `ports` (NULL:
 * the network is not restricted; ENOSYS: some, and no such ABI); abstract unix
 * sockets and signals to anything outside (ABI 6) always. landlock(7).
 * `abi_limit` (-1 none) pretends an older kernel; 0 means no Landlock.
 * *ret_abi: the ABI in force, 0 when there is none (no error: the
 * caller reports a missing layer). Needs no_new_privs.
 */
bool svirt_landlock_restrict(const SvirtLandlockRule *rules, size_t count,
                             const SvirtLandlockPorts *ports, int abi_limit,
                             int32_t *ret_abi, SvirtLaunchFailure *failure);

/* What a file of the spec with these SVIRT_FILE_* flags is granted. */
unsigned svirt_landlock_grant(unsigned file_flags);
/* The kernel's ABI; 0: none, or switched off at boot. */
int svirt_landlock_abi(void);
