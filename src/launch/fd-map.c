/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launch/fd-map.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* What a helper needs: control clients; passt's flows. */
#define MONITOR_NOFILE 1024
#define PASST_NOFILE 4096

#define MAX_OWN (2 + SVIRT_SPEC_MAX_LABELS)

typedef struct Map {
    const SvirtLaunchSpec *spec;
    SvirtProcess which;
    int limit;  /* N: descriptors of the process lie below */
    uint8_t targets[SVIRT_SPEC_MAX_FD_NUMBER / 8];
    int moved[SVIRT_SPEC_MAX_FDS]; /* where the source is now */
    int *own[MAX_OWN];             /* the launch's own */
    int n_own;
} Map;

static int
target_of(const Map *map, const SvirtSpecFd *fd)
{
    const int targets[SVIRT_PROCESS_KINDS] = {
        [SVIRT_PROCESS_VMM] = fd->vmm,
        [SVIRT_PROCESS_MONITOR] = fd->monitor,
        [SVIRT_PROCESS_PASST] = fd->passt,
    };

    return (fd->to & (1u << map->which)) != 0
        ? targets[svirt_process_kind(map->which)] : -1;
}

static bool
is_target(const Map *map, int number)
{
    return number < SVIRT_SPEC_MAX_FD_NUMBER &&
           (map->targets[number / 8] & (1u << (number % 8))) != 0;
}

static bool
fail(SvirtLaunchFailure *failure, const SvirtSpecFd *fd, const char *what)
{
    return svirt_launch_fail(failure, SVIRT_STEP_DESCRIPTORS,
                             "%s: %s %u, descriptor %d", what,
                             svirt_fd_role_to_string((SvirtFdRole)fd->role),
                             fd->index, fd->source);
}

/* Chooses N within what the caller may have and makes room to move in. */
static bool
open_limit(Map *map, SvirtLaunchFailure *failure)
{
    const rlim_t wanted[SVIRT_PROCESS_KINDS] = {
        [SVIRT_PROCESS_VMM] = map->spec->rlimit_nofile,
        [SVIRT_PROCESS_MONITOR] = MONITOR_NOFILE,
        [SVIRT_PROCESS_PASST] = PASST_NOFILE,
    };
    rlim_t limit = wanted[svirt_process_kind(map->which)];
    struct rlimit now;
    rlim_t room;

    if (getrlimit(RLIMIT_NOFILE, &now) < 0) {
        return svirt_launch_fail(failure, SVIRT_STEP_DESCRIPTORS,
                                 "descriptor limit");
    }
    now.rlim_cur = now.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &now) < 0) {
        return svirt_launch_fail(failure, SVIRT_STEP_DESCRIPTORS,
                                 "descriptor limit to %llu",
                                 (unsigned long long)now.rlim_max);
    }
    /* Room over N: our own, what has to move, and what stands there. */
    room = 64 + 2 * (rlim_t)map->spec->n_fds;
    if (limit + room > now.rlim_max) {
        limit = now.rlim_max > room ? now.rlim_max - room : 0;
    }
    map->limit = (int)limit;
    return true;
}

static void
list_own(Map *map, SvirtFdMapOwn *own)
{
    map->own[map->n_own++] = &own->status;
    map->own[map->n_own++] = &own->program;
    for (uint32_t i = 0; i < own->labels.count; i++) {
        map->own[map->n_own++] = &own->labels.fds[i];
    }
}

static bool
is_own(const Map *map, int number)
{
    for (int i = 0; i < map->n_own; i++) {
        if (*map->own[i] == number) {
            return true;
        }
    }
    return false;
}

static bool
read_targets(Map *map, SvirtLaunchFailure *failure)
{
    for (uint32_t i = 0; i < map->spec->n_fds; i++) {
        const SvirtSpecFd *fd = &map->spec->fds[i];
        int target = target_of(map, fd);

        if (target < 0) {
            continue;
        }
        /* Before anything moves: a number that is closed now, or is one of
         * ours, would later stand for another description. */
        if (fcntl(fd->source, F_GETFD) < 0 || is_own(map, fd->source)) {
            errno = EBADF;
            return fail(failure, fd, "not open");
        }
        if (target >= map->limit) {
            errno = EMFILE;
            return fail(failure, fd, "over the descriptor limit");
        }
        map->targets[target / 8] |= (uint8_t)(1u << (target % 8));
    }
    return true;
}

/*
 * A source that stands on somebody's target number, or on one of ours, moves
 * over N first, to a number nothing stands on; the others stay.
 */
