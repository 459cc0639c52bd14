/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Mounts and roots. The control makes them in a mount namespace of its own. */
#include "selftest/probe.h"

#include <fcntl.h>
#include <linux/mount.h>
#include <string.h>
#include <sys/syscall.h>

/* sys/mount.h and linux/mount.h do not go together in glibc 2.36. */
#define UNMOUNT_DETACH 2
#define MOUNT_LAYERS (L(FILTER) | L(LANDLOCK) | L(CAPABILITY))
#define PRIVATE_MOUNTS                                                       \
    .flags = SVIRT_PROBE_FLAG_MOUNTS | SVIRT_PROBE_FLAG_LAST
#define NEW_CALL .absence = SVIRT_PROBE_ABSENCE_SYSCALL, PRIVATE_MOUNTS

static int
mount_new(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
          SvirtProbeNote *note)
{
    return svirt_probe_result(
        syscall(SYS_mount, "attempt", "/proc", "tmpfs", 0, NULL));
}

static int
mount_proc(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
           SvirtProbeNote *note)
{
    return svirt_probe_result(
        syscall(SYS_mount, "proc", "/proc", "proc", 0, NULL));
}

static int
remount_writable(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
                 SvirtProbeNote *note)
{
    return svirt_probe_result(
        syscall(SYS_mount, NULL, "/", NULL, MS_REMOUNT | MS_BIND, NULL));
}

static int
unmount_proc(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
             SvirtProbeNote *note)
{
    return svirt_probe_result(syscall(SYS_umount2, "/proc", UNMOUNT_DETACH));
}

static int
move_tree(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
          SvirtProbeNote *note)
{
    /* No tree: said after the right to mount. */
    return svirt_probe_past(
        syscall(SYS_move_mount, -1, "", -1, "",
                MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH),
        EBADF);
}

static int
clone_tree(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
           SvirtProbeNote *note)
{
    return svirt_probe_opened(syscall(SYS_open_tree, AT_FDCWD, "/",
                                      OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC));
}

static int
open_file_system(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
                 SvirtProbeNote *note)
{
    return svirt_probe_opened(syscall(SYS_fsopen, "tmpfs", FSOPEN_CLOEXEC));
}

static int
pick_file_system(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
                 SvirtProbeNote *note)
{
    return svirt_probe_opened(
        syscall(SYS_fspick, AT_FDCWD, "/", FSPICK_CLOEXEC));
}

static int
make_mount(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
           SvirtProbeNote *note)
{
    /* No file system: said after the right to mount. */
    return svirt_probe_past(
        syscall(SYS_fsmount, -1, FSMOUNT_CLOEXEC, 0), EBADF);
}

static int
change_mount(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
             SvirtProbeNote *note)
{
    struct mount_attr attr = { .attr_clr = MOUNT_ATTR_RDONLY };

    return svirt_probe_result(syscall(SYS_mount_setattr, AT_FDCWD, "/", 0,
                                      &attr, sizeof(attr)));
}

static int
swap_root(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
          SvirtProbeNote *note)
{
    long result = syscall(SYS_pivot_root, "/", "/");

    /* The root onto itself: refused after the right to mount. */
    return result < 0 && errno != EBUSY && errno != EINVAL ? errno : 0;
}

static int
change_root(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
            SvirtProbeNote *note)
{
    return svirt_probe_result(chroot("/"));
}

SVIRT_PROBE_ROWS(
    mounts,
    { "mount", "mount a tmpfs", MOUNT_LAYERS, mount_new, PRIVATE_MOUNTS },
    { "mount-proc", "mount another /proc", MOUNT_LAYERS, mount_proc,
      PRIVATE_MOUNTS },
    { "remount", "remount its root writable", MOUNT_LAYERS,
      remount_writable, PRIVATE_MOUNTS },
    { "umount", "uncover what is below a mount", MOUNT_LAYERS, unmount_proc,
      PRIVATE_MOUNTS },
    { "move-mount", "attach a mount", MOUNT_LAYERS, move_tree, NEW_CALL },
    { "open-tree", "copy a mount", L(FILTER) | L(CAPABILITY), clone_tree,
      NEW_CALL },
    { "fsopen", "configure a new file system", L(FILTER) | L(CAPABILITY),
      open_file_system, NEW_CALL },
    { "fspick", "configure a mounted file system", L(FILTER) | L(CAPABILITY),
      pick_file_system, NEW_CALL },
    { "fsmount", "mount a configured file system", L(FILTER) | L(CAPABILITY),
      make_mount, NEW_CALL },
    { "mount-setattr", "make its root writable by mount_setattr",
      L(FILTER) | L(CAPABILITY), change_mount, NEW_CALL },
    { "pivot-root", "exchange the root directory", MOUNT_LAYERS, swap_root,
      PRIVATE_MOUNTS },
    { "chroot", "change the root directory", L(FILTER) | L(CAPABILITY),
      change_root, PRIVATE_MOUNTS })
