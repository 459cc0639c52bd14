/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "keeper/release.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "launch/cgroup.h"

/* As the kernel writes it: getdents64(2). */
struct entry {
    uint64_t inode;
    int64_t offset;
    uint16_t length;
    uint8_t type;
    char name[];
};

#define BLOCK 2048u
/* A handful of files is there: this ends even a race with a writer. */
#define MAX_ROUNDS 64

/* One block of entries: how many were removed, 0 at the end, -1 with errno. */
static int
remove_some(int dir_fd)
{
    _Alignas(struct entry) char block[BLOCK];
    long got = syscall(SYS_getdents64, dir_fd, block, sizeof(block));
    int removed = 0;

    if (got < 0) {
        return -1;
    }
    for (long at = 0; at < got;) {
        const struct entry *entry = (const struct entry *)(block + at);

        at += entry->length;
        if (strcmp(entry->name, ".") == 0 || strcmp(entry->name, "..") == 0) {
            continue;
        }
        if (unlinkat(dir_fd, entry->name, 0) < 0 &&
            (errno != EISDIR ||
             unlinkat(dir_fd, entry->name, AT_REMOVEDIR) < 0)) {
            return -1;
        }
        removed++;
    }
    return removed;
}

bool
svirt_release_run_dir(int run_dir_fd, const SvirtUuid *uuid)
{
    SVIRT_AUTO_FD parent_fd = openat(run_dir_fd, "..", O_PATH | O_DIRECTORY |
                                     O_CLOEXEC);
    /* A description of its own: the offset of the given one is shared. */
    SVIRT_AUTO_FD dir_fd = openat(run_dir_fd, ".", O_RDONLY | O_DIRECTORY |
                                  O_CLOEXEC);
    char name[SVIRT_UUID_TEXT];
    struct stat named, given;

    if (parent_fd < 0 || dir_fd < 0) {
        return false;
    }
    for (int i = 0; i < MAX_ROUNDS; i++) {
        int removed = remove_some(dir_fd);

        if (removed < 0) {
            return false;
        }
        if (removed == 0) {
            break;
        }
        if (lseek(dir_fd, 0, SEEK_SET) < 0) {
            return false;
        }
    }
    svirt_uuid_format(uuid, name);
    if (fstat(run_dir_fd, &given) < 0 ||
        fstatat(parent_fd, name, &named, AT_SYMLINK_NOFOLLOW) < 0) {
        return false;
    }
    if (named.st_dev != given.st_dev || named.st_ino != given.st_ino) {
        errno = ESTALE;
        return false;
    }
    return unlinkat(parent_fd, name, AT_REMOVEDIR) == 0;
}

bool
svirt_release_cgroups(int vmm_cgroup_fd, const SvirtUuid *uuid, int timeout_ms)
{
    SVIRT_AUTO_FD parent_fd = -1;

    if (vmm_cgroup_fd < 0) {
        return true;
    }
    parent_fd = openat(vmm_cgroup_fd, "../..", O_PATH | O_DIRECTORY |
                       O_CLOEXEC);
    return parent_fd >= 0 &&
           svirt_cgroup_remove(parent_fd, uuid, timeout_ms);
}
