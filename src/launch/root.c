/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launch/root.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "launch/device-node.h"
#include "launch/mount.h"

/*
 * The new root is mounted here before it becomes "/". Every host has this
 * directory, and nothing of it may be named by a plan.
 */
#define STAGE "/sys"
/* Nothing is written but directories, links and mount points. */
#define ROOT_OPTIONS "mode=0755,size=64k,nr_inodes=1024"

static bool
fail(SvirtLaunchFailure *failure, const char *what, const char *path)
{
    return svirt_launch_fail(failure, SVIRT_STEP_ROOT, "%s '%s'", what, path);
}

bool
svirt_root_make_private(SvirtLaunchFailure *failure)
{
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) {
        return svirt_launch_fail(failure, SVIRT_STEP_MOUNT_PRIVATE, "'/'");
    }
    return true;
}

/* Links in a bound tree are followed within the new root, never out of it. */
static int
open_inside(const char *path, uint64_t flags, uint64_t mode)
{
    const struct open_how how = {
        .flags = flags | O_CLOEXEC,
        .mode = mode,
        .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
    };

    return (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));
}

/* The directory of `path` (made where missing); -1 with errno. */
static int
open_parent(char *path)
{
    SVIRT_AUTO_FD parent = open_inside("/", O_PATH | O_DIRECTORY, 0);

    for (char *slash = strchr(path + 1, '/'); slash != NULL && parent >= 0;
         slash = strchr(slash + 1, '/')) {
        int next;

        *slash = '\0';
        next = open_inside(path, O_PATH | O_DIRECTORY, 0);
        if (next < 0 && errno == ENOENT &&
            mkdirat(parent, strrchr(path, '/') + 1, 0755) == 0) {
            next = open_inside(path, O_PATH | O_DIRECTORY, 0);
        }
        *slash = '/';
        svirt_fd_close(&parent);
        parent = next;
    }
    return svirt_fd_steal(&parent);
}

/* The mount point, an O_PATH descriptor; -1 with errno. */
static int
open_target(const char *path, bool tree)
{
    char copy[SVIRT_MOUNT_PATH_MAX];
    SVIRT_AUTO_FD parent = -1;
    int target;

    if (strlen(path) >= sizeof(copy)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(copy, path, strlen(path) + 1);
    parent = open_parent(copy);
    if (parent < 0) {
        return -1;
    }
    target = open_inside(path, O_PATH, 0);
    if (target >= 0 || errno != ENOENT) {
        return target;
    }
    if (tree) {
        if (mkdirat(parent, strrchr(path, '/') + 1, 0755) < 0) {
            return -1;
        }
    } else {
        SVIRT_AUTO_FD made = openat(parent, strrchr(path, '/') + 1,
                                    O_CREAT | O_EXCL | O_NOFOLLOW | O_RDONLY |
                                    O_CLOEXEC, 0444);

        if (made < 0) {
            return -1;
        }
    }
    return open_inside(path, O_PATH, 0);
}

static bool
bind_file(const SvirtRootFile *file, SvirtLaunchFailure *failure)
{
    const bool tree = (file->flags & SVIRT_FILE_TREE) != 0;
    const bool given = (file->flags & SVIRT_FILE_MOUNT) != 0;
    const bool run = tree || (file->flags & SVIRT_FILE_EXECUTE) != 0;
    SVIRT_AUTO_FD target = -1;
    SvirtMountBind bind = {
        .source = file->path,
        .tree = tree,
        .flags = SVIRT_MOUNT_READ_ONLY | SVIRT_MOUNT_NO_DEVICES |
                 (run ? 0 : SVIRT_MOUNT_NO_EXEC),
    };

    target = open_target(file->path, tree);
    if (target < 0) {
        return fail(failure, "mount point for", file->path);
    }
    bind.target = target;
    if (given ? !svirt_mount_move(file->mount, target)
              : !svirt_mount_bind(&bind)) {
        return fail(failure, "bind", file->path);
    }
    return true;
}

/*
 * Where the host's /lib is a link into /usr, so is ours; a plan with /usr but
 * a host with a real /lib (no merged /usr) gets that bound as well.
 */
static bool
link_merged_usr(SvirtLaunchFailure *failure)
{
    static const char *const names[] = {
        "/bin", "/lib", "/lib32", "/lib64", "/libx32", "/sbin",
    };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char link[256];
        ssize_t length = readlink(names[i], link, sizeof(link) - 1);
        const char *to = link;

        if (length < 0 && errno == EINVAL) {
            SvirtRootFile real = { names[i], SVIRT_FILE_TREE };

            if (!bind_file(&real, failure)) {
                return false;
            }
        }
        if (length < 0) {
            continue;
        }
        link[length] = '\0';
        to += link[0] == '/';
        /* Anything else is no merged /usr, and nothing a loader asks for. */
        if (strncmp(to, "usr/", 4) != 0) {
            continue;
        }
        if (symlinkat(to, AT_FDCWD, names[i] + 1) < 0) {
            return fail(failure, "link", names[i]);
        }
    }
    return true;
}

