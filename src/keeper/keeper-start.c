/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "keeper/inherit.h"
#include "keeper/keeper.h"
#include "keeper/layout.h"
#include "keeper/unit.h"
#include "launch/hand-over.h"

/* The monitor counts the same time; the keeper does not count on it. */
#define READY_SLACK_MS 2000

static void
take_cgroup_path(SvirtKeeper *keeper, SvirtLeaf which)
{
    char *path = keeper->status.cgroup[which];
    char link[32];
    ssize_t got;

    if (keeper->cgroup_fd[which] < 0) {
        return;
    }
    (void)snprintf(link, sizeof(link), "/proc/self/fd/%d",
                   keeper->cgroup_fd[which]);
    got = readlink(link, path, SVIRT_STATUS_MAX_CGROUP - 1);
    path[got > 0 ? got : 0] = '\0';
}

static bool
put_at(int *fd, int number)
{
    if (dup3(*fd, number, O_CLOEXEC) < 0) {
        return false;
    }
    svirt_fd_close(fd);
    *fd = number;
    return true;
}

/* While svirt judges the definition, the kernel makes the namespaces. */
static bool
make_waiting(SvirtWaiting *waiting)
{
    SvirtLaunchFailure failure = { 0 };
    bool ok;

    if (waiting->pid != 0) {
        errno = EPROTO;
        return false;
    }
    /* Without it the VMM is launched in one go, which tells why it fails. */
    if (!svirt_launch_wait(SVIRT_PROCESS_VMM, SVIRT_KEEPER_FD_CGROUP, waiting,
                           &failure)) {
        return true;
    }
    ok = put_at(&waiting->socket, SVIRT_KEEPER_FD_WAITING) &&
         put_at(&waiting->pidfd, SVIRT_KEEPER_FD_WAITING_PID);
    (void)close(SVIRT_KEEPER_FD_CGROUP);
    return ok;
}

bool
svirt_keeper_await(SvirtWaiting *ret)
{
    SvirtHandOver kind;

    if (!svirt_inherit_svirt_alone()) {
        return false;
    }
    /* For as long as svirt is there: its end is what ends this. */
    while (svirt_hand_over_receive(SVIRT_KEEPER_FD_SVIRT, -1, &kind)) {
        if (kind == SVIRT_HAND_OVER_ALL) {
            return true;
        }
        if (kind == SVIRT_HAND_OVER_CGROUP && !make_waiting(ret)) {
            return false;
        }
    }
    return false;
}

bool
svirt_keeper_init(SvirtKeeper *keeper, bool adopting,
                  const SvirtWaiting *waiting)
{
    const SvirtLaunchSpec *spec;
    const char *why;
    bool ok;

    *keeper = (SvirtKeeper){
        .adopting = adopting,
        .waiting = *waiting,
        .svirt_fd = SVIRT_KEEPER_FD_SVIRT,
        .spec_fd = SVIRT_KEEPER_FD_SPEC,
        .run_dir_fd = -1,
        .status_fd = -1,
        .channel_fd = -1,
        .deadline_ms = INT64_MAX,
        .restart_ms = INT64_MAX,
        .vmm_wait_status = -1,
    };
    for (unsigned i = 0; i < SVIRT_PROCESS_MAX; i++) {
        keeper->child[i] = (SvirtLaunched)SVIRT_LAUNCHED_INIT;
    }
    for (unsigned i = 0; i < SVIRT_LEAF_MAX; i++) {
        keeper->cgroup_fd[i] = -1;
    }
    spec = svirt_spec_map(SVIRT_KEEPER_FD_SPEC, &why);
    if (spec == NULL || !svirt_inherit_check(spec, adopting)) {
        svirt_keeper_fail(keeper, SVIRT_STEP_SPEC, SVIRT_PROCESS_VMM, errno,
                          spec == NULL ? why : "inherited descriptors");
        svirt_spec_unmap(spec);
        return false;
    }
    keeper->uuid = spec->uuid;
    keeper->ready_timeout_ms = spec->ready_timeout_ms;
    keeper->managed = spec->argv[SVIRT_PROCESS_MONITOR].count > 0;
    keeper->run_dir_fd = svirt_inherit_find(spec, SVIRT_FD_RUN_DIR, 0);
    keeper->status_fd = svirt_inherit_find(spec, SVIRT_FD_STATUS, 0);
    for (unsigned i = 0; i < SVIRT_LEAF_MAX; i++) {
        keeper->cgroup_fd[i] = svirt_inherit_find(spec, SVIRT_FD_CGROUP, i);
    }
    ok = keeper->status_fd >= 0 && keeper->run_dir_fd >= 0 &&
         svirt_run_status_read_fd(keeper->status_fd, &keeper->status) &&
         svirt_uuid_equal(&keeper->status.uuid, &spec->uuid);
    svirt_spec_unmap(spec);
    if (!ok || !keeper->managed) {
        svirt_keeper_fail(keeper, SVIRT_STEP_SPEC, SVIRT_PROCESS_VMM, EPROTO,
                          ok ? "no monitor"
                             : "status file or run directory");
        return false;
    }
    for (unsigned i = 0; i < SVIRT_LEAF_MAX; i++) {
        take_cgroup_path(keeper, (SvirtLeaf)i);
    }
    svirt_keeper_set_process(&keeper->status.keeper, getpid(), geteuid());
    return true;
}