static bool
move_away(Map *map, SvirtLaunchFailure *failure)
{
    for (uint32_t i = 0; i < map->spec->n_fds; i++) {
        const SvirtSpecFd *fd = &map->spec->fds[i];

        if (target_of(map, fd) < 0) {
            continue;
        }
        map->moved[i] = fd->source;
        if (is_target(map, fd->source) ||
            (fd->source >= map->limit &&
             fd->source < map->limit + map->n_own)) {
            map->moved[i] = fcntl(fd->source, F_DUPFD_CLOEXEC,
                                  map->limit + map->n_own);
            if (map->moved[i] < 0) {
                return fail(failure, fd, "cannot move");
            }
        }
    }
    return true;
}

static bool
place(Map *map, SvirtLaunchFailure *failure)
{
    for (uint32_t i = 0; i < map->spec->n_fds; i++) {
        const SvirtSpecFd *fd = &map->spec->fds[i];
        int target = target_of(map, fd);

        /* Without O_CLOEXEC: this is what the program is given. */
        if (target >= 0 && dup3(map->moved[i], target, 0) < 0) {
            return fail(failure, fd, "cannot place");
        }
    }
    return true;
}

static bool
fail_own(int which, SvirtLaunchFailure *failure)
{
    return svirt_launch_fail(failure, SVIRT_STEP_DESCRIPTORS,
                             which == 0   ? "status socket"
                             : which == 1 ? "program's descriptor"
                                          : "label's descriptor");
}

static bool
place_own(Map *map, SvirtLaunchFailure *failure)
{
    for (int i = 0; i < map->n_own; i++) {
        *map->own[i] = fcntl(*map->own[i], F_DUPFD_CLOEXEC,
                             map->limit + map->n_own);
        if (*map->own[i] < 0) {
            return fail_own(i, failure);
        }
    }
    return true;
}

static bool
settle_own(Map *map, SvirtLaunchFailure *failure)
{
    for (int i = 0; i < map->n_own; i++) {
        if (dup3(*map->own[i], map->limit + i, O_CLOEXEC) < 0) {
            return fail_own(i, failure);
        }
        *map->own[i] = map->limit + i;
    }
    return true;
}

/* CVE-2020-14339: what the spec does not name is not there. */
static bool
close_others(const Map *map, SvirtLaunchFailure *failure)
{
    int first = 0;

    for (int number = 0; number <= map->limit; number++) {
        if (number < map->limit && !is_target(map, number)) {
            continue;
        }
        if (number > first &&
            syscall(SYS_close_range, first, number - 1, 0) < 0) {
            return svirt_launch_fail(failure, SVIRT_STEP_DESCRIPTORS,
                                     "close %d to %d", first, number - 1);
        }
        first = number + 1;
    }
    if (syscall(SYS_close_range, map->limit + map->n_own, ~0u, 0) < 0) {
        return svirt_launch_fail(failure, SVIRT_STEP_DESCRIPTORS,
                                 "close the others");
    }
    return true;
}

/* UNIX98 ptys, devices.txt of the kernel. */
static bool
is_pty(const struct stat *st)
{
    return S_ISCHR(st->st_mode) && major(st->st_rdev) >= 136 &&
           major(st->st_rdev) <= 143;
}

/* A terminal on 2 would let a VMM read what the administrator types; `own` is
 * one that was made for it. */
static bool
check_standard(bool own, SvirtLaunchFailure *failure)
{
    for (int fd = 0; fd <= 2; fd++) {
        struct stat st;

        if (fstat(fd, &st) < 0) {
            return svirt_launch_fail(failure, SVIRT_STEP_DESCRIPTORS,
                                     "descriptor %d", fd);
        }
        if (!S_ISFIFO(st.st_mode) && !(own && is_pty(&st)) &&
            !(S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3))) {
            errno = EINVAL;
            return svirt_launch_fail(failure, SVIRT_STEP_DESCRIPTORS,
                "descriptor %d is neither /dev/null nor a pipe", fd);
        }
    }
    return true;
}

bool
svirt_fd_map(const SvirtLaunchSpec *spec, SvirtProcess which,
             SvirtFdMapOwn *own, SvirtLaunchFailure *failure)
{
    Map map = { .spec = spec, .which = which };
    struct rlimit final;

    if (!open_limit(&map, failure)) {
        return false;
    }
    list_own(&map, own);
    if (!read_targets(&map, failure) || !place_own(&map, failure) ||
        !move_away(&map, failure) || !place(&map, failure) ||
        !settle_own(&map, failure) || !close_others(&map, failure)) {
        return false;
    }
    final.rlim_cur = final.rlim_max = (rlim_t)map.limit;
    if (setrlimit(RLIMIT_NOFILE, &final) < 0) {
        return svirt_launch_fail(failure, SVIRT_STEP_DESCRIPTORS,
                                 "descriptor limit to %d", map.limit);
    }
    return check_standard((spec->exec & SVIRT_EXEC_STDIO) != 0, failure);
}
