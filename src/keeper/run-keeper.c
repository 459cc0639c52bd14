/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "keeper/run-keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <unistd.h>

#include "keeper/layout.h"

static bool
is_number(const SvirtNumberedFd *fds, size_t n_fds, int fd)
{
    for (size_t i = 0; i < n_fds; i++) {
        if (fds[i].number == fd) {
            return true;
        }
    }
    return false;
}

/*
 * Copies of those descriptors that stand on somebody's number, above all
 * numbers; the others are used where they are. -1 in `copies`: no copy.
 */
static bool
move_away(const SvirtNumberedFd *fds, size_t n_fds, int *copies)
{
    int above = SVIRT_KEEPER_FIRST_SOURCE;

    for (size_t i = 0; i < n_fds; i++) {
        above = fds[i].number >= above ? fds[i].number + 1 : above;
    }
    for (size_t i = 0; i < n_fds; i++) {
        if (!is_number(fds, n_fds, fds[i].fd)) {
            continue;
        }
        copies[i] = fcntl(fds[i].fd, F_DUPFD_CLOEXEC, above);
        if (copies[i] < 0) {
            return false;
        }
    }
    return true;
}

static pid_t
spawn(const char *program, const char *name, bool adopt,
      const SvirtNumberedFd *fds, size_t n_fds, const int *copies)
{
    char *argv[] = { "svirt-keeper", adopt ? "--adopt" : (char *)name,
                     adopt ? (char *)name : NULL, NULL };
    char *environment[] = { NULL };
    posix_spawn_file_actions_t actions;
    pid_t pid = -1;
    int failed = posix_spawn_file_actions_init(&actions);

    if (failed != 0) {
        errno = failed;
        return -1;
    }
    for (size_t i = 0; i < n_fds && failed == 0; i++) {
        failed = posix_spawn_file_actions_adddup2(&actions,
            copies[i] >= 0 ? copies[i] : fds[i].fd, fds[i].number);
    }
    if (failed == 0) {
        failed = posix_spawn(&pid, program, &actions, NULL, argv, environment);
    }
    (void)posix_spawn_file_actions_destroy(&actions);
    errno = failed;
    return failed == 0 ? pid : -1;
}

pid_t
svirt_run_keeper(const char *program, const char *name, bool adopt,
                   const SvirtNumberedFd *fds, size_t n_fds)
{
    int *copies = calloc(n_fds + 1, sizeof(int));
    pid_t pid = -1;
    int saved;

    if (copies == NULL) {
        return -1;
    }
    for (size_t i = 0; i < n_fds; i++) {
        copies[i] = -1;
    }
    if (move_away(fds, n_fds, copies)) {
        pid = spawn(program, name, adopt, fds, n_fds, copies);
    }
    saved = errno;
    for (size_t i = 0; i < n_fds; i++) {
        if (copies[i] >= 0) {
            (void)close(copies[i]);
        }
    }
    free(copies);
    errno = saved;
    return pid;
}
