/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "keeper/adopt.h"
#include "keeper/message.h"
#include "keeper/run-keeper.h"
#include "keeper/status.h"
#include "launch/spec.h"
#include "monitor/client.h"
#include "monitor/layout.h"

/*
 * A whole run as `svirt start` would make it, in a directory of its own under
 * /tmp, for tests: real keeper, real monitor, real launch, any VMM.
 */
#define VM_IMAGE_BYTES 4096
#define VM_LOG_LIMIT 65536

typedef struct Vm {
    char *top;       /* <top>/<uuid> is the run directory */
    int runs_fd;
    int run_dir_fd;
    SvirtUuid uuid;
    char uuid_text[SVIRT_UUID_TEXT];
    SvirtLaunchSpec *spec;
    SvirtMonitorArgs args;
    GArray *fds;     /* SvirtNumberedFd; the descriptors are owned */
    int next_source;
    int svirt_fd;    /* to the keeper, -1 */
    pid_t keeper;
    pid_t vmm;       /* after vm_start */
    pid_t monitor;
    pid_t passt;
    bool has_cgroups;
    pid_t other;     /* an adopted keeper: not our child */
} Vm;

/* True when VMs can be started here; else the test is skipped with the fact. */
bool vm_possible(void);
Vm *vm_new(const char *const *argv, uint32_t ready_timeout_ms);
Vm *vm_fake(const char *mode, const char *text, const char *count);
Vm *vm_qemu(void);
void vm_free(Vm *vm);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Vm, vm_free)

/* Before vm_start. `sink` owned from here on. */
void vm_add_serial(Vm *vm, SvirtSerialKind kind, int sink, int rotated);
/* A socket file that is to go with the VM; the directory stays the caller's. */
void vm_add_socket_file(Vm *vm, int dir_fd, const char *dir_path,
                        const char *name);
/* Cgroups of its own below <mount>/svirt-test; false: none here. */
bool vm_add_cgroups(Vm *vm);
/* Any program in the place of passt `index`, with passt's confinement. */
void vm_add_passt(Vm *vm, unsigned index, const char *const *argv);
/* The keeper runs; STARTED came unless `failing`. */
void vm_start(Vm *vm, bool failing);
/* The next message, which must come in 20 s and be of that type. */
void vm_expect(Vm *vm, SvirtMessageType type, SvirtMessage *ret);
/* READY, COMMIT, COMMITTED. */
void vm_run(Vm *vm, bool paused);
void vm_commit(Vm *vm, bool paused);
/* vm_start and vm_run. */
void vm_start_and_run(Vm *vm, bool paused);

int vm_connect(Vm *vm);
/* The answer to a command on a connection of its own, which must come. */
char *vm_qmp(Vm *vm, const char *json);
void vm_status(Vm *vm, SvirtRunStatus *ret);
/* Waits until (status.flags & mask) == wanted. */
void vm_wait_flags(Vm *vm, uint32_t mask, uint32_t wanted);
void vm_wait_monitor(Vm *vm, pid_t not_this_one);
/* The keeper ends, having removed the run directory. */
void vm_wait_released(Vm *vm);
/* Its VMM, at once; then everything is released. */
void vm_kill(Vm *vm);
bool vm_process_is_there(pid_t pid);
/* Somebody else can lock the image. */
bool vm_image_is_free(Vm *vm);
void vm_wait_gone(pid_t pid);
unsigned vm_count_fds(pid_t pid);
/* utime + stime in clock ticks. */
uint64_t vm_cpu_ticks(pid_t pid);

/* vm-adopt.c: what `svirt recover` does. The VMM outlives its keeper. */
void vm_kill_keeper(Vm *vm);
/* What is found is in that state. Owned by the caller. */
SvirtAdopt *vm_open_adoption(Vm *vm, SvirtAdoptState state);
/* The keeper that takes over gives that answer; it is the VM's from then on. */
void vm_adopt(Vm *vm, SvirtAdopt *adopt, SvirtMessageType answer);
void vm_adopt_and_free(Vm *vm, SvirtAdoptState state, SvirtMessageType answer);
/* Takes it: everything is ended and released. */
void vm_end_adoption(Vm *vm, SvirtAdopt *adopt);
