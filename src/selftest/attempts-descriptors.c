/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the descriptors a VMM holds allow beyond their purpose. */
#include "selftest/probe.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>

#define OWNER (L(FILTER) | L(DAC))

static int
reopen(int64_t fd, int flags)
{
    char path[40];

    if (fd < 0) {
        return SVIRT_PROBE_UNAIMED;
    }
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", (int)fd);
    return svirt_probe_opened(open(path, flags | O_CLOEXEC | O_NOCTTY));
}

static int
base_reopen(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
            SvirtProbeNote *note)
{
    return reopen(t->base_fd, O_RDWR);
}

static int
pipe_reopen(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
            SvirtProbeNote *note)
{
    return reopen(t->pipe_fd, O_RDONLY | O_NONBLOCK);
}

static int
base_write(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
           SvirtProbeNote *note)
{
    /* The image is zeros: the same byte again. */
    return t->base_fd < 0
               ? SVIRT_PROBE_UNAIMED
               : svirt_probe_result(pwrite((int)t->base_fd, "", 1, 0));
}

static int
base_truncate(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
              SvirtProbeNote *note)
{
    struct stat st;

    if (t->base_fd < 0) {
        return SVIRT_PROBE_UNAIMED;
    }
    if (fstat((int)t->base_fd, &st) < 0) {
        return errno;
    }
    return svirt_probe_result(ftruncate((int)t->base_fd, st.st_size));
}

static int
base_allocate(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
              SvirtProbeNote *note)
{
    return t->base_fd < 0
               ? SVIRT_PROBE_UNAIMED
               : svirt_probe_result(fallocate(
                     (int)t->base_fd, FALLOC_FL_KEEP_SIZE, 0, 4096));
}

static int
base_map(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
         SvirtProbeNote *note)
{
    void *map;

    if (t->base_fd < 0) {
        return SVIRT_PROBE_UNAIMED;
    }
    map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED,
               (int)t->base_fd, 0);
    if (map == MAP_FAILED) {
        return errno;
    }
    (void)munmap(map, 4096);
    return 0;
}

static int
memory_write(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
             SvirtProbeNote *note)
{
    return t->memory_fd < 0
               ? SVIRT_PROBE_UNAIMED
               : svirt_probe_result(pwrite((int)t->memory_fd, "", 1, 0));
}

static int
disk_chmod(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
           SvirtProbeNote *note)
{
    return t->disk_fd < 0 ? SVIRT_PROBE_UNAIMED
                          : svirt_probe_result(fchmod((int)t->disk_fd, 0600));
}

static int
disk_chown(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
           SvirtProbeNote *note)
{
    struct stat st;

    if (t->disk_fd < 0) {
        return SVIRT_PROBE_UNAIMED;
    }
    if (fstat((int)t->disk_fd, &st) < 0) {
        return errno;
    }
    return svirt_probe_result(
        fchown((int)t->disk_fd, st.st_uid, st.st_gid));
}

static int
disk_times(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
           SvirtProbeNote *note)
{
    struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, { .tv_sec = 1 } };

    return t->disk_fd < 0
               ? SVIRT_PROBE_UNAIMED
               : svirt_probe_result(futimens((int)t->disk_fd, times));
}

static int
disk_attribute(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
               SvirtProbeNote *note)
{
    int fd = (int)t->disk_fd;

    if (fd < 0) {
        return SVIRT_PROBE_UNAIMED;
    }
    if (fsetxattr(fd, "user.svirt.attempt", "x", 1, 0) < 0) {
        return errno;
    }
    return svirt_probe_result(fremovexattr(fd, "user.svirt.attempt"));
}

static int
disk_label(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
           SvirtProbeNote *note)
{
    int fd = (int)t->disk_fd;

    if (fd < 0) {
        return SVIRT_PROBE_UNAIMED;
    }
    /* A name of the namespace of labels that no model gives a meaning to. */
    if (fsetxattr(fd, "security.svirt-attempt", "x", 1, 0) < 0) {
        return errno;
    }
    return svirt_probe_result(fremovexattr(fd, "security.svirt-attempt"));
}

static int
disk_flags(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
           SvirtProbeNote *note)
{
    int flags;

    if (t->disk_fd < 0) {
        return SVIRT_PROBE_UNAIMED;
    }
    if (ioctl((int)t->disk_fd, FS_IOC_GETFLAGS, &flags) < 0) {
        return errno;
    }
    return svirt_probe_result(ioctl((int)t->disk_fd, FS_IOC_SETFLAGS, &flags));
}