static bool
run(SvirtKeeper *keeper, const SvirtLaunchSpec *spec, SvirtProcess which,
    SvirtLaunchFailure *failure)
{
    int cgroup_fd = keeper->cgroup_fd[svirt_process_leaf(which)];
    SvirtLaunched *child = &keeper->child[which];

    switch (which) {
    case SVIRT_PROCESS_VMM:
        return svirt_launch_waiting(&keeper->waiting, spec, keeper->spec_fd,
                                    which, cgroup_fd, child, failure);
    case SVIRT_PROCESS_MONITOR:
        return svirt_keeper_start_monitor(keeper, false, failure);
    default:
        return svirt_launch_process(spec, which, cgroup_fd, child, failure);
    }
}

/* Launches one process of the spec that is mapped; false: start failed. */
static bool
launch(SvirtKeeper *keeper, const SvirtLaunchSpec *spec, SvirtProcess which)
{
    SvirtLaunchFailure failure = { 0 };

    if (spec->argv[which].count == 0) {
        return true;
    }
    if (!run(keeper, spec, which, &failure)) {
        svirt_keeper_fail(keeper, failure.step, which, failure.errnum,
                          failure.words);
        return false;
    }
    if (which != SVIRT_PROCESS_MONITOR) {
        svirt_keeper_set_process(&keeper->status.process[which],
                                 keeper->child[which].pid,
                                 spec->ids[which].uid);
    }
    return true;
}

bool
svirt_keeper_start(SvirtKeeper *keeper)
{
    const char *why;
    const SvirtLaunchSpec *spec = svirt_spec_map(keeper->spec_fd, &why);
    const SvirtRunProcess *process = keeper->status.process;
    SvirtMessage started = { .type = SVIRT_MESSAGE_STARTED };
    const SvirtLaunched *vmm = &keeper->child[SVIRT_PROCESS_VMM];
    bool ok = true;

    if (spec == NULL) {
        svirt_keeper_fail(keeper, SVIRT_STEP_SPEC, SVIRT_PROCESS_VMM, errno,
                          why);
        return false;
    }
    /* The VMM first: its loading takes ten times what the rest does. */
    for (unsigned i = 0; ok && i < SVIRT_PROCESS_MAX; i++) {
        ok = launch(keeper, spec, (SvirtProcess)i);
    }
    if (ok) {
        keeper->status.waived_layers = spec->waived_layers;
        keeper->status.lacking_layers =
            vmm->missing_layers & ~spec->waived_layers;
        keeper->status.landlock_abi = vmm->landlock_abi;
        keeper->status.started_s = time(NULL);
        keeper->status.state = SVIRT_GUEST_PAUSED;
        keeper->status.reason = SVIRT_REASON_STARTING;
        keeper->status.flags |= SVIRT_RUN_STARTING;
        if (spec->paused) {
            keeper->status.flags |= SVIRT_RUN_START_PAUSED;
        }
        if ((spec->exec & SVIRT_EXEC_TAINTED) != 0) {
            keeper->status.flags |= SVIRT_RUN_TAINTED;
        }
        svirt_inherit_drop_launched(spec);
        started.a = process[SVIRT_PROCESS_VMM].pid;
        started.b = (int64_t)process[SVIRT_PROCESS_VMM].start_time;
        started.c = process[SVIRT_PROCESS_MONITOR].pid;
        started.d = process[SVIRT_PROCESS_PASST].pid;
        svirt_keeper_write_status(keeper);
        svirt_keeper_tell(keeper, &started);
        keeper->deadline_ms = svirt_keeper_now_ms() +
                              keeper->ready_timeout_ms + READY_SLACK_MS;
        /* While the VMM loads: nobody waits for this. */
        svirt_keeper_keep_spec(keeper);
    }
    svirt_spec_unmap(spec);
    return ok;
}

