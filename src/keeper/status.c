/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "keeper/status.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "keeper/layout.h"
#include "keeper/message.h"

/* One page: the kernel does not stop a write within one. */
_Static_assert(sizeof(SvirtRunStatus) <= 4096, "the status fits in a page");

#define READ_ATTEMPTS 64
#define READ_PAUSES 5 /* of them, the last ones, behind a pause */
#define ATTEMPT_PAUSE_NS 4000000
#define BOOT_ID "/proc/sys/kernel/random/boot_id"

/* FNV-1a over 64-bit words: it finds torn blocks, no attacker writes here. */
static uint64_t
checksum(const SvirtRunStatus *status)
{
    const size_t start = offsetof(SvirtRunStatus, sequence);
    const char *bytes = (const char *)status;
    uint64_t hash = 0xcbf29ce484222325u;

    _Static_assert(sizeof(SvirtRunStatus) % 8 == 0 &&
                   offsetof(SvirtRunStatus, sequence) % 8 == 0, "words");
    for (size_t i = start; i < sizeof(*status); i += 8) {
        uint64_t word;

        memcpy(&word, bytes + i, sizeof(word));
        hash = (hash ^ word) * 0x100000001b3u;
        hash ^= hash >> 29;
    }
    return hash;
}

/* Zero where the kernel or a container does not show it. */
static void
read_boot(SvirtUuid *ret)
{
    static const SvirtUuid none;
    /* Another one ends this process, too; a thousand VMs ask for it. */
    static __thread SvirtUuid kept;
    char text[64];

    *ret = kept;
    if (svirt_uuid_equal(&kept, &none) &&
        svirt_read_small(AT_FDCWD, BOOT_ID, text, sizeof(text)) >= 0) {
        text[strcspn(text, "\n")] = '\0';
        (void)svirt_uuid_parse(text, ret);
        kept = *ret;
    }
}

void
svirt_run_status_init(SvirtRunStatus *ret, const SvirtUuid *uuid,
                      const char *name)
{
    /* memset: padding is part of the checksum. */
    memset(ret, 0, sizeof(*ret));
    ret->magic = SVIRT_STATUS_MAGIC;
    ret->version = SVIRT_STATUS_VERSION;
    read_boot(&ret->boot);
    ret->uuid = *uuid;
    memcpy(ret->name, name, strnlen(name, sizeof(ret->name) - 1));
}

bool
svirt_run_status_write(int fd, SvirtRunStatus *status)
{
    ssize_t put;

    status->sequence++;
    status->checksum = checksum(status);
    put = pwrite(fd, status, sizeof(*status), 0);
    if (put >= 0 && put != (ssize_t)sizeof(*status)) {
        errno = ENOSPC;
    }
    return put == (ssize_t)sizeof(*status);
}

static bool
process_is_valid(const SvirtRunProcess *process)
{
    return process->pid >= 0 && (process->pid > 0 || process->start_time == 0);
}

static bool
is_valid(const SvirtRunStatus *status)
{
    if (status->magic != SVIRT_STATUS_MAGIC ||
        status->version != SVIRT_STATUS_VERSION ||
        status->state >= SVIRT_GUEST_STATE_MAX ||
        status->reason >= SVIRT_REASON_MAX ||
        (status->flags & ~SVIRT_RUN_FLAGS_ALL) != 0 ||
        (status->waived_layers & ~SVIRT_LAYER_ALL) != 0 ||
        (status->lacking_layers & ~SVIRT_LAYER_ALL) != 0 ||
        !process_is_valid(&status->keeper) || status->name[0] == '\0' ||
        memchr(status->name, '\0', sizeof(status->name)) == NULL) {
        return false;
    }
    for (unsigned i = 0; i < SVIRT_PROCESS_MAX; i++) {
        if (!process_is_valid(&status->process[i])) {
            return false;
        }
    }
    for (unsigned i = 0; i < SVIRT_LEAF_MAX; i++) {
        if (memchr(status->cgroup[i], '\0', SVIRT_STATUS_MAX_CGROUP) == NULL) {
            return false;
        }
    }
    return true;
}

/* Its processes ended with their kernel; the numbers may be others' now. */
static void
end_with_boot(SvirtRunStatus *status)
{
    SvirtUuid boot;

    read_boot(&boot);
    if (svirt_uuid_equal(&boot, &status->boot)) {
        return;
    }
    status->state = SVIRT_GUEST_SHUT_OFF;
    status->reason = SVIRT_REASON_UNKNOWN;
    memset(status->process, 0, sizeof(status->process));
    memset(&status->keeper, 0, sizeof(status->keeper));
    memset(status->cgroup, 0, sizeof(status->cgroup));
}

