/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launch/device-node.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/xattr-at.h"
#include "launch/mount.h"

static const SvirtDeviceNode table[] = {
    { SVIRT_NODE_NULL, "null", 1, 3, 0666 },
    { SVIRT_NODE_ZERO, "zero", 1, 5, 0666 },
    { SVIRT_NODE_RANDOM, "random", 1, 8, 0444 },
    { SVIRT_NODE_URANDOM, "urandom", 1, 9, 0444 },
    { SVIRT_NODE_KVM, "kvm", 10, 232, 0600 },
};
#define N_NODES (sizeof(table) / sizeof(table[0]))

const SvirtDeviceNode *
svirt_device_node_table(size_t *ret_count)
{
    *ret_count = N_NODES;
    return table;
}

static bool
fail(SvirtLaunchFailure *failure, const char *what, const char *name)
{
    return svirt_launch_fail(failure, SVIRT_STEP_ROOT, "%s '/dev/%s'", what,
                             name);
}

/* Where mknod is refused (a container): the host's own node and its owner. */
static bool
bind_node(int dir, const SvirtDeviceNode *node)
{
    char source[32];
    SVIRT_AUTO_FD target = openat(dir, node->name, O_CREAT | O_EXCL |
                                  O_NOFOLLOW | O_RDONLY | O_CLOEXEC, 0444);
    SvirtMountBind bind = {
        .source = source, .tree = false, .target = target,
        .flags = SVIRT_MOUNT_READ_ONLY | SVIRT_MOUNT_NO_EXEC,
    };

    (void)snprintf(source, sizeof(source), "/dev/%s", node->name);
    return target >= 0 && svirt_mount_bind(&bind);
}

static bool
make_node(int dir, const SvirtDeviceNode *node, const SvirtSpecIds *kvm_owner,
          const char *smack_label, SvirtLaunchFailure *failure)
{
    if (mknodat(dir, node->name, S_IFCHR | node->mode,
                makedev(node->major, node->minor)) < 0) {
        if (errno == EPERM && bind_node(dir, node)) {
            return true;
        }
        return fail(failure, "make", node->name);
    }
    if (fchmodat(dir, node->name, node->mode, 0) < 0) {
        return fail(failure, "mode of", node->name);
    }
    if (node->bit == SVIRT_NODE_KVM &&
        fchownat(dir, node->name, kvm_owner->uid, kvm_owner->gid,
                 AT_SYMLINK_NOFOLLOW) < 0) {
        return fail(failure, "owner of", node->name);
    }
    if (smack_label != NULL &&
        !svirt_xattr_set_at(dir, node->name, "security.SMACK64",
                            smack_label)) {
        return fail(failure, "label", node->name);
    }
    return true;
}

/* Of "/dev/mapper/a" the directory "mapper"; `name` has no "/dev/". */
static bool
make_parents(int dir, const char *name)
{
    char path[SVIRT_MOUNT_PATH_MAX];

    if (strlen(name) >= sizeof(path)) {
        errno = ENAMETOOLONG;
        return false;
    }
    memcpy(path, name, strlen(name) + 1);
    for (char *slash = strchr(path, '/'); slash != NULL;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdirat(dir, path, 0755) < 0 && errno != EEXIST) {
            return false;
        }
        *slash = '/';
    }
    return true;
}

static bool
make_block_device(int dir, const SvirtRootFile *file,
                  const SvirtRootPlan *plan, SvirtLaunchFailure *failure)
{
    const char *name = file->path + strlen("/dev/");
    const mode_t mode = (file->flags & SVIRT_FILE_WRITE) != 0 ? 0600 : 0400;

    if (!make_parents(dir, name) ||
        mknodat(dir, name, S_IFBLK | mode, file->device) < 0 ||
        fchmodat(dir, name, mode, 0) < 0 ||
        fchownat(dir, name, plan->kvm_owner.uid, plan->kvm_owner.gid,
                 AT_SYMLINK_NOFOLLOW) < 0 ||
        (plan->node_label != NULL &&
         !svirt_xattr_set_at(dir, name, "security.SMACK64",
                             plan->node_label))) {
        return fail(failure, "make", name);
    }
    return true;
}

bool
svirt_device_nodes_make(const SvirtRootPlan *plan,
                        SvirtLaunchFailure *failure)
{
    SVIRT_AUTO_FD dir = -1;

    if (mkdir("dev", 0755) < 0 ||
        mount("svirt-dev", "dev", "tmpfs", MS_NOSUID | MS_NOEXEC,
              "mode=0755,size=4k,nr_inodes=256") < 0) {
        return fail(failure, "mount", "");
    }
    dir = open("dev", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0) {
        return fail(failure, "open", "");
    }
    for (size_t i = 0; i < N_NODES; i++) {
        if ((plan->device_nodes & table[i].bit) != 0 &&
            !make_node(dir, &table[i], &plan->kvm_owner, plan->node_label,
                       failure)) {
            return false;
        }
    }
    for (size_t i = 0; i < plan->n_files; i++) {
        if ((plan->files[i].flags & SVIRT_FILE_DEVICE) != 0 &&
            !make_block_device(dir, &plan->files[i], plan, failure)) {
            return false;
        }
    }
    if (!svirt_mount_set_flags("dev", SVIRT_MOUNT_READ_ONLY |
                                      SVIRT_MOUNT_NO_EXEC)) {
        return fail(failure, "make read-only", "");
    }
    return true;
}
