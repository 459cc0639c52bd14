/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/uuid.h"
#include "launch/spec.h"

/*
 * What every listing command knows about a running VM: one block in
 * /run/svirt/<uuid>/status, written by the keeper through its descriptor, read
 * by anybody who may enter the directory. It fits in one page and is written
 * by one pwrite(2), so a keeper killed at any instant leaves the block before
 * or the block after; a reader that meets a write halfway sees it by the
 * checksum and reads again.
 *
 * `svirt start` creates the file and writes the first block with what only it
 * knows (id, name, uuid, author, incarnation, layers); the keeper fills in the
 * rest. The file is never believed alone: pids are compared with the start
 * times in /proc, and those mean something in the boot they were taken in only.
 * A block of another boot (the run directory of an embedded instance may be on
 * a disk) reads as a VM that has ended: state shut off, no process, no cgroup.
 */
#define SVIRT_STATUS_MAGIC 0x53565254u /* "SVRT" */
#define SVIRT_STATUS_VERSION 2u
#define SVIRT_STATUS_MAX_CGROUP 384

/* SvirtRunStatus.flags */
#define SVIRT_RUN_STARTING (1u << 0)     /* not committed yet */
#define SVIRT_RUN_READY (1u << 1)        /* answered its first QMP command */
#define SVIRT_RUN_TAINTED (1u << 2)      /* a monitor command went through */
#define SVIRT_RUN_BROKEN (1u << 3)       /* "(protocol broken)" */
#define SVIRT_RUN_UNMANAGED (1u << 4)    /* no QMP: destroy alone works */
#define SVIRT_RUN_START_PAUSED (1u << 5) /* start --paused */
#define SVIRT_RUN_ADOPTED (1u << 6)      /* by a keeper that is no parent */
#define SVIRT_RUN_NETWORK_LOST (1u << 7) /* a passt ended */
#define SVIRT_RUN_SILENT (1u << 8)       /* QMP answers are overdue */
#define SVIRT_RUN_UNLOCKED (1u << 9)     /* an image's lock had lapsed */
#define SVIRT_RUN_COMMITTING (1u << 10)  /* STARTING; the guest may run */
#define SVIRT_RUN_FLAGS_ALL 0x7ffu

/* A process that is named by pid and start time; pid 0: none. */
typedef struct SvirtRunProcess {
    int32_t pid;
    uint32_t uid;
    uint64_t start_time; /* field 22 of /proc/PID/stat, clock ticks */
} SvirtRunProcess;

typedef struct SvirtRunStatus {
    uint32_t magic;
    uint32_t version;
    uint64_t checksum; /* of every byte behind it */
    uint64_t sequence; /* one more with every write */
    uint32_t id;       /* virsh's Id, from 1 */
    uint32_t state;    /* SvirtGuestState */
    uint32_t reason;   /* SvirtGuestReason */
    uint32_t flags;    /* SVIRT_RUN_* */
    SvirtRunProcess process[SVIRT_PROCESS_MAX];
    SvirtRunProcess keeper;
    int64_t started_s; /* wall clock, seconds since 1970 */
    uint64_t incarnation;
    uint32_t author_uid;
    uint32_t waived_layers;  /* SVIRT_LAYER_*: by a waiver */
    uint32_t lacking_layers; /* SVIRT_LAYER_*: the kernel has none */
    int32_t landlock_abi;    /* in force; 0 none */
    uint32_t monitor_restarts;
    uint32_t reserved; /* 0 */
    SvirtUuid boot; /* random(4)'s boot_id; zero where there is none */
    SvirtUuid uuid;
    char name[SVIRT_SPEC_MAX_NAME];
    /* Absolute path of each cgroup v2 directory, "" none. */
    char cgroup[SVIRT_LEAF_MAX][SVIRT_STATUS_MAX_CGROUP];
} SvirtRunStatus;

/* Zeroed, with magic, version, this boot, uuid and name (cut at the bound). */
void svirt_run_status_init(SvirtRunStatus *ret, const SvirtUuid *uuid,
                           const char *name);
/*
 * Adds one to sequence, sets the checksum, writes the block at offset 0 of
 * `fd`. False with errno.
 */
bool svirt_run_status_write(int fd, SvirtRunStatus *status);
/*
 * <dir_fd>/<uuid_text>/status, every field checked. `uuid_text` NULL:
 * <dir_fd>/status. False with errno, *ret untouched: ENOENT no such VM, EPROTO
 * the block is damaged or is another VM's, EAGAIN it changed all the time.
 */
bool svirt_run_status_read(int dir_fd, const char *uuid_text,
                           SvirtRunStatus *ret);
/* The same from an open status file. */
bool svirt_run_status_read_fd(int fd, SvirtRunStatus *ret);

/* Field 22 of /proc/<pid>/stat (proc(5)); false with errno, ESRCH gone. */
bool svirt_process_start_time(pid_t pid, uint64_t *ret);
/* Pid and start time still name a living process (a zombie is not). */
bool svirt_run_process_alive(const SvirtRunProcess *process);
/* A pidfd of exactly that process; -1 with errno, ESRCH when it is gone. */
int svirt_run_process_open(const SvirtRunProcess *process);