static bool
mount_proc(SvirtLaunchFailure *failure)
{
    const unsigned long flags = MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC;

    if (mkdir("proc", 0555) < 0) {
        return fail(failure, "make", "/proc");
    }
    /* Processes alone, no /proc/sys and no /proc/kcore: Linux 5.8. */
    if (mount("proc", "proc", "proc", flags, "subset=pid,hidepid=2") < 0 &&
        mount("proc", "proc", "proc", flags, "hidepid=2") < 0) {
        return fail(failure, "mount", "/proc");
    }
    return true;
}

static bool
make_cwd(const char *path, SvirtLaunchFailure *failure)
{
    SVIRT_AUTO_FD directory = open_target(path, true);

    return directory >= 0 || fail(failure, "make", path);
}

static bool
plan_has_usr(const SvirtRootPlan *plan)
{
    for (size_t i = 0; i < plan->n_files; i++) {
        if (strcmp(plan->files[i].path, "/usr") == 0) {
            return true;
        }
    }
    return false;
}

bool
svirt_root_build(const SvirtRootPlan *plan, SvirtLaunchFailure *failure)
{
    mode_t before;
    bool done = true;

    if (mount("svirt", STAGE, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC,
              ROOT_OPTIONS) < 0) {
        return fail(failure, "mount a tmpfs on", STAGE);
    }
    if (chdir(STAGE) < 0) {
        return fail(failure, "enter", STAGE);
    }
    before = umask(022);
    /* Links first: a plan's /lib64/ld.so must land where the link points. */
    if (plan_has_usr(plan)) {
        done = link_merged_usr(failure);
    }
    for (size_t i = 0; done && i < plan->n_files; i++) {
        done = (plan->files[i].flags & SVIRT_FILE_DEVICE) != 0 ||
               bind_file(&plan->files[i], failure);
    }
    done = done && (plan->cwd == NULL || make_cwd(plan->cwd, failure));
    done = done && (!plan->proc || mount_proc(failure));
    done = done && (plan->device_nodes == 0 ||
                    svirt_device_nodes_make(plan, failure));
    (void)umask(before);
    return done;
}

bool
svirt_root_enter(SvirtLaunchFailure *failure)
{
    const char *what = "pivot_root";

    /* Old and new root stacked on one directory: no place for the old one is
     * needed, and the umount takes the upper of the two, which is the old. */
    if (syscall(SYS_pivot_root, ".", ".") == 0) {
        what = "detach the old root";
        if (umount2(".", MNT_DETACH) == 0) {
            what = "enter the new root";
            if (chdir("/") == 0) {
                what = "make the root read-only";
                if (svirt_mount_set_flags("/", SVIRT_MOUNT_READ_ONLY |
                        SVIRT_MOUNT_NO_DEVICES | SVIRT_MOUNT_NO_EXEC)) {
                    return true;
                }
            }
        }
    }
    return svirt_launch_fail(failure, SVIRT_STEP_PIVOT, "%s", what);
}
