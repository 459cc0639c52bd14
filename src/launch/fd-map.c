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

typedef struct Map {
    const SvirtLaunchSpec *spec;
    SvirtProcess which;
    int limit;  /* N: descriptors of the process lie below */
    int above;  /* no source, target or own descriptor is at or over it */
    uint8_t targets[SVIRT_SPEC_MAX_FD_NUMBER / 8];
    int moved[SVIRT_SPEC_MAX_FDS]; /* where the source is now */
} Map;

static int
target_of(const Map *map, const SvirtSpecFd *fd)
{
    const int targets[SVIRT_PROCESS_MAX] = {
        [SVIRT_PROCESS_VMM] = fd->vmm,
        [SVIRT_PROCESS_MONITOR] = fd->monitor,
        [SVIRT_PROCESS_PASST] = fd->passt,
    };

    return (fd->to & (1u << map->which)) != 0 ? targets[map->which] : -1;
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
    const rlim_t wanted[SVIRT_PROCESS_MAX] = {
        [SVIRT_PROCESS_VMM] = map->spec->rlimit_nofile,
        [SVIRT_PROCESS_MONITOR] = MONITOR_NOFILE,
        [SVIRT_PROCESS_PASST] = PASST_NOFILE,
    };
    rlim_t limit = wanted[map->which];
    struct rlimit now;

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
    if (limit + 2 > now.rlim_max) {
        limit = now.rlim_max > 2 ? now.rlim_max - 2 : 0;
    }
    map->limit = (int)limit;
    return true;
}

static bool
read_targets(Map *map, SvirtLaunchFailure *failure)
{
    for (uint32_t i = 0; i < map->spec->n_fds; i++) {
        const SvirtSpecFd *fd = &map->spec->fds[i];
        int target = target_of(map, fd);

        if (fd->source >= map->above) {
            map->above = fd->source + 1;
        }
        if (target < 0) {
            continue;
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
 * over everything first; all the others stay where they are.
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
        if (is_target(map, fd->source) || fd->source == map->limit ||
            fd->source == map->limit + 1) {
            map->moved[i] = fcntl(fd->source, F_DUPFD_CLOEXEC, map->above);
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
place_own(Map *map, SvirtFdMapOwn *own, SvirtLaunchFailure *failure)
{
    int status = fcntl(own->status, F_DUPFD_CLOEXEC, map->above);
    int program;

    if (status < 0) {
        return svirt_launch_fail(failure, SVIRT_STEP_DESCRIPTORS,
                                 "status socket");
    }
    own->status = status;
    program = fcntl(own->program, F_DUPFD_CLOEXEC, map->above);
    if (program < 0) {
        return svirt_launch_fail(failure, SVIRT_STEP_DESCRIPTORS,
                                 "program's descriptor");
    }
    own->program = program;
    return true;
}

static bool
settle_own(Map *map, SvirtFdMapOwn *own, SvirtLaunchFailure *failure)
{
    if (dup3(own->status, map->limit, O_CLOEXEC) < 0) {
        return svirt_launch_fail(failure, SVIRT_STEP_DESCRIPTORS,
                                 "status socket to %d", map->limit);
    }
    own->status = map->limit;
    if (dup3(own->program, map->limit + 1, O_CLOEXEC) < 0) {
        return svirt_launch_fail(failure, SVIRT_STEP_DESCRIPTORS,
                                 "program's descriptor to %d",
                                 map->limit + 1);
    }
    own->program = map->limit + 1;
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
    if (syscall(SYS_close_range, map->limit + 2, ~0u, 0) < 0) {
        return svirt_launch_fail(failure, SVIRT_STEP_DESCRIPTORS,
                                 "close the others");
    }
    return true;
}

/* A terminal on 2 would let a VMM read what the administrator types. */
static bool
check_standard(SvirtLaunchFailure *failure)
{
    for (int fd = 0; fd <= 2; fd++) {
        struct stat st;

        if (fstat(fd, &st) < 0) {
            return svirt_launch_fail(failure, SVIRT_STEP_DESCRIPTORS,
                                     "descriptor %d", fd);
        }
        if (!S_ISFIFO(st.st_mode) &&
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
    map.above = map.limit + 2;
    if (own->status >= map.above) {
        map.above = own->status + 1;
    }
    if (own->program >= map.above) {
        map.above = own->program + 1;
    }
    if (!read_targets(&map, failure) || !place_own(&map, own, failure) ||
        !move_away(&map, failure) || !place(&map, failure) ||
        !settle_own(&map, own, failure) || !close_others(&map, failure)) {
        return false;
    }
    final.rlim_cur = final.rlim_max = (rlim_t)map.limit;
    if (setrlimit(RLIMIT_NOFILE, &final) < 0) {
        return svirt_launch_fail(failure, SVIRT_STEP_DESCRIPTORS,
                                 "descriptor limit to %d", map.limit);
    }
    return check_standard(failure);
}