/* 1 a whole block, 0 its checksum is wrong, -1 with errno. */
static int
read_once(int fd, SvirtRunStatus *ret)
{
    ssize_t got = svirt_pread_full(fd, ret, sizeof(*ret), 0);

    if (got < 0) {
        return -1;
    }
    if (got != (ssize_t)sizeof(*ret)) {
        errno = EPROTO;
        return -1;
    }
    return ret->checksum == checksum(ret);
}

/* A writer in the middle of it is done in a moment, or put off for a while. */
static void
wait_for_writer(int attempt)
{
    const struct timespec pause = { .tv_nsec = ATTEMPT_PAUSE_NS };

    if (attempt < READ_ATTEMPTS - READ_PAUSES) {
        (void)sched_yield();
    } else {
        (void)nanosleep(&pause, NULL);
    }
}

bool
svirt_run_status_read_fd(int fd, SvirtRunStatus *ret)
{
    SvirtRunStatus status, first;
    bool moves = false;

    for (int i = 0; i < READ_ATTEMPTS; i++) {
        int whole = read_once(fd, &status);

        if (whole < 0) {
            return false;
        }
        if (whole > 0) {
            if (!is_valid(&status)) {
                errno = EPROTO;
                return false;
            }
            end_with_boot(&status);
            *ret = status;
            return true;
        }
        if (i == 0) {
            first = status;
        }
        moves = moves || memcmp(&first, &status, sizeof(status)) != 0;
        wait_for_writer(i);
    }
    /* Wrong all the time, and always the same: nobody writes there. */
    errno = moves ? EAGAIN : EPROTO;
    return false;
}

bool
svirt_run_status_read(int dir_fd, const char *uuid_text, SvirtRunStatus *ret)
{
    char path[SVIRT_UUID_TEXT + sizeof("/" SVIRT_RUN_STATUS)];
    SvirtRunStatus status;
    SvirtUuid uuid;
    int length;

    if (uuid_text == NULL) {
        length = snprintf(path, sizeof(path), SVIRT_RUN_STATUS);
    } else if (svirt_uuid_parse(uuid_text, &uuid)) {
        length = snprintf(path, sizeof(path), "%s/" SVIRT_RUN_STATUS,
                          uuid_text);
    } else {
        errno = ENOENT;
        return false;
    }
    if (length >= (int)sizeof(path)) {
        errno = ENOENT;
        return false;
    }
    SVIRT_AUTO_FD fd = openat(dir_fd, path, O_RDONLY | O_CLOEXEC |
                              O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0 || !svirt_run_status_read_fd(fd, &status)) {
        return false;
    }
    if (uuid_text != NULL && !svirt_uuid_equal(&uuid, &status.uuid)) {
        errno = EPROTO;
        return false;
    }
    *ret = status;
    return true;
}

/* State and start time out of /proc/PID/stat; false with errno. */
static bool
read_stat(pid_t pid, char *ret_state, uint64_t *ret_start)
{
    char path[32], text[1024];
    const char *p;
    char *end;

    (void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    if (svirt_read_small(AT_FDCWD, path, text, sizeof(text)) < 0) {
        errno = errno == ENOENT ? ESRCH : errno;
        return false;
    }
    /* The second field is the name, in parentheses; it may hold any. */
    p = strrchr(text, ')');
    if (p == NULL || p[1] != ' ') {
        errno = EPROTO;
        return false;
    }
    *ret_state = p[2];
    p += 2;
    for (int field = 3; field < 22; field++) {
        p = strchr(p, ' ');
        if (p == NULL) {
            errno = EPROTO;
            return false;
        }
        p++;
    }
    *ret_start = strtoull(p, &end, 10);
    if (end == p) {
        errno = EPROTO;
        return false;
    }
    return true;
}

bool
svirt_process_start_time(pid_t pid, uint64_t *ret)
{
    char state;

    return read_stat(pid, &state, ret);
}

bool
svirt_run_process_alive(const SvirtRunProcess *process)
{
    uint64_t start;
    char state;

    return process->pid > 0 && read_stat(process->pid, &state, &start) &&
           start == process->start_time && state != 'Z' && state != 'X';
}

int
svirt_run_process_open(const SvirtRunProcess *process)
{
    SVIRT_AUTO_FD pidfd = -1;

    if (process->pid <= 0) {
        errno = ESRCH;
        return -1;
    }
    pidfd = (int)syscall(SYS_pidfd_open, process->pid, 0);
    if (pidfd < 0) {
        return -1;
    }
    /* Looked at after the open: the pid cannot change its owner any more. */
    if (!svirt_run_process_alive(process)) {
        errno = ESRCH;
        return -1;
    }
    return svirt_fd_steal(&pidfd);
}
