/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launch/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "launch/spec.h"

/*
 * Written down here because the build host's headers are older than the
 * kernels svirt runs on. Names and numbers: include/uapi/linux/landlock.h.
 */
#define CREATE_RULESET_VERSION 1u
#define RULE_PATH_BENEATH 1
#define RULE_NET_PORT 2 /* ABI 4 */

#define FS_EXECUTE (1ull << 0)
#define FS_WRITE_FILE (1ull << 1)
#define FS_READ_FILE (1ull << 2)
#define FS_READ_DIR (1ull << 3)
#define FS_ABI_1 ((1ull << 13) - 1)
#define FS_REFER (1ull << 13)     /* ABI 2 */
#define FS_TRUNCATE (1ull << 14)  /* ABI 3 */
#define FS_IOCTL_DEV (1ull << 15) /* ABI 5 */
#define FS_RESOLVE_UNIX (1ull << 16) /* ABI 9 */
#define NET_BIND_CONNECT_TCP 3ull /* ABI 4 */
#define NET_CONNECT_TCP 2ull
#define SCOPE_ABSTRACT_UNIX_AND_SIGNAL 3ull /* ABI 6 */

typedef struct RulesetAttr {
    uint64_t handled_fs;
    uint64_t handled_net;
    uint64_t scoped;
} RulesetAttr;

typedef struct PathBeneathAttr {
    uint64_t allowed;
    int32_t parent_fd;
} __attribute__((packed)) PathBeneathAttr;

typedef struct NetPortAttr {
    uint64_t allowed;
    uint64_t port;
} NetPortAttr;

int
svirt_landlock_abi(void)
{
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0,
                       CREATE_RULESET_VERSION);

    return abi < 0 ? 0 : (int)abi;
}

static uint64_t
handled_fs(int abi)
{
    return FS_ABI_1 | (abi >= 2 ? FS_REFER : 0) |
           (abi >= 3 ? FS_TRUNCATE : 0) | (abi >= 5 ? FS_IOCTL_DEV : 0) |
           (abi >= 9 ? FS_RESOLVE_UNIX : 0);
}

static uint64_t
granted(unsigned grant, bool directory)
{
    uint64_t rights = 0;

    if ((grant & SVIRT_LANDLOCK_READ) != 0) {
        rights |= FS_READ_FILE | (directory ? FS_READ_DIR : 0);
    }
    if ((grant & SVIRT_LANDLOCK_EXECUTE) != 0) {
        rights |= FS_EXECUTE | FS_READ_FILE;
    }
    if ((grant & SVIRT_LANDLOCK_WRITE) != 0) {
        rights |= FS_READ_FILE | FS_WRITE_FILE | FS_TRUNCATE;
    }
    if ((grant & SVIRT_LANDLOCK_IOCTL) != 0) {
        rights |= FS_IOCTL_DEV;
    }
    if ((grant & SVIRT_LANDLOCK_DEVICE) != 0) {
        rights |= FS_READ_FILE | FS_WRITE_FILE | FS_IOCTL_DEV;
    }
    return rights;
}

static bool
add_rule(int ruleset, const SvirtLandlockRule *rule, uint64_t handled,
         SvirtLaunchFailure *failure)
{
    SVIRT_AUTO_FD fd = open(rule->path, O_PATH | O_CLOEXEC);
    PathBeneathAttr attr = { .parent_fd = fd };
    struct stat st;

    if (fd < 0 || fstat(fd, &st) < 0) {
        return svirt_launch_fail(failure, SVIRT_STEP_LANDLOCK, "open '%s'",
                                 rule->path);
    }
    /* A right the ruleset does not handle is an error, and granted anyway. */
    attr.allowed = granted(rule->grant, S_ISDIR(st.st_mode)) & handled;
    if (syscall(SYS_landlock_add_rule, ruleset, RULE_PATH_BENEATH, &attr,
                0) < 0) {
        return svirt_launch_fail(failure, SVIRT_STEP_LANDLOCK, "rule for '%s'",
                                 rule->path);
    }
    return true;
}

static bool
add_ports(int ruleset, const SvirtLandlockPorts *ports, int abi,
          SvirtLaunchFailure *failure)
{
    for (size_t i = 0; ports != NULL && i < ports->count; i++) {
        NetPortAttr attr = { NET_CONNECT_TCP, ports->port[i] };

        errno = ENOSYS;
        if (abi < 4 || syscall(SYS_landlock_add_rule, ruleset, RULE_NET_PORT,
                               &attr, 0) < 0) {
            return svirt_launch_fail(failure, SVIRT_STEP_LANDLOCK,
                                     "TCP port %u alone (ABI 4, this is %d)",
                                     ports->port[i], abi);
        }
    }
    return true;
}

bool
svirt_landlock_restrict(const SvirtLandlockRule *rules, size_t count,
                        const SvirtLandlockPorts *ports, int abi_limit,
                        int32_t *ret_abi, SvirtLaunchFailure *failure)
{
    int abi = svirt_landlock_abi();
    RulesetAttr attr = { 0 };
    size_t size;
    SVIRT_AUTO_FD ruleset = -1;

    if (abi_limit >= 0 && abi > abi_limit) {
        abi = abi_limit;
    }
    if (abi == 0) {
        *ret_abi = 0;
        return add_ports(-1, ports, abi, failure);
    }
    attr.handled_fs = handled_fs(abi);
    attr.handled_net = abi >= 4 && ports != NULL ? NET_BIND_CONNECT_TCP : 0;
    attr.scoped = abi >= 6 ? SCOPE_ABSTRACT_UNIX_AND_SIGNAL : 0;
    /* Zeroes behind the size a kernel knows are accepted, but say it right. */
    size = abi >= 6 ? 24 : abi >= 4 ? 16 : 8;
    ruleset = (int)syscall(SYS_landlock_create_ruleset, &attr, size, 0);
    if (ruleset < 0) {
        return svirt_launch_fail(failure, SVIRT_STEP_LANDLOCK,
                                 "create a ruleset of ABI %d", abi);
    }
    for (size_t i = 0; i < count; i++) {
        if (!add_rule(ruleset, &rules[i], attr.handled_fs, failure)) {
            return false;
        }
    }
    if (!add_ports(ruleset, ports, abi, failure)) {
        return false;
    }
    if (syscall(SYS_landlock_restrict_self, ruleset, 0) < 0) {
        return svirt_launch_fail(failure, SVIRT_STEP_LANDLOCK, "ABI %d", abi);
    }
    *ret_abi = abi;
    return true;
}

unsigned
svirt_landlock_grant(unsigned file_flags)
{
    const bool write = (file_flags & SVIRT_FILE_WRITE) != 0;

    if ((file_flags & SVIRT_FILE_DEVICE) != 0) {
        return write ? SVIRT_LANDLOCK_DEVICE
                     : SVIRT_LANDLOCK_READ | SVIRT_LANDLOCK_IOCTL;
    }
    return SVIRT_LANDLOCK_READ | (write ? SVIRT_LANDLOCK_WRITE : 0) |
           ((file_flags & SVIRT_FILE_EXECUTE) != 0
            ? SVIRT_LANDLOCK_EXECUTE : 0);
}
