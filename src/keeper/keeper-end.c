/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "keeper/keeper.h"
#include "keeper/release.h"
#include "keeper/socket-file.h"

#define DRAIN_MS 500
#define KILL_WAIT_MS 5000

static void
kill_child(SvirtLaunched *child)
{
    if (child->pid != 0) {
        /* ESRCH: it ended by itself, which is what was wanted. */
        (void)syscall(SYS_pidfd_send_signal, child->pidfd, SIGKILL, NULL, 0);
    }
}

void
svirt_keeper_fail(SvirtKeeper *keeper, SvirtStep step, SvirtProcess process,
                  int errnum, const char *text)
{
    size_t length = strnlen(text, SVIRT_MESSAGE_TEXT - 1);

    keeper->failure = (SvirtMessage){
        .type = SVIRT_MESSAGE_FAILED,
        .process = process,
        .step = step,
        .errnum = errnum,
    };
    memcpy(keeper->failure.text, text, length);
    if (keeper->adopting && keeper->child[SVIRT_PROCESS_VMM].pid == 0) {
        /* Nothing was taken over: nothing is ours to end. */
        svirt_keeper_tell(keeper, &keeper->failure);
        keeper->phase = SVIRT_KEEPER_DONE;
        return;
    }
    svirt_keeper_begin_end(keeper);
}

void
svirt_keeper_begin_end(SvirtKeeper *keeper)
{
    SvirtLaunched *vmm = &keeper->child[SVIRT_PROCESS_VMM];
    SvirtMessage gone = { .type = SVIRT_MESSAGE_VMM_GONE,
                          .a = keeper->vmm_wait_status };

    if (keeper->phase == SVIRT_KEEPER_DONE) {
        return;
    }
    keeper->phase = SVIRT_KEEPER_ENDING;
    keeper->restart_ms = INT64_MAX;
    keeper->deadline_ms = INT64_MAX;
    if (vmm->pid != 0) {
        /*
         * Nothing is given back while the VMM may live: the loop comes here
         * again when it is dead, however long the kernel takes.
         */
        kill_child(vmm);
        return;
    }
    if (keeper->channel_fd < 0 ||
        !svirt_message_send(keeper->channel_fd, &gone)) {
        svirt_keeper_finish_end(keeper);
        return;
    }
    keeper->deadline_ms = svirt_keeper_now_ms() + DRAIN_MS;
}

static void
end_helper(SvirtLaunched *child)
{
    struct pollfd ended = { .fd = child->pidfd, .events = POLLIN };
    int status;

    kill_child(child);
    if (child->pid != 0) {
        (void)poll(&ended, 1, KILL_WAIT_MS);
    }
    (void)svirt_keeper_reap(child, &status);
}

static void
tell_svirt(SvirtKeeper *keeper)
{
    SvirtMessage exited = {
        .type = SVIRT_MESSAGE_EXITED,
        .a = keeper->vmm_wait_status,
    };

    memcpy(exited.text, keeper->tail, sizeof(exited.text));
    if (keeper->failure.type != SVIRT_MESSAGE_NONE) {
        svirt_keeper_tell(keeper, &keeper->failure);
    } else {
        svirt_keeper_tell(keeper, &exited);
    }
}

static void
remove_sockets(const SvirtKeeper *keeper)
{
    const char *why;
    const SvirtLaunchSpec *spec = svirt_spec_map(keeper->spec_fd, &why);

    if (spec != NULL) {
        svirt_socket_files_remove(spec, true);
        svirt_spec_unmap(spec);
    }
}

/*
 * In this order:
 * 1. monitor and passts, which hold the VM's descriptors, end (the monitor
 *    has had its time for the last lines of the log);
 * 2. the cgroups: whatever a VMM left behind is killed before its label, its
 *    uid or its locks may be anybody else's;
 * 3. the socket files it had on the host;
 * 4. the status says so, for who has it open already;
 * 5. the run directory: from here on nobody finds the VM. It stays when a
 *    cgroup does: `svirt recover`, or the next start, finds both by it;
 * 6. svirt hears it, so that it never reports an end that is not one;
 * 7. the locks, by the end of this process: who gets one finds nothing of the
 *    old run.
 */
void
svirt_keeper_finish_end(SvirtKeeper *keeper)
{
    bool released;

    if (keeper->phase == SVIRT_KEEPER_DONE) {
        return;
    }
    keeper->phase = SVIRT_KEEPER_DONE;
    keeper->deadline_ms = INT64_MAX;
    end_helper(&keeper->child[SVIRT_PROCESS_MONITOR]);
    for (unsigned i = SVIRT_PROCESS_PASST; i < SVIRT_PROCESS_MAX; i++) {
        end_helper(&keeper->child[i]);
    }
    svirt_launch_wait_end(&keeper->waiting);
    svirt_fd_close(&keeper->channel_fd);
    released = svirt_release_cgroups(keeper->cgroup_fd[SVIRT_LEAF_VMM],
                                     &keeper->uuid, KILL_WAIT_MS);
    remove_sockets(keeper);
    keeper->status.state = SVIRT_GUEST_SHUT_OFF;
    keeper->status.reason = keeper->committed ? SVIRT_REASON_UNKNOWN
                                              : SVIRT_REASON_FAILED;
    memset(keeper->status.process, 0, sizeof(keeper->status.process));
    svirt_keeper_write_status(keeper);
    if (released && keeper->run_dir_fd >= 0) {
        (void)svirt_release_run_dir(keeper->run_dir_fd, &keeper->uuid);
    }
    tell_svirt(keeper);
}
