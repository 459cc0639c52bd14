/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "keeper/inherit.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "keeper/layout.h"

typedef struct FdSet {
    uint8_t bits[(SVIRT_KEEPER_MAX_SOURCE + 1) / 8];
} FdSet;

static void
add(FdSet *set, int fd)
{
    set->bits[fd / 8] |= (uint8_t)(1u << (fd % 8));
}

static bool
has(const FdSet *set, int fd)
{
    return (set->bits[fd / 8] & (1u << (fd % 8))) != 0;
}

bool
svirt_inherit_null(void)
{
    int fd = open("/dev/null", O_RDWR | O_CLOEXEC | O_NOCTTY);

    if (fd < 0) {
        return false;
    }
    for (int i = 0; i < 3; i++) {
        if (fd != i && dup2(fd, i) < 0) {
            return false;
        }
    }
    if (fd > 2) {
        (void)close(fd);
    }
    return true;
}

static bool
close_from_to(unsigned first, unsigned last)
{
    return first > last || syscall(SYS_close_range, first, last, 0) == 0;
}

static bool
close_others(const FdSet *keep)
{
    int first = 3;

    for (int fd = 3; fd <= SVIRT_KEEPER_MAX_SOURCE; fd++) {
        if (!has(keep, fd)) {
            continue;
        }
        if (fd > first && !close_from_to((unsigned)first, (unsigned)fd - 1)) {
            return false;
        }
        first = fd + 1;
    }
    return close_from_to((unsigned)first, UINT32_MAX);
}

bool
svirt_inherit_svirt_alone(void)
{
    return close_from_to(SVIRT_KEEPER_FD_SVIRT + 1, UINT32_MAX) &&
           fcntl(SVIRT_KEEPER_FD_SVIRT, F_SETFD, FD_CLOEXEC) == 0;
}

bool
svirt_inherit_check(const SvirtLaunchSpec *spec, bool adopting)
{
    FdSet keep = { 0 };

    add(&keep, SVIRT_KEEPER_FD_SVIRT);
    add(&keep, SVIRT_KEEPER_FD_SPEC);
    if (!adopting) {
        add(&keep, SVIRT_KEEPER_FD_WAITING);
        add(&keep, SVIRT_KEEPER_FD_WAITING_PID);
    } else {
        add(&keep, SVIRT_KEEPER_FD_ADOPTION);
        add(&keep, SVIRT_KEEPER_FD_VMM_PIDFD);
        for (int i = 0; i < SVIRT_MAX_PASSTS; i++) {
            add(&keep, SVIRT_KEEPER_FD_PASST_PIDFD(i));
        }
    }
    for (uint32_t i = 0; i < spec->n_fds; i++) {
        int source = spec->fds[i].source;
        bool needed = !adopting || (spec->fds[i].to &
                                    (SVIRT_TO_MONITOR | SVIRT_TO_KEEPER)) != 0;

        if (source == SVIRT_KEEPER_FD_CHANNEL) {
            continue;
        }
        if (source < SVIRT_KEEPER_FIRST_SOURCE ||
            source > SVIRT_KEEPER_MAX_SOURCE) {
            errno = EBADF;
            return false;
        }
        if (needed) {
            add(&keep, source);
        }
    }
    if (!close_others(&keep)) {
        return false;
    }
    for (int fd = 3; fd <= SVIRT_KEEPER_MAX_SOURCE; fd++) {
        /* An adopted VM may have lost what only its old keeper held. */
        if (has(&keep, fd) && fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 &&
            !adopting && fd >= SVIRT_KEEPER_FIRST_SOURCE) {
            return false;
        }
    }
    return true;
}

void
svirt_inherit_drop_launched(const SvirtLaunchSpec *spec)
{
    FdSet keep = { 0 };

    for (uint32_t i = 0; i < spec->n_fds; i++) {
        if ((spec->fds[i].to & (SVIRT_TO_MONITOR | SVIRT_TO_KEEPER)) != 0) {
            add(&keep, spec->fds[i].source);
        }
    }
    for (uint32_t i = 0; i < spec->n_fds; i++) {
        int source = spec->fds[i].source;

        if (source >= SVIRT_KEEPER_FIRST_SOURCE && !has(&keep, source)) {
            /* A source named twice is closed twice; nothing opens between. */
            (void)close(source);
        }
    }
}

int
svirt_inherit_find(const SvirtLaunchSpec *spec, SvirtFdRole role,
                   uint32_t index)
{
    for (uint32_t i = 0; i < spec->n_fds; i++) {
        if (spec->fds[i].role == (uint32_t)role &&
            spec->fds[i].index == index) {
            return spec->fds[i].source;
        }
    }
    return -1;
}
