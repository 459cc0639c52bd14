/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "keeper/keeper.h"
#include "keeper/layout.h"

/* A monitor that is killed comes back at once; one that cannot live, slowly. */
#define BACKOFF_MAX_MS 100u
#define BACKOFF_HOPELESS_MS 5000u
#define SETTLED_MS 1000
/* The monitor sends at most 50 a second by itself. */
#define MESSAGES_PER_S 200u
#define KILL_WAIT_MS 1000

/* The channel's two ends; the monitor's stands on its number. */
static bool
open_channel(SvirtKeeper *keeper)
{
    int ends[2];
    bool ok;

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0) {
        return false;
    }
    ok = dup3(ends[1], SVIRT_KEEPER_FD_CHANNEL, O_CLOEXEC) >= 0;
    (void)close(ends[1]);
    if (!ok) {
        (void)close(ends[0]);
        return false;
    }
    keeper->channel_fd = ends[0];
    return true;
}

static void
plan_restart(SvirtKeeper *keeper)
{
    int64_t now_ms = svirt_keeper_now_ms();

    if (now_ms - keeper->monitor_started_ms >= SETTLED_MS) {
        keeper->backoff_ms = 0;
    } else if (keeper->backoff_ms < BACKOFF_MAX_MS) {
        keeper->backoff_ms = keeper->backoff_ms * 2 + 1;
        if (keeper->backoff_ms > BACKOFF_MAX_MS) {
            keeper->backoff_ms = BACKOFF_MAX_MS;
        }
    }
    keeper->restart_ms = now_ms + keeper->backoff_ms;
}

bool
svirt_keeper_start_monitor(SvirtKeeper *keeper, bool resync,
                           SvirtLaunchFailure *failure)
{
    SvirtMessage begin = {
        .type = SVIRT_MESSAGE_BEGIN,
        .a = resync,
        .b = keeper->status.state,
        .c = keeper->status.reason,
        .d = keeper->status.flags,
    };
    SvirtMessage go = { .type = SVIRT_MESSAGE_CONTINUE };
    SvirtLaunched *child = &keeper->child[SVIRT_PROCESS_MONITOR];
    const char *why = "memory";
    const SvirtLaunchSpec *spec = svirt_spec_map(keeper->spec_fd, &why);
    bool ok = false;

    keeper->monitor_started_ms = svirt_keeper_now_ms();
    if (spec == NULL || !open_channel(keeper)) {
        (void)svirt_launch_fail(failure, SVIRT_STEP_SPEC,
                                "the monitor's channel or spec");
    } else {
        ok = svirt_message_send(keeper->channel_fd, &begin) &&
             svirt_launch_process(spec, SVIRT_PROCESS_MONITOR,
                                  keeper->cgroup_fd[SVIRT_LEAF_HELPER],
                                  child, failure);
        /* Only the monitor holds its end now: its death shows as the end. */
        (void)dup3(STDIN_FILENO, SVIRT_KEEPER_FD_CHANNEL, O_CLOEXEC);
    }
    if (ok) {
        svirt_keeper_set_process(&keeper->status.process[SVIRT_PROCESS_MONITOR],
                                 child->pid,
                                 spec->ids[SVIRT_PROCESS_MONITOR].uid);
        if (keeper->phase == SVIRT_KEEPER_CONTINUING) {
            (void)svirt_message_send(keeper->channel_fd, &go);
        }
    } else {
        svirt_fd_close(&keeper->channel_fd);
        keeper->backoff_ms = BACKOFF_HOPELESS_MS;
        keeper->restart_ms = keeper->monitor_started_ms + BACKOFF_HOPELESS_MS;
    }
    svirt_spec_unmap(spec);
    return ok;
}

/* The monitor may be its VM's: only what may be printed is kept. */
static void
take_text(char ret[SVIRT_MESSAGE_TEXT], const char *text)
{
    size_t i;

    for (i = 0; i < SVIRT_MESSAGE_TEXT - 1 && text[i] != '\0'; i++) {
        bool ok = (text[i] >= ' ' && text[i] <= '~') || text[i] == '\n';

        ret[i] = ok ? text[i] : '?';
    }
    ret[i] = '\0';
}

static void
broken(SvirtKeeper *keeper, const SvirtMessage *message)
{
    SvirtMessage answer = {
        .type = SVIRT_MESSAGE_QMP_BROKEN,
        .errnum = message->errnum,
    };

    take_text(answer.text, message->text);
    if (keeper->phase < SVIRT_KEEPER_RUNNING) {
        svirt_keeper_fail(keeper, SVIRT_STEP_READY, SVIRT_PROCESS_VMM,
                          message->errnum, answer.text);
        return;
    }
    keeper->status.flags |= SVIRT_RUN_BROKEN;
    svirt_keeper_write_status(keeper);
    svirt_keeper_tell(keeper, &answer);
    svirt_fd_close(&keeper->svirt_fd);
}

static void
monitor_failed(SvirtKeeper *keeper, const SvirtMessage *message)
{
    char text[SVIRT_MESSAGE_TEXT];

    take_text(text, message->text);
    if (keeper->phase >= SVIRT_KEEPER_ENDING) {
        return; /* said again and again it would put the end off for ever */
    }
    if (!keeper->committed) {
        svirt_keeper_fail(keeper, message->step < SVIRT_STEP_MAX
                              ? (SvirtStep)message->step : SVIRT_STEP_EXEC,
                          SVIRT_PROCESS_MONITOR, message->errnum, text);
        return;
    }
    keeper->backoff_ms = BACKOFF_HOPELESS_MS;
}

