/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "keeper/adopt-private.h"
#include "keeper/layout.h"
#include "keeper/run-keeper.h"

static int
fetch_from_monitor(const SvirtAdopt *adopt, const SvirtSpecFd *fd)
{
    int monitor = adopt->pidfd[SVIRT_PROCESS_MONITOR];

    return monitor < 0 ? -1 : (int)syscall(SYS_pidfd_getfd, monitor,
                                           fd->monitor, 0);
}

/*
 * The slave of a terminal, which only the keeper held: the monitor's master of
 * the same serial port opens another. ioctl_tty(2), TIOCGPTPEER.
 */
static int
open_slave(const SvirtAdopt *adopt, const SvirtSpecFd *slave)
{
    for (uint32_t i = 0; i < adopt->spec->n_fds; i++) {
        const SvirtSpecFd *fd = &adopt->spec->fds[i];

        if (fd->role == SVIRT_FD_SERIAL_FILE && fd->index == slave->index &&
            (fd->to & SVIRT_TO_MONITOR) != 0) {
            SVIRT_AUTO_FD master = fetch_from_monitor(adopt, fd);

            return master < 0 ? -1 : ioctl(master, TIOCGPTPEER,
                                           O_RDWR | O_NOCTTY | O_CLOEXEC);
        }
    }
    return -1;
}

static int
fetch_lock(SvirtAdopt *adopt, const SvirtSpecFd *fd)
{
    SvirtAdoptLock state = SVIRT_ADOPT_LOCK_LOST;
    int found = -1;

    for (uint32_t i = 0; i < adopt->spec->n_locks; i++) {
        const SvirtSpecLock *lock = &adopt->spec->locks[i];

        if (lock->source == fd->source) {
            found = svirt_adopt_lock_fetch(
                adopt->pidfd[SVIRT_PROCESS_VMM],
                adopt->status.process[SVIRT_PROCESS_VMM].pid, fd->vmm, lock,
                &state);
            break;
        }
    }
    adopt->locks[state]++;
    return found;
}

/* A descriptor for one entry of the spec; -1: there is none to be had. */
static int
fetch(SvirtAdopt *adopt, const SvirtSpecFd *fd)
{
    switch ((SvirtFdRole)fd->role) {
    case SVIRT_FD_RUN_DIR:
        return fcntl(adopt->run_dir_fd, F_DUPFD_CLOEXEC, 3);
    case SVIRT_FD_RUN_LOCK:
        return fcntl(adopt->lock_fd, F_DUPFD_CLOEXEC, 3);
    case SVIRT_FD_STATUS:
        return fcntl(adopt->status_fd, F_DUPFD_CLOEXEC, 3);
    case SVIRT_FD_LOCK:
        return fetch_lock(adopt, fd);
    case SVIRT_FD_CGROUP:
        return fd->index < SVIRT_LEAF_MAX
            ? open(adopt->status.cgroup[fd->index], O_RDONLY | O_DIRECTORY |
                   O_NOFOLLOW | O_CLOEXEC) : -1;
    default:
        break;
    }
    if ((fd->to & SVIRT_TO_MONITOR) != 0) {
        return fetch_from_monitor(adopt, fd);
    }
    return fd->role == SVIRT_FD_SERIAL_FILE ? open_slave(adopt, fd) : -1;
}

typedef struct Inheritance {
    SvirtNumberedFd fds[SVIRT_SPEC_MAX_FDS + 8 + SVIRT_MAX_PASSTS];
    size_t count;
    bool managed;
} Inheritance;

static bool
give(Inheritance *inheritance, int fd, int number)
{
    if (fd < 0) {
        return false;
    }
    inheritance->fds[inheritance->count++] = (SvirtNumberedFd){ fd, number };
    return true;
}

static void
inheritance_free(Inheritance *inheritance)
{
    for (size_t i = 0; i < inheritance->count; i++) {
        (void)close(inheritance->fds[i].fd);
    }
    free(inheritance);
}

