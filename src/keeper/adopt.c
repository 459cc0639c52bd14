/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "keeper/adopt.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/enum-table.h"
#include "base/fd.h"
#include "keeper/layout.h"
#include "keeper/release.h"
#include "keeper/run-spec.h"
#include "keeper/run-keeper.h"

SVIRT_ENUM_TABLE(SvirtAdoptState, svirt_adopt_state, SVIRT_ADOPT_STATE_MAX,
    [SVIRT_ADOPT_MANAGED] = "managed",
    [SVIRT_ADOPT_UNMANAGED] = "unmanaged",
    [SVIRT_ADOPT_UNFINISHED] = "unfinished",
    [SVIRT_ADOPT_DEAD] = "dead")

struct SvirtAdopt {
    SvirtAdoptState state;
    SvirtUuid uuid;
    SvirtRunStatus status;
    int run_dir_fd;
    int lock_fd;
    int status_fd;
    int spec_fd;                /* sealed memfd, -1: none was kept */
    const SvirtLaunchSpec *spec;/* NULL: none */
    int pidfd[SVIRT_PROCESS_MAX]; /* -1: not alive */
};

void
svirt_adopt_free(SvirtAdopt *adopt)
{
    if (adopt == NULL) {
        return;
    }
    svirt_spec_unmap(adopt->spec);
    svirt_fd_close(&adopt->spec_fd);
    svirt_fd_close(&adopt->status_fd);
    for (unsigned i = 0; i < SVIRT_PROCESS_MAX; i++) {
        svirt_fd_close(&adopt->pidfd[i]);
    }
    svirt_fd_close(&adopt->run_dir_fd);
    svirt_fd_close(&adopt->lock_fd);
    free(adopt);
}

SvirtAdoptState
svirt_adopt_state(const SvirtAdopt *adopt)
{
    return adopt->state;
}

const SvirtRunStatus *
svirt_adopt_status(const SvirtAdopt *adopt)
{
    return &adopt->status;
}

