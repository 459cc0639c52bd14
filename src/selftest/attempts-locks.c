/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Locks, leases and flags on files and descriptions others use too. */
#include "selftest/probe.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/ioctl.h>

/* The byte QEMU locks to say that it has an image in use. */
#define QEMU_LOCK_BYTE 200

static int
base_flock(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
           SvirtProbeNote *note)
{
    if (t->base_fd < 0) {
        return SVIRT_PROBE_UNAIMED;
    }
    if (flock((int)t->base_fd, LOCK_EX | LOCK_NB) < 0) {
        return errno;
    }
    return svirt_probe_result(flock((int)t->base_fd, LOCK_UN));
}

static int
lock_byte(int64_t fd, int command, short type)
{
    struct flock lock = { .l_type = type,
                          .l_whence = SEEK_SET,
                          .l_start = QEMU_LOCK_BYTE,
                          .l_len = 1 };

    return fd < 0 ? SVIRT_PROBE_UNAIMED
                  : svirt_probe_result(fcntl((int)fd, command, &lock));
}

static int
base_posix(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
           SvirtProbeNote *note)
{
    int error = lock_byte(t->base_fd, F_SETLK, F_RDLCK);

    return error ? error : lock_byte(t->base_fd, F_SETLK, F_UNLCK);
}

static int
base_ofd(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
         SvirtProbeNote *note)
{
    int error = lock_byte(t->base_fd, F_OFD_SETLK, F_RDLCK);

    return error ? error : lock_byte(t->base_fd, F_OFD_SETLK, F_UNLCK);
}

static int
base_wait(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
          SvirtProbeNote *note)
{
    int error = lock_byte(t->base_fd, F_OFD_SETLKW, F_RDLCK);

    return error ? error : lock_byte(t->base_fd, F_OFD_SETLK, F_UNLCK);
}

static int
base_query(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
           SvirtProbeNote *note)
{
    return lock_byte(t->base_fd, F_OFD_GETLK, F_RDLCK);
}

static int
own_unlock(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
           SvirtProbeNote *note)
{
    return lock_byte(t->lock_fd, F_OFD_SETLK, F_UNLCK);
}

static int
lock_lease(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
           SvirtProbeNote *note)
{
    /* The lock's description is read-only and nobody else's: grantable. */
    if (t->lock_fd < 0) {
        return SVIRT_PROBE_UNAIMED;
    }
    if (fcntl((int)t->lock_fd, F_SETLEASE, F_RDLCK) < 0) {
        return errno;
    }
    return svirt_probe_result(fcntl((int)t->lock_fd, F_SETLEASE, F_UNLCK));
}

static int
notify_directory(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
                 SvirtProbeNote *note)
{
    int directory = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int fd = directory >= 0 ? directory : (int)t->base_fd;
    int error = svirt_probe_result(fcntl(fd, F_NOTIFY, DN_CREATE));

    if (directory >= 0) {
        (void)close(directory);
    }
    return error;
}

static int
pipe_size(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
          SvirtProbeNote *note)
{
    return t->pipe_fd < 0
               ? SVIRT_PROBE_UNAIMED
               : svirt_probe_result(
                     fcntl((int)t->pipe_fd, F_SETPIPE_SZ, 1 << 20));
}

static int
lock_owner(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
           SvirtProbeNote *note)
{
    return t->lock_fd < 0
               ? SVIRT_PROBE_UNAIMED
               : svirt_probe_result(
                     fcntl((int)t->lock_fd, F_SETOWN, getpid()));
}

SVIRT_PROBE_ROWS(
    locks,
    { "flock-base", "lock a shared base image by flock", L(FILTER),
      base_flock },
    { "posix-lock-base", "lock a shared base image by fcntl", L(FILTER),
      base_posix },
    { "ofd-lock-base", "lock a shared base image as QEMU does", L(FILTER),
      base_ofd },
    { "ofd-lock-wait", "wait for a lock on a shared base image", L(FILTER),
      base_wait },
    { "lock-query", "ask who locks a shared base image", L(FILTER),
      base_query },
    { "unlock-own", "give up the lock on its own disk", L(FILTER),
      own_unlock },
    { "lease", "take a lease that delays who opens the file",
      L(FILTER) | L(DAC), lock_lease },
    { "dnotify", "watch a directory by F_NOTIFY", L(FILTER) | L(LANDLOCK),
      notify_directory },
    { "lock-owner", "change the owner of the lock's description", L(FILTER),
      lock_owner },
    { "pipe-size", "grow the log pipe to a megabyte", L(FILTER), pipe_size })
