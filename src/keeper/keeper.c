/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "keeper/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "keeper/layout.h"

int64_t
svirt_keeper_now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now); /* this clock never fails */
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void
svirt_keeper_write_status(SvirtKeeper *keeper)
{
    if (keeper->status_fd >= 0) {
        (void)svirt_run_status_write(keeper->status_fd, &keeper->status);
    }
}

void
svirt_keeper_tell(SvirtKeeper *keeper, const SvirtMessage *message)
{
    if (keeper->svirt_fd >= 0) {
        /* Its end shows as such on the descriptor. */
        (void)svirt_message_send(keeper->svirt_fd, message);
    }
}

void
svirt_keeper_set_process(SvirtRunProcess *ret, pid_t pid, uint32_t uid)
{
    SvirtRunProcess process = { .pid = pid, .uid = uid };

    /* Not there any more: pid 0 is what is true. */
    if (pid <= 0 || !svirt_process_start_time(pid, &process.start_time)) {
        process = (SvirtRunProcess){ 0 };
    }
    *ret = process;
}

bool
svirt_keeper_reap(SvirtLaunched *child, int *ret_status)
{
    struct pollfd ended = { .fd = child->pidfd, .events = POLLIN };
    int status = 0;
    pid_t got;

    if (child->pid == 0) {
        *ret_status = -1;
        return true;
    }
    got = waitpid(child->pid, &status, WNOHANG);
    if (got == 0 || (got < 0 && poll(&ended, 1, 0) == 0)) {
        return false;
    }
    *ret_status = got == child->pid ? status : -1;
    svirt_fd_close(&child->pidfd);
    child->pid = 0;
    return true;
}

void
svirt_keeper_keep_spec(SvirtKeeper *keeper)
{
    SVIRT_AUTO_FD copy = openat(keeper->run_dir_fd, SVIRT_RUN_SPEC_NEW,
                                O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC |
                                O_NOFOLLOW, 0600);
    char block[16384];
    off_t offset = 0;
    ssize_t got = -1;

    while (copy >= 0 && (got = svirt_pread_full(keeper->spec_fd, block,
                                                sizeof(block), offset)) > 0) {
        if (!svirt_write_full(copy, block, (size_t)got)) {
            return;
        }
        offset += got;
    }
    if (got == 0) {
        /* All of it or nothing: who dies here leaves no damaged one. */
        (void)renameat(keeper->run_dir_fd, SVIRT_RUN_SPEC_NEW,
                       keeper->run_dir_fd, SVIRT_RUN_SPEC);
    }
}

void
svirt_keeper_committed(SvirtKeeper *keeper)
{
    SvirtMessage message = { .type = SVIRT_MESSAGE_COMMITTED };

    keeper->phase = SVIRT_KEEPER_RUNNING;
    keeper->deadline_ms = INT64_MAX;
    keeper->status.flags &= ~(SVIRT_RUN_STARTING | SVIRT_RUN_COMMITTING);
    svirt_keeper_write_status(keeper);
    svirt_keeper_tell(keeper, &message);
    svirt_fd_close(&keeper->svirt_fd);
}

void
svirt_keeper_ready(SvirtKeeper *keeper)
{
    SvirtMessage message = { .type = SVIRT_MESSAGE_READY };

    keeper->status.flags |= SVIRT_RUN_READY;
    svirt_keeper_write_status(keeper);
    if (keeper->phase == SVIRT_KEEPER_STARTING) {
        keeper->phase = SVIRT_KEEPER_READY;
        keeper->deadline_ms = INT64_MAX; /* svirt's end is an answer too */
        svirt_keeper_tell(keeper, &message);
    } else if (keeper->adopting && keeper->svirt_fd >= 0) {
        svirt_keeper_tell(keeper, &message);
        svirt_fd_close(&keeper->svirt_fd);
    }
}

static void
commit(SvirtKeeper *keeper, const SvirtMessage *message)
{
    SvirtMessage go = { .type = SVIRT_MESSAGE_CONTINUE };

    keeper->committed = true;
    if (message->a == 0) {
        svirt_keeper_committed(keeper);
        return;
    }
    /* From here on a dead keeper leaves a guest that may run. */
    keeper->status.flags |= SVIRT_RUN_COMMITTING;
    svirt_keeper_write_status(keeper);
    keeper->phase = SVIRT_KEEPER_CONTINUING;
    keeper->deadline_ms = svirt_keeper_now_ms() + SVIRT_KEEPER_CONTINUE_MS;
    if (keeper->channel_fd >= 0) {
        (void)svirt_message_send(keeper->channel_fd, &go);
    }
}

static void
hear_svirt(SvirtKeeper *keeper)
{
    SvirtMessage message;

    if (!svirt_message_receive(keeper->svirt_fd, 0, &message)) {
        if (errno == ETIMEDOUT) {
            return;
        }
        message = (SvirtMessage){ .type = SVIRT_MESSAGE_ABORT };
    }
    if (keeper->adopting) {
        /* Nothing to decide: it left before it heard. */
        svirt_fd_close(&keeper->svirt_fd);
    } else if (message.type == SVIRT_MESSAGE_COMMIT && message.a >= 0 &&
               message.a <= 1 && keeper->phase == SVIRT_KEEPER_READY) {
        commit(keeper, &message);
    } else if (!keeper->committed) {
        svirt_fd_close(&keeper->svirt_fd);
        svirt_keeper_begin_end(keeper);
    } else {
        svirt_fd_close(&keeper->svirt_fd);
    }
}