static void
adopt_passts(SvirtKeeper *keeper, const SvirtAdoption *adoption)
{
    for (int i = 0; i < SVIRT_MAX_PASSTS; i++) {
        SvirtLaunched *passt = &keeper->child[SVIRT_PROCESS_PASST + i];
        SvirtRunProcess *process =
            &keeper->status.process[SVIRT_PROCESS_PASST + i];

        if (adoption->passt[i].pid > 0) {
            passt->pid = adoption->passt[i].pid;
            passt->pidfd = SVIRT_KEEPER_FD_PASST_PIDFD(i);
        } else if (process->pid > 0) {
            keeper->status.flags |= SVIRT_RUN_NETWORK_LOST;
        }
        *process = adoption->passt[i];
    }
}

/*
 * The former keeper's monitor lives until here, so that whatever kept this
 * keeper from starting would have left it. Two on one QMP would each get half
 * of it: the next one starts when this one has ended, or never was.
 */
static void
adopt_monitor(SvirtKeeper *keeper)
{
    SvirtLaunched *monitor = &keeper->child[SVIRT_PROCESS_MONITOR];
    SvirtRunProcess *process = &keeper->status.process[SVIRT_PROCESS_MONITOR];

    monitor->pidfd = svirt_run_process_open(process);
    monitor->pid = monitor->pidfd >= 0 ? process->pid : 0;
    if (keeper->managed) {
        svirt_keeper_monitor_gone(keeper, true);
        return;
    }
    keeper->status.flags |= SVIRT_RUN_UNMANAGED;
    if (monitor->pid == 0) {
        *process = (SvirtRunProcess){ 0 };
    }
}

bool
svirt_keeper_adopt(SvirtKeeper *keeper)
{
    SvirtAdoption adoption;
    SvirtLaunched *vmm = &keeper->child[SVIRT_PROCESS_VMM];
    SvirtMessage started = { .type = SVIRT_MESSAGE_STARTED };

    if (svirt_pread_full(SVIRT_KEEPER_FD_ADOPTION, &adoption,
                         sizeof(adoption), 0) != sizeof(adoption) ||
        adoption.magic != SVIRT_ADOPTION_MAGIC || adoption.vmm.pid <= 0) {
        svirt_keeper_fail(keeper, SVIRT_STEP_SPEC, SVIRT_PROCESS_VMM, EPROTO,
                          "adoption block");
        return false;
    }
    svirt_unit_join(keeper->cgroup_fd[SVIRT_LEAF_VMM]);
    vmm->pid = adoption.vmm.pid;
    vmm->pidfd = SVIRT_KEEPER_FD_VMM_PIDFD;
    keeper->status.process[SVIRT_PROCESS_VMM] = adoption.vmm;
    adopt_passts(keeper, &adoption);
    keeper->committed = true;
    keeper->phase = SVIRT_KEEPER_RUNNING;
    keeper->managed = keeper->managed && adoption.managed == 1;
    keeper->status.flags &= ~(SVIRT_RUN_STARTING | SVIRT_RUN_COMMITTING);
    keeper->status.flags |= SVIRT_RUN_ADOPTED;
    if (adoption.unlocked == 1) {
        /* To its end: what happened meanwhile nobody can take back. */
        keeper->status.flags |= SVIRT_RUN_UNLOCKED;
    }
    adopt_monitor(keeper);
    svirt_keeper_write_status(keeper);
    started.a = adoption.vmm.pid;
    started.b = (int64_t)adoption.vmm.start_time;
    svirt_keeper_tell(keeper, &started);
    return true;
}
