/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "keeper/adopt-lock.h"
#include "keeper/message.h"
#include "keeper/status.h"

/*
 * Adoption: the keeper of a VM died, its VMM lives. `svirt recover` gives the
 * VMM a new keeper, or ends it:
 *
 *     svirt_adopt_open -> svirt_adopt_start | svirt_adopt_end -> _free
 *
 * _open takes the run lock, so two recoveries, or a recovery and a living
 * keeper, never meet. The descriptors a keeper needs to restart the monitor
 * are taken with pidfd_getfd(2) from the living monitor at the numbers of
 * monitor/layout.h; the locks' descriptions from the VMM, each of which is
 * checked to be the image's and to hold its lock (keeper/adopt-lock.h). The
 * new keeper, once it has taken over, ends the old monitor and starts its own,
 * which resynchronises QMP; one that cannot take over leaves it. With the
 * monitor dead too, the other end of QMP is gone for good: the VM is adopted
 * unmanaged and only destroy works.
 *
 * No GLib. Needs CAP_SYS_PTRACE and CAP_KILL over the VM's processes.
 */
typedef struct SvirtAdopt SvirtAdopt;

/* What the new keeper reads from SVIRT_KEEPER_FD_ADOPTION. */
#define SVIRT_ADOPTION_MAGIC 0x53564144u /* "SVAD" */
typedef struct SvirtAdoption {
    uint32_t magic;
    uint32_t managed; /* 1: the monitor's descriptors are there */
    uint32_t unlocked; /* 1: an image was without its lock, or is */
    uint32_t reserved; /* 0 */
    SvirtRunProcess vmm;
    SvirtRunProcess passt[SVIRT_MAX_PASSTS]; /* pid 0: none */
} SvirtAdoption;

typedef enum SvirtAdoptState {
    SVIRT_ADOPT_MANAGED,   /* the VMM and its monitor live */
    SVIRT_ADOPT_UNMANAGED, /* the VMM alone lives */
    SVIRT_ADOPT_COMMITTING,/* it and its monitor live; its start was read back
                              and committed, but whether the guest runs the
                              monitor alone knows: see svirt_adopt_decide */
    SVIRT_ADOPT_UNFINISHED,/* the VMM lives; its start was never committed */
    SVIRT_ADOPT_DEAD,      /* no VMM: only leftovers */
    SVIRT_ADOPT_DAMAGED,   /* no status to tell: the VMM may live or not */
    SVIRT_ADOPT_STATE_MAX
} SvirtAdoptState;

const char *svirt_adopt_state_to_string(SvirtAdoptState state);
bool svirt_adopt_state_from_string(const char *text, SvirtAdoptState *ret);

/*
 * <runs_dir_fd>/<uuid_text>. NULL with errno and *ret_why (static words):
 * EWOULDBLOCK a keeper holds the run lock, ENOENT no such run, EPROTO the
 * spec is damaged. Owner of the result: the caller.
 */
SvirtAdopt *svirt_adopt_open(int runs_dir_fd, const char *uuid_text,
                             const char **ret_why);
void svirt_adopt_free(SvirtAdopt *adopt);
SvirtAdoptState svirt_adopt_state(const SvirtAdopt *adopt);
/* Borrowed. */
const SvirtRunStatus *svirt_adopt_status(const SvirtAdopt *adopt);

/* The run directory, borrowed. */
int svirt_adopt_run_dir(const SvirtAdopt *adopt);
/*
 * COMMITTING becomes MANAGED, to be finished, where the guest `runs`; else
 * UNFINISHED, to be ended: who started it was told that it failed.
 */
void svirt_adopt_decide(SvirtAdopt *adopt, bool runs);
/*
 * MANAGED and UNMANAGED only: start `keeper_program` in adopt mode and wait
 * for its word. True: *ret_answer is READY (QMP answers), STARTED (unmanaged)
 * or QMP_BROKEN (kept, protocol broken). False with errno; EREMOTEIO:
 * *ret_answer is the keeper's FAILED, or EXITED: the VMM ended meanwhile and
 * everything is released. The keeper holds the run lock from here on.
 */
bool svirt_adopt_start(SvirtAdopt *adopt, const char *keeper_program,
                       int timeout_ms, SvirtMessage *ret_answer);
/* After _start: how many of the images' locks were found in that state. */
unsigned svirt_adopt_locks(const SvirtAdopt *adopt, SvirtAdoptLock state);
/*
 * Any state: kill what lives (by pidfd and cgroup), remove the cgroups and the
 * run directory. False with errno; what could be undone is.
 */
bool svirt_adopt_end(SvirtAdopt *adopt, int timeout_ms);