/* Shut off is the keeper's to say: it alone sees the VMM end. */
static bool
take_guest_state(SvirtKeeper *keeper, const SvirtMessage *message)
{
    if (message->a <= SVIRT_GUEST_NOSTATE ||
        message->a >= SVIRT_GUEST_STATE_MAX ||
        message->a == SVIRT_GUEST_SHUT_OFF || message->b < 0 ||
        message->b >= SVIRT_REASON_MAX) {
        return false;
    }
    keeper->status.state = (uint32_t)message->a;
    keeper->status.reason = (uint32_t)message->b;
    svirt_keeper_write_status(keeper);
    return true;
}

/* False: no monitor that is what it was started as says this. */
static bool
take_message(SvirtKeeper *keeper, const SvirtMessage *message)
{
    SvirtRunStatus *status = &keeper->status;

    switch ((SvirtMessageType)message->type) {
    case SVIRT_MESSAGE_GUEST_STATE:
        return take_guest_state(keeper, message);
    case SVIRT_MESSAGE_QMP_READY:
        svirt_keeper_ready(keeper);
        return true;
    case SVIRT_MESSAGE_QMP_BROKEN:
        broken(keeper, message);
        return true;
    case SVIRT_MESSAGE_STDERR_TAIL:
        take_text(keeper->tail, message->text);
        return true;
    case SVIRT_MESSAGE_TAINTED:
        status->flags |= SVIRT_RUN_TAINTED;
        svirt_keeper_write_status(keeper);
        return true;
    case SVIRT_MESSAGE_SILENT:
        status->flags &= ~SVIRT_RUN_SILENT;
        status->flags |= message->a == 1 ? SVIRT_RUN_SILENT : 0;
        svirt_keeper_write_status(keeper);
        return true;
    case SVIRT_MESSAGE_CONFINED:
        status->lacking_layers |= (uint32_t)message->a & SVIRT_LAYER_ALL &
                                  ~status->waived_layers;
        return true;
    case SVIRT_MESSAGE_CONTINUED:
        if (keeper->phase != SVIRT_KEEPER_CONTINUING) {
            return true; /* a second `cont` after a new start of the monitor */
        }
        if (message->errnum == 0) {
            svirt_keeper_committed(keeper);
        } else {
            broken(keeper, message);
        }
        return true;
    case SVIRT_MESSAGE_FAILED:
        monitor_failed(keeper, message);
        return true;
    case SVIRT_MESSAGE_NONE:
    case SVIRT_MESSAGE_STARTED:
    case SVIRT_MESSAGE_READY:
    case SVIRT_MESSAGE_EXITED:
    case SVIRT_MESSAGE_PLACED:
    case SVIRT_MESSAGE_COMMITTED:
    case SVIRT_MESSAGE_COMMIT:
    case SVIRT_MESSAGE_ABORT:
    case SVIRT_MESSAGE_BEGIN:
    case SVIRT_MESSAGE_CONTINUE:
    case SVIRT_MESSAGE_VMM_GONE:
    case SVIRT_MESSAGE_MAX:
        return false;
    }
    return false;
}

/* 1 a message, 0 none there, -1 nonsense or the end. */
static int
hear_one(SvirtKeeper *keeper)
{
    SvirtMessage message;

    if (keeper->channel_fd < 0) {
        return 0;
    }
    if (!svirt_message_receive(keeper->channel_fd, 0, &message)) {
        return errno == ETIMEDOUT ? 0 : -1;
    }
    if (!take_message(keeper, &message)) {
        return -1;
    }
    if (message.type == SVIRT_MESSAGE_STDERR_TAIL &&
        keeper->phase == SVIRT_KEEPER_ENDING) {
        svirt_keeper_finish_end(keeper);
        return 0;
    }
    return 1;
}

void
svirt_keeper_hear_monitor(SvirtKeeper *keeper)
{
    int64_t now_ms = svirt_keeper_now_ms();

    if (now_ms - keeper->heard_ms >= 1000) {
        keeper->heard_ms = now_ms;
        keeper->heard = 0;
    }
    if (++keeper->heard > MESSAGES_PER_S) {
        keeper->deaf_until_ms = keeper->heard_ms + 1000;
        return;
    }
    if (hear_one(keeper) < 0) {
        svirt_keeper_monitor_gone(keeper, true);
    }
}

void
svirt_keeper_monitor_gone(SvirtKeeper *keeper, bool kill_it)
{
    SvirtLaunched *child = &keeper->child[SVIRT_PROCESS_MONITOR];
    struct pollfd ended = { .fd = child->pidfd, .events = POLLIN };
    int status;

    if (kill_it && child->pid != 0) {
        (void)syscall(SYS_pidfd_send_signal, child->pidfd, SIGKILL, NULL, 0);
        (void)poll(&ended, 1, KILL_WAIT_MS);
    }
    if (!svirt_keeper_reap(child, &status)) {
        return; /* its end will wake the loop */
    }
    /* What it said before it ended, its last words among it. */
    for (unsigned i = 0; i < MESSAGES_PER_S && !kill_it; i++) {
        if (hear_one(keeper) <= 0) {
            break;
        }
    }
    svirt_fd_close(&keeper->channel_fd);
    keeper->status.process[SVIRT_PROCESS_MONITOR] = (SvirtRunProcess){ 0 };
    if (keeper->phase == SVIRT_KEEPER_ENDING) {
        svirt_keeper_finish_end(keeper);
    } else if (keeper->phase < SVIRT_KEEPER_ENDING && keeper->managed) {
        plan_restart(keeper);
    }
}