/* A passt ended: the guest lost that network, not its life. */
static void
passt_gone(SvirtKeeper *keeper, SvirtProcess which)
{
    int status;

    if (!svirt_keeper_reap(&keeper->child[which], &status)) {
        return;
    }
    if (!keeper->committed) {
        svirt_keeper_fail(keeper, SVIRT_STEP_READY, which, 0,
                          "passt ended during the start");
        return;
    }
    keeper->status.process[which] = (SvirtRunProcess){ 0 };
    keeper->status.flags |= SVIRT_RUN_NETWORK_LOST;
    svirt_keeper_write_status(keeper);
}

static void
deadline_passed(SvirtKeeper *keeper)
{
    switch (keeper->phase) {
    case SVIRT_KEEPER_STARTING:
        svirt_keeper_fail(keeper, SVIRT_STEP_READY, SVIRT_PROCESS_VMM,
                          ETIMEDOUT, "no answer to the first command");
        break;
    case SVIRT_KEEPER_CONTINUING:
        svirt_keeper_fail(keeper, SVIRT_STEP_READY, SVIRT_PROCESS_VMM,
                          ETIMEDOUT, "no answer to 'cont'");
        break;
    case SVIRT_KEEPER_ENDING:
        svirt_keeper_finish_end(keeper);
        break;
    case SVIRT_KEEPER_READY:
    case SVIRT_KEEPER_RUNNING:
    case SVIRT_KEEPER_DONE:
    case SVIRT_KEEPER_PHASE_MAX:
        break;
    }
}

static void
vmm_gone(SvirtKeeper *keeper)
{
    if (!svirt_keeper_reap(&keeper->child[SVIRT_PROCESS_VMM],
                           &keeper->vmm_wait_status)) {
        return;
    }
    svirt_keeper_begin_end(keeper);
}

/* The processes first, as they are numbered. */
enum {
    POLL_CHANNEL = SVIRT_PROCESS_MAX,
    POLL_SVIRT,
    POLL_MAX
};

static int
poll_timeout(const SvirtKeeper *keeper, int64_t now_ms)
{
    int64_t next_ms = keeper->deadline_ms;

    if (keeper->restart_ms < next_ms) {
        next_ms = keeper->restart_ms;
    }
    if (keeper->deaf_until_ms > now_ms && keeper->deaf_until_ms < next_ms) {
        next_ms = keeper->deaf_until_ms;
    }
    if (next_ms == INT64_MAX) {
        return -1;
    }
    if (next_ms <= now_ms) {
        return 0;
    }
    return next_ms - now_ms > 60000 ? 60000 : (int)(next_ms - now_ms);
}

static void
handle_time(SvirtKeeper *keeper)
{
    int64_t now_ms = svirt_keeper_now_ms();
    SvirtLaunchFailure failure = { 0 };

    if (keeper->deadline_ms <= now_ms) {
        keeper->deadline_ms = INT64_MAX;
        deadline_passed(keeper);
    }
    if (keeper->restart_ms <= now_ms) {
        keeper->restart_ms = INT64_MAX;
        if (keeper->phase < SVIRT_KEEPER_ENDING) {
            keeper->status.monitor_restarts++;
            /* A failure plans the next attempt by itself. */
            (void)svirt_keeper_start_monitor(keeper, true, &failure);
            svirt_keeper_write_status(keeper);
        }
    }
}

static void
list_polled(const SvirtKeeper *keeper, struct pollfd fds[POLL_MAX])
{
    bool ending = keeper->phase == SVIRT_KEEPER_ENDING;

    for (int i = 0; i < SVIRT_PROCESS_MAX; i++) {
        fds[i] = (struct pollfd){ keeper->child[i].pidfd, POLLIN, 0 };
        if (ending && i >= SVIRT_PROCESS_PASST) {
            fds[i].fd = -1;
        }
    }
    fds[POLL_CHANNEL] = (struct pollfd){
        keeper->deaf_until_ms > svirt_keeper_now_ms() ? -1
                                                      : keeper->channel_fd,
        POLLIN, 0,
    };
    fds[POLL_SVIRT] =
        (struct pollfd){ ending ? -1 : keeper->svirt_fd, POLLIN, 0 };
}

void
svirt_keeper_run(SvirtKeeper *keeper)
{
    while (keeper->phase != SVIRT_KEEPER_DONE) {
        struct pollfd fds[POLL_MAX];
        int got;

        list_polled(keeper, fds);
        got = poll(fds, POLL_MAX, poll_timeout(keeper, svirt_keeper_now_ms()));
        handle_time(keeper);
        if (got <= 0) {
            continue;
        }
        /* The VMM's end decides over everything else that came with it. */
        if (fds[SVIRT_PROCESS_VMM].revents != 0) {
            vmm_gone(keeper);
            continue;
        }
        if (fds[POLL_CHANNEL].revents != 0) {
            svirt_keeper_hear_monitor(keeper);
        }
        if (fds[SVIRT_PROCESS_MONITOR].revents != 0) {
            svirt_keeper_monitor_gone(keeper, false);
        }
        for (int i = SVIRT_PROCESS_PASST; i < SVIRT_PROCESS_MAX; i++) {
            if (fds[i].revents != 0 && keeper->phase < SVIRT_KEEPER_ENDING) {
                passt_gone(keeper, (SvirtProcess)i);
            }
        }
        if (fds[POLL_SVIRT].revents != 0 && keeper->svirt_fd >= 0 &&
            keeper->phase < SVIRT_KEEPER_ENDING) {
            hear_svirt(keeper);
        }
    }
}
