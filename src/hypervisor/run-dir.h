/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hypervisor/manager.h"

/*
 * /run/svirt/<uuid> while a VM is being started or changed: made, locked, and
 * removed again unless the keeper takes it over.
 */
typedef struct SvirtRunDir {
    int parent;    /* borrowed: /run/svirt */
    int dir;       /* fd, -1 unset */
    int lock;      /* fd with flock(LOCK_EX), -1 unset */
    int status;    /* fd of the status file, -1 unset */
    uint32_t id;   /* virsh's Id; 0 unset */
    SvirtUuid uuid;
    bool keep;     /* the keeper has it */
} SvirtRunDir;

#define SVIRT_RUN_DIR_INIT { -1, -1, -1, -1, 0, { { 0 } }, false }

/*
 * STATE: the VM runs. BUSY: somebody starts or ends it at this moment. What a
 * dead run left (its VMM is gone) is cleared; one whose VMM lives without a
 * keeper is CORRUPT with the hint to recover it.
 */
bool svirt_run_dir_make(SvirtManager *manager,
                        const SvirtDefinition *definition, SvirtRunDir *ret,
                        GError **error);
/*
 * Keeps a VM that is off from being started until *ret is cleared: for whoever
 * takes its labels, its profile or its definition away. STATE: it runs, `why`
 * says what that forbids. BUSY: somebody starts, ends or changes it.
 */
bool svirt_run_dir_hold(SvirtManager *manager,
                        const SvirtDefinition *definition, const char *why,
                        SvirtRunDir *ret, GError **error);
/* Is there one, of a run or of what is left of it? What is not defined cannot
 * be started, so without one there is nothing to hold. */
bool svirt_run_dir_exists(SvirtManager *manager, const SvirtUuid *uuid);
/* Takes the next id; a start that is not to be does not. */
bool svirt_run_dir_number(SvirtRunDir *run, GError **error);
void svirt_run_dir_clear(SvirtRunDir *run);
#define SVIRT_AUTO_RUN_DIR                                                   \
    __attribute__((cleanup(svirt_run_dir_clear))) SvirtRunDir