/* The lock of this very directory, not of one that was removed meanwhile. */
static bool
take_lock(SvirtAdopt *adopt)
{
    struct stat st;

    adopt->lock_fd = openat(adopt->run_dir_fd, SVIRT_RUN_LOCK, O_RDWR |
                            O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (adopt->lock_fd < 0 || flock(adopt->lock_fd, LOCK_EX | LOCK_NB) < 0 ||
        fstat(adopt->lock_fd, &st) < 0) {
        return false;
    }
    if (st.st_nlink == 0) {
        errno = ENOENT;
        return false;
    }
    return true;
}

static bool
read_spec(SvirtAdopt *adopt, const char **ret_why)
{
    adopt->spec_fd = svirt_run_spec_copy(adopt->run_dir_fd);
    if (adopt->spec_fd < 0) {
        return errno == ENOENT;
    }
    adopt->spec = svirt_spec_map(adopt->spec_fd, ret_why);
    if (adopt->spec == NULL ||
        !svirt_uuid_equal(&adopt->spec->uuid, &adopt->uuid)) {
        errno = EPROTO;
        return false;
    }
    return true;
}

static SvirtAdoptState
find_state(const SvirtAdopt *adopt)
{
    if (adopt->pidfd[SVIRT_PROCESS_VMM] < 0) {
        return SVIRT_ADOPT_DEAD;
    }
    if ((adopt->status.flags & SVIRT_RUN_STARTING) != 0 ||
        adopt->spec == NULL) {
        return SVIRT_ADOPT_UNFINISHED;
    }
    return adopt->pidfd[SVIRT_PROCESS_MONITOR] >= 0 ? SVIRT_ADOPT_MANAGED
                                                    : SVIRT_ADOPT_UNMANAGED;
}

static bool
open_run(SvirtAdopt *adopt, const char **ret_why)
{
    struct stat st;

    *ret_why = "run lock";
    if (!take_lock(adopt)) {
        return false;
    }
    *ret_why = "status";
    adopt->status_fd = openat(adopt->run_dir_fd, SVIRT_RUN_STATUS,
                              O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (adopt->status_fd < 0) {
        /* A start that died before it wrote one: leftovers. */
        adopt->state = SVIRT_ADOPT_DEAD;
        return errno == ENOENT;
    }
    if (fstat(adopt->status_fd, &st) == 0 && st.st_size == 0) {
        adopt->state = SVIRT_ADOPT_DEAD;
        return true;
    }
    if (!svirt_run_status_read_fd(adopt->status_fd, &adopt->status)) {
        return false;
    }
    if (!svirt_uuid_equal(&adopt->status.uuid, &adopt->uuid)) {
        errno = EPROTO;
        return false;
    }
    for (unsigned i = 0; i < SVIRT_PROCESS_MAX; i++) {
        adopt->pidfd[i] = svirt_run_process_open(&adopt->status.process[i]);
    }
    *ret_why = "spec";
    /* Nothing has to be known of a dead VMM to bury it. */
    if (adopt->pidfd[SVIRT_PROCESS_VMM] >= 0 && !read_spec(adopt, ret_why)) {
        return false;
    }
    adopt->state = find_state(adopt);
    return true;
}

SvirtAdopt *
svirt_adopt_open(int runs_dir_fd, const char *uuid_text, const char **ret_why)
{
    SvirtAdopt *adopt = calloc(1, sizeof(*adopt));
    int saved;

    *ret_why = "uuid";
    if (adopt == NULL) {
        return NULL;
    }
    adopt->run_dir_fd = adopt->lock_fd = -1;
    adopt->status_fd = adopt->spec_fd = -1;
    for (unsigned i = 0; i < SVIRT_PROCESS_MAX; i++) {
        adopt->pidfd[i] = -1;
    }
    if (!svirt_uuid_parse(uuid_text, &adopt->uuid)) {
        errno = ENOENT;
    } else {
        *ret_why = "run directory";
        svirt_run_status_init(&adopt->status, &adopt->uuid, "");
        adopt->run_dir_fd = openat(runs_dir_fd, uuid_text, O_RDONLY |
                                   O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (adopt->run_dir_fd >= 0 && open_run(adopt, ret_why)) {
            return adopt;
        }
    }
    saved = errno;
    svirt_adopt_free(adopt);
    errno = saved;
    return NULL;
}

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

/* A descriptor for one entry of the spec; -1: there is none to be had. */
static int
fetch(const SvirtAdopt *adopt, const SvirtSpecFd *fd)
{
    switch ((SvirtFdRole)fd->role) {
    case SVIRT_FD_RUN_DIR:
        return fcntl(adopt->run_dir_fd, F_DUPFD_CLOEXEC, 3);
    case SVIRT_FD_RUN_LOCK:
        return fcntl(adopt->lock_fd, F_DUPFD_CLOEXEC, 3);
    case SVIRT_FD_STATUS:
        return fcntl(adopt->status_fd, F_DUPFD_CLOEXEC, 3);
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
    if ((fd->to & SVIRT_TO_VMM) != 0) {
        return (int)syscall(SYS_pidfd_getfd, adopt->pidfd[SVIRT_PROCESS_VMM],
                            fd->vmm, 0);
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
gather(const SvirtAdopt *adopt, Inheritance *inheritance)
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

/* False with ETIMEDOUT; true at once for a process that is not there. */
static bool
end_process(int pidfd, int timeout_ms)
{
    struct pollfd ended = { .fd = pidfd, .events = POLLIN };

    if (pidfd < 0) {
        return true;
    }
    (void)syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
    if (poll(&ended, 1, timeout_ms) <= 0) {
        errno = ETIMEDOUT;
        return false;
    }
    return true;
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
         /* Two monitors on one QMP would each get half of it. */
         end_process(adopt->pidfd[SVIRT_PROCESS_MONITOR], timeout_ms) &&
         svirt_run_keeper(keeper_program, adopt->status.name, true,
                            inheritance->fds, inheritance->count) > 0;
    managed = inheritance->managed;
    saved = errno;
    /* Our copies: the keeper's end must be the only one, to be heard. */
    inheritance_free(inheritance);
    errno = saved;
    return ok && wait_answer(channel, managed, timeout_ms, ret_answer);
}

bool
svirt_adopt_end(SvirtAdopt *adopt, int timeout_ms)
{
    const char *path = adopt->status.cgroup[SVIRT_LEAF_VMM];
    SVIRT_AUTO_FD cgroup = -1;
    bool ok = true;

    if (path[0] == '/') {
        cgroup = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    }
    /* The VMM first: nothing is given back while it may live. */
    for (unsigned i = 0; ok && i < SVIRT_PROCESS_MAX; i++) {
        ok = end_process(adopt->pidfd[i], timeout_ms);
    }
    return ok && svirt_release_cgroups(cgroup, &adopt->uuid, timeout_ms) &&
           svirt_release_run_dir(adopt->run_dir_fd, &adopt->uuid);
}
