/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "keeper/adopt.h"
#include "keeper/message.h"
#include "keeper/status.h"
#include "launch/child.h"
#include "launch/spec.h"

/*
 * The keeper's memory and its phases. One thread, one poll(2); it sleeps but
 * for the ends of the VM's processes and the monitor's fixed-size messages.
 */
typedef enum SvirtKeeperPhase {
    SVIRT_KEEPER_STARTING,   /* the VMM runs, its first QMP reply is awaited */
    SVIRT_KEEPER_READY,      /* svirt reads back and decides */
    SVIRT_KEEPER_CONTINUING, /* committed; `cont` is under way */
    SVIRT_KEEPER_RUNNING,    /* svirt is gone */
    SVIRT_KEEPER_ENDING,     /* the VMM is dead: its last words */
    SVIRT_KEEPER_DONE,
    SVIRT_KEEPER_PHASE_MAX
} SvirtKeeperPhase;

typedef struct SvirtKeeper {
    SvirtKeeperPhase phase;
    bool adopting;       /* not the VMM's parent, and no start to finish */
    bool managed;        /* there is a monitor, and one is wanted */
    bool committed;
    int svirt_fd;        /* -1: gone or done with */
    int spec_fd;
    SvirtUuid uuid;
    uint32_t ready_timeout_ms;
    /* Kept until the end, -1 unset. */
    int run_dir_fd;
    int status_fd;
    int cgroup_fd[SVIRT_LEAF_MAX];
    SvirtRunStatus status;

    SvirtWaiting waiting; /* the VMM's process until it is launched */
    SvirtLaunched child[SVIRT_PROCESS_MAX]; /* pid 0: not there */
    int channel_fd;      /* to the present monitor, -1 none */
    int64_t deadline_ms; /* of the phase, INT64_MAX none */
    int64_t restart_ms;  /* when the next monitor starts, INT64_MAX not */
    int64_t monitor_started_ms;
    uint32_t backoff_ms;
    uint32_t heard;      /* messages in the present second */
    int64_t heard_ms;
    int64_t deaf_until_ms; /* too many: the channel is left alone */

    int vmm_wait_status; /* ENDING: as waitpid(2) gives it, -1 unknown */
    SvirtMessage failure; /* why an uncommitted start ends; NONE: no reason */
    char tail[SVIRT_MESSAGE_TEXT]; /* last lines of the VMM's stderr */
} SvirtKeeper;

/*
 * Phase by phase: _await makes the process that waits and takes what svirt
 * hands over (false: nothing came), _init takes the descriptors, _start
 * launches, _adopt takes over, _run returns when all is released.
 */
bool svirt_keeper_await(SvirtWaiting *ret);
bool svirt_keeper_init(SvirtKeeper *keeper, bool adopting,
                       const SvirtWaiting *waiting);
bool svirt_keeper_start(SvirtKeeper *keeper);
bool svirt_keeper_adopt(SvirtKeeper *keeper);
void svirt_keeper_run(SvirtKeeper *keeper);

/* keeper-monitor.c: the life of monitors. */
bool svirt_keeper_start_monitor(SvirtKeeper *keeper, bool resync,
                                SvirtLaunchFailure *failure);
/* It ended, or must: reaped, the channel closed, the next one planned. */
void svirt_keeper_monitor_gone(SvirtKeeper *keeper, bool kill_it);
/* The channel can be read. */
void svirt_keeper_hear_monitor(SvirtKeeper *keeper);

/* keeper-end.c: the way out. */
/* The VMM must go or is gone: ask for its last words. */
void svirt_keeper_begin_end(SvirtKeeper *keeper);
/* Everything is given back, svirt told; phase DONE. */
void svirt_keeper_finish_end(SvirtKeeper *keeper);
/* Before commit: the start has failed; ends in begin_end. */
void svirt_keeper_fail(SvirtKeeper *keeper, SvirtStep step,
                       SvirtProcess process, int errnum, const char *text);

/* keeper.c: helpers of all three. */
int64_t svirt_keeper_now_ms(void);
/* A status nobody can write is not worth a guest: failure is ignored. */
void svirt_keeper_write_status(SvirtKeeper *keeper);
void svirt_keeper_set_process(SvirtRunProcess *ret, pid_t pid, uint32_t uid);
/* Reaps without waiting; false: still alive. *ret_status -1: not our child. */
bool svirt_keeper_reap(SvirtLaunched *child, int *ret_status);
/* svirt hears it, if it is still there. */
void svirt_keeper_tell(SvirtKeeper *keeper, const SvirtMessage *message);
/* What an adoption of this VM will need; without it there is none. */
void svirt_keeper_keep_spec(SvirtKeeper *keeper);
/* QMP answers: what waits for that goes on. */
void svirt_keeper_ready(SvirtKeeper *keeper);
void svirt_keeper_committed(SvirtKeeper *keeper);