static int
disk_trim(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
          SvirtProbeNote *note)
{
    /* A range beyond every file system: refused after the capability. */
    struct fstrim_range range = { .start = UINT64_MAX, .len = 0 };

    if (t->disk_fd < 0) {
        return SVIRT_PROBE_UNAIMED;
    }
    if (ioctl((int)t->disk_fd, FITRIM, &range) < 0) {
        return errno == EINVAL || errno == EOPNOTSUPP ? 0 : errno;
    }
    return 0;
}

static int
disk_block_map(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
               SvirtProbeNote *note)
{
    int block = 0;

    if (t->disk_fd < 0) {
        return SVIRT_PROBE_UNAIMED;
    }
    return svirt_probe_past(ioctl((int)t->disk_fd, FIBMAP, &block), EINVAL);
}

static int
link_base(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
          SvirtProbeNote *note)
{
    char path[2 * SVIRT_PROBE_PATH];

    if (t->base_fd < 0 || !*t->tmp_directory) {
        return SVIRT_PROBE_UNAIMED;
    }
    (void)snprintf(path, sizeof(path), "%s/%s", t->tmp_directory,
                   t->attempt_name);
    if (linkat((int)t->base_fd, "", AT_FDCWD, path, AT_EMPTY_PATH) < 0) {
        return errno;
    }
    (void)unlink(path);
    return 0;
}

static int
inject_input(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
             SvirtProbeNote *note)
{
    return t->tty_fd < 0
               ? SVIRT_PROBE_UNAIMED
               : svirt_probe_result(ioctl((int)t->tty_fd, TIOCSTI, "\n"));
}

static int
execute_memory(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
               SvirtProbeNote *note)
{
    char *empty[] = { NULL };
    char *argv[] = { (char *)"attempt", NULL };
    int fd = memfd_create("attempt", MFD_CLOEXEC);
    int error;

    if (fd < 0) {
        return errno;
    }
    if (write(fd, "\001svirt\001", 7) < 0) {
        error = errno;
    } else {
        error = svirt_probe_past(
            syscall(SYS_execveat, fd, "", argv, empty, AT_EMPTY_PATH), ENOEXEC);
    }
    (void)close(fd);
    return error;
}

SVIRT_PROBE_ROWS(
    descriptors,
    { "base-reopen", "reopen a read-only base image for writing",
      L(LANDLOCK) | L(DAC), base_reopen },
    { "base-write", "write to a read-only base image", L(DESCRIPTOR),
      base_write },
    { "base-truncate", "truncate a read-only base image", L(DESCRIPTOR),
      base_truncate },
    { "base-fallocate", "allocate space in a read-only base image",
      L(DESCRIPTOR), base_allocate,
      .absence = SVIRT_PROBE_ABSENCE_FILESYSTEM },
    { "base-map", "map a read-only base image shared and writable",
      L(DESCRIPTOR), base_map },
    { "base-link", "give a read-only base image a name in /tmp",
      L(ROOT) | L(FILTER) | L(LANDLOCK) | L(CAPABILITY), link_base },
    { "kernel-write", "write to the kernel image in memory", L(DESCRIPTOR),
      memory_write },
    { "pipe-reopen", "read back what svirt reads from the log pipe", L(DAC),
      pipe_reopen },
    { "disk-fchmod", "change the mode of its own disk", OWNER, disk_chmod },
    { "disk-fchown", "change the owner of its own disk", OWNER, disk_chown },
    { "disk-utimes", "set the times of its own disk", OWNER, disk_times },
    { "disk-xattr", "set an extended attribute on its own disk",
      OWNER, disk_attribute,
      .absence = SVIRT_PROBE_ABSENCE_FILESYSTEM },
    { "disk-label", "set a security attribute on its own disk",
      L(FILTER) | L(CAPABILITY), disk_label },
    { "disk-flags", "set inode flags on its own disk", OWNER, disk_flags,
      .absence = SVIRT_PROBE_ABSENCE_FILESYSTEM },
    { "disk-fitrim", "discard the free space of the host's file system",
      L(CAPABILITY), disk_trim,
      .absence = SVIRT_PROBE_ABSENCE_FILESYSTEM },
    { "disk-fibmap", "learn physical block numbers of the host's disk",
      L(CAPABILITY), disk_block_map,
      .absence = SVIRT_PROBE_ABSENCE_FILESYSTEM },
    { "tiocsti", "push input into the terminal of the administrator",
      L(DESCRIPTOR) | L(FILTER) | L(CAPABILITY), inject_input },
    { "memfd-exec", "execute a program from memory", L(FILTER),
      execute_memory, .flags = SVIRT_PROBE_FLAG_LAST })
