/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "keeper/adopt-lock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/enum-table.h"
#include "base/fd.h"

SVIRT_ENUM_TABLE(SvirtAdoptLock, svirt_adopt_lock, SVIRT_ADOPT_LOCK_MAX,
    [SVIRT_ADOPT_LOCK_HELD] = "held",
    [SVIRT_ADOPT_LOCK_AGAIN] = "taken again",
    [SVIRT_ADOPT_LOCK_BUSY] = "in use by another process",
    [SVIRT_ADOPT_LOCK_LOST] = "lost")

typedef struct Search {
    const SvirtSpecLock *lock;
    int pidfd;
    int held;  /* a description that holds the lock, -1 none yet */
    int other; /* one of the same file that does not, -1 none yet */
} Search;

static bool
is_file(const SvirtSpecLock *lock, const struct stat *st)
{
    return (S_ISREG(st->st_mode) || S_ISBLK(st->st_mode)) &&
           st->st_dev == lock->device && st->st_ino == lock->inode;
}

/* What stands there is the VMM's word until the copy was looked at. */
static void
look_at(Search *search, int number)
{
    SVIRT_AUTO_FD fd = (int)syscall(SYS_pidfd_getfd, search->pidfd, number, 0);
    struct stat st;

    if (fd < 0 || fstat(fd, &st) < 0 || !is_file(search->lock, &st)) {
        return;
    }
    if (svirt_lock_bytes_held(fd, search->lock->bytes)) {
        search->held = svirt_fd_steal(&fd);
    } else if (search->other < 0) {
        search->other = svirt_fd_steal(&fd);
    }
}

static void
look_everywhere(Search *search, int32_t pid)
{
    char path[32];
    const struct dirent *entry;
    struct stat st;
    DIR *dir;

    (void)snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
    dir = opendir(path);
    for (unsigned i = 0; dir != NULL && search->held < 0 &&
                         i < SVIRT_SPEC_MAX_NOFILE + 2 &&
                         (entry = readdir(dir)) != NULL;
         i++) {
        /* By name first: a copy of each would be a copy of its sockets too. */
        if (entry->d_name[0] != '.' &&
            fstatat(dirfd(dir), entry->d_name, &st, 0) == 0 &&
            is_file(search->lock, &st)) {
            look_at(search, atoi(entry->d_name));
        }
    }
    if (dir != NULL) {
        (void)closedir(dir);
    }
}

static int
take_again(int other, const SvirtSpecLock *lock, SvirtAdoptLock *ret_state)
{
    SVIRT_AUTO_FD fresh = -1;
    char path[32];

    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", other);
    fresh = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fresh < 0) {
        return -1;
    }
    switch (svirt_lock_bytes_take(fresh, lock->bytes)) {
    case SVIRT_LOCK_TAKEN:
        *ret_state = SVIRT_ADOPT_LOCK_AGAIN;
        break;
    case SVIRT_LOCK_BUSY:
        *ret_state = SVIRT_ADOPT_LOCK_BUSY;
        break;
    case SVIRT_LOCK_FAILED:
        return -1;
    }
    return svirt_fd_steal(&fresh);
}

int
svirt_adopt_lock_fetch(int vmm_pidfd, int32_t vmm_pid, int number,
                       const SvirtSpecLock *lock, SvirtAdoptLock *ret_state)
{
    Search search = { lock, vmm_pidfd, -1, -1 };
    int fd;

    look_at(&search, number);
    if (search.held < 0) {
        look_everywhere(&search, vmm_pid);
    }
    *ret_state = SVIRT_ADOPT_LOCK_LOST;
    if (search.held >= 0) {
        *ret_state = SVIRT_ADOPT_LOCK_HELD;
        svirt_fd_close(&search.other);
        return search.held;
    }
    fd = search.other >= 0 ? take_again(search.other, lock, ret_state) : -1;
    svirt_fd_close(&search.other);
    return fd;
}
