/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "keeper/adopt-private.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/enum-table.h"
#include "base/fd.h"
#include "keeper/layout.h"
#include "keeper/release.h"
#include "keeper/run-spec.h"
#include "keeper/socket-file.h"

SVIRT_ENUM_TABLE(SvirtAdoptState, svirt_adopt_state, SVIRT_ADOPT_STATE_MAX,
    [SVIRT_ADOPT_MANAGED] = "managed",
    [SVIRT_ADOPT_UNMANAGED] = "unmanaged",
    [SVIRT_ADOPT_COMMITTING] = "committing",
    [SVIRT_ADOPT_UNFINISHED] = "unfinished",
    [SVIRT_ADOPT_DEAD] = "dead",
    [SVIRT_ADOPT_DAMAGED] = "damaged")

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

int
svirt_adopt_run_dir(const SvirtAdopt *adopt)
{
    return adopt->run_dir_fd;
}

void
svirt_adopt_decide(SvirtAdopt *adopt, bool runs)
{
    if (adopt->state == SVIRT_ADOPT_COMMITTING) {
        adopt->state = runs ? SVIRT_ADOPT_MANAGED : SVIRT_ADOPT_UNFINISHED;
    }
}

unsigned
svirt_adopt_locks(const SvirtAdopt *adopt, SvirtAdoptLock state)
{
    return adopt->locks[state];
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
    const uint32_t flags = adopt->status.flags;
    bool monitored = adopt->pidfd[SVIRT_PROCESS_MONITOR] >= 0;

    if (adopt->pidfd[SVIRT_PROCESS_VMM] < 0) {
        return SVIRT_ADOPT_DEAD;
    }
    if (adopt->spec == NULL) {
        return SVIRT_ADOPT_UNFINISHED;
    }
    if ((flags & SVIRT_RUN_STARTING) != 0) {
        /* Before that flag nothing was read back: it is not believed. */
        return (flags & SVIRT_RUN_COMMITTING) != 0 && monitored
                   ? SVIRT_ADOPT_COMMITTING
                   : SVIRT_ADOPT_UNFINISHED;
    }
    return monitored ? SVIRT_ADOPT_MANAGED : SVIRT_ADOPT_UNMANAGED;
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
        adopt->state = SVIRT_ADOPT_DAMAGED;
        return errno == EPROTO;
    }
    if (!svirt_uuid_equal(&adopt->status.uuid, &adopt->uuid)) {
        /* Another VM's: nothing in it may be believed. */
        svirt_run_status_init(&adopt->status, &adopt->uuid, "");
        adopt->state = SVIRT_ADOPT_DAMAGED;
        return true;
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

bool
svirt_adopt_end_process(int pidfd, int timeout_ms)
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

/* Of a dead VM, too: what its keeper would have removed. */
static void
remove_sockets(SvirtAdopt *adopt)
{
    const char *why;

    /* Not read so far for a dead one, or damaged: then they stay. */
    if ((adopt->spec != NULL || read_spec(adopt, &why)) &&
        adopt->spec != NULL) {
        svirt_socket_files_remove(adopt->spec, false);
    }
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
        ok = svirt_adopt_end_process(adopt->pidfd[i], timeout_ms);
    }
    if (ok) {
        remove_sockets(adopt);
    }
    return ok && svirt_release_cgroups(cgroup, &adopt->uuid, timeout_ms) &&
           svirt_release_run_dir(adopt->run_dir_fd, &adopt->uuid);
}