static bool
gather(SvirtAdopt *adopt, Inheritance *inheritance)
{
    inheritance->managed = adopt->state == SVIRT_ADOPT_MANAGED;
    for (uint32_t i = 0; i < adopt->spec->n_fds; i++) {
        const SvirtSpecFd *fd = &adopt->spec->fds[i];

        if (fd->source == SVIRT_KEEPER_FD_CHANNEL ||
            (fd->to & (SVIRT_TO_MONITOR | SVIRT_TO_KEEPER)) == 0 ||
            give(inheritance, fetch(adopt, fd), fd->source)) {
            continue;
        }
        if ((fd->to & SVIRT_TO_MONITOR) != 0) {
            inheritance->managed = false; /* no monitor can start with less */
        } else if (fd->role == SVIRT_FD_RUN_DIR ||
                   fd->role == SVIRT_FD_RUN_LOCK ||
                   fd->role == SVIRT_FD_STATUS) {
            return false;
        }
    }
    return true;
}

static bool
add_block(const SvirtAdopt *adopt, Inheritance *inheritance)
{
    SvirtAdoption adoption = {
        .magic = SVIRT_ADOPTION_MAGIC,
        .managed = inheritance->managed,
        .unlocked = adopt->locks[SVIRT_ADOPT_LOCK_AGAIN] > 0 ||
                    adopt->locks[SVIRT_ADOPT_LOCK_BUSY] > 0 ||
                    adopt->locks[SVIRT_ADOPT_LOCK_LOST] > 0,
        .vmm = adopt->status.process[SVIRT_PROCESS_VMM],
    };
    int block = memfd_create("svirt-adoption", MFD_CLOEXEC);

    for (int i = 0; i < SVIRT_MAX_PASSTS; i++) {
        int passt = adopt->pidfd[SVIRT_PROCESS_PASST + i];

        if (passt < 0) {
            continue;
        }
        adoption.passt[i] = adopt->status.process[SVIRT_PROCESS_PASST + i];
        if (!give(inheritance, fcntl(passt, F_DUPFD_CLOEXEC, 3),
                  SVIRT_KEEPER_FD_PASST_PIDFD(i))) {
            return false;
        }
    }
    return give(inheritance, block, SVIRT_KEEPER_FD_ADOPTION) &&
           svirt_write_full(block, &adoption, sizeof(adoption)) &&
           give(inheritance,
                fcntl(adopt->pidfd[SVIRT_PROCESS_VMM], F_DUPFD_CLOEXEC, 3),
                SVIRT_KEEPER_FD_VMM_PIDFD) &&
           give(inheritance, fcntl(adopt->spec_fd, F_DUPFD_CLOEXEC, 3),
                SVIRT_KEEPER_FD_SPEC);
}

static bool
wait_answer(int channel, bool managed, int timeout_ms,
            SvirtMessage *ret_answer)
{
    SvirtMessage message;

    while (svirt_message_receive(channel, timeout_ms, &message)) {
        switch ((SvirtMessageType)message.type) {
        case SVIRT_MESSAGE_STARTED:
            if (managed) {
                continue; /* READY or QMP_BROKEN follows */
            }
            *ret_answer = message;
            return true;
        case SVIRT_MESSAGE_READY:
        case SVIRT_MESSAGE_QMP_BROKEN:
            *ret_answer = message;
            return true;
        case SVIRT_MESSAGE_FAILED:
        case SVIRT_MESSAGE_EXITED:
            *ret_answer = message;
            errno = EREMOTEIO;
            return false;
        default:
            errno = EPROTO;
            return false;
        }
    }
    errno = errno == 0 ? ECONNRESET : errno;
    return false;
}

bool
svirt_adopt_start(SvirtAdopt *adopt, const char *keeper_program,
                  int timeout_ms, SvirtMessage *ret_answer)
{
    Inheritance *inheritance;
    bool ok, managed;
    int ends[2], saved;

    if (adopt->state > SVIRT_ADOPT_UNMANAGED) {
        errno = EINVAL;
        return false;
    }
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0) {
        return false;
    }
    SVIRT_AUTO_FD channel = ends[0];
    inheritance = calloc(1, sizeof(*inheritance));
    if (inheritance == NULL) {
        (void)close(ends[1]);
        return false;
    }
    ok = give(inheritance, ends[1], SVIRT_KEEPER_FD_SVIRT) &&
         gather(adopt, inheritance) && add_block(adopt, inheritance) &&
         svirt_run_keeper(keeper_program, adopt->status.name, true,
                            inheritance->fds, inheritance->count) > 0;
    managed = inheritance->managed;
    saved = errno;
    /* Our copies: the keeper's end must be the only one, to be heard. */
    inheritance_free(inheritance);
    errno = saved;
    return ok && wait_answer(channel, managed, timeout_ms, ret_answer);
}
