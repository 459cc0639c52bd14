/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/filesystem.h"

#include <linux/magic.h>
#include <stddef.h>
#include <sys/vfs.h>

#ifndef MQUEUE_MAGIC
#define MQUEUE_MAGIC 0x19800202
#endif
#ifndef CONFIGFS_MAGIC
#define CONFIGFS_MAGIC 0x62656570
#endif
#ifndef FUSECTL_MAGIC
#define FUSECTL_MAGIC 0x65735543
#endif

static const struct {
    long magic;
    const char *name;
} pseudo[] = {
    { PROC_SUPER_MAGIC, "proc" },
    { SYSFS_MAGIC, "sysfs" },
    { CGROUP_SUPER_MAGIC, "cgroup" },
    { CGROUP2_SUPER_MAGIC, "cgroup2" },
    { DEBUGFS_MAGIC, "debugfs" },
    { TRACEFS_MAGIC, "tracefs" },
    { SECURITYFS_MAGIC, "securityfs" },
    { SELINUX_MAGIC, "selinuxfs" },
    { SMACK_MAGIC, "smackfs" },
    { BPF_FS_MAGIC, "bpf" },
    { DEVPTS_SUPER_MAGIC, "devpts" },
    { PSTOREFS_MAGIC, "pstore" },
    { EFIVARFS_MAGIC, "efivarfs" },
    { NSFS_MAGIC, "nsfs" },
    { SOCKFS_MAGIC, "sockfs" },
    { PIPEFS_MAGIC, "pipefs" },
    { ANON_INODE_FS_MAGIC, "anon_inodefs" },
    { BINFMTFS_MAGIC, "binfmt_misc" },
    { MQUEUE_MAGIC, "mqueue" },
    { CONFIGFS_MAGIC, "configfs" },
    { FUSECTL_MAGIC, "fusectl" },
};

const char *
svirt_filesystem_pseudo_name(int fd)
{
    struct statfs st;

    if (fstatfs(fd, &st) < 0) {
        return NULL;
    }
    for (size_t i = 0; i < sizeof(pseudo) / sizeof(pseudo[0]); i++) {
        if ((unsigned long)st.f_type == (unsigned long)pseudo[i].magic) {
            return pseudo[i].name;
        }
    }
    return NULL;
}
