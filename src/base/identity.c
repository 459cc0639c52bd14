/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/identity.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/fd.h"

/* Newer than the headers of Debian 12: Linux 6.9 and 6.5. */
typedef struct FsUuid {
    uint8_t size;
    uint8_t uuid[16];
} FsUuid;
#define IOC_GET_FS_UUID _IOR(0x15, 0, FsUuid)
#define HANDLE_FID 0x200

static void
read_handle(int fd, SvirtIdentity *identity)
{
    union {
        struct file_handle handle;
        char room[sizeof(struct file_handle) + SVIRT_IDENTITY_HANDLE_MAX];
    } u;
    /* Second choice: a handle that names but cannot be opened is enough. */
    static const int flags[] = { AT_EMPTY_PATH, AT_EMPTY_PATH | HANDLE_FID };

    for (unsigned i = 0; i < G_N_ELEMENTS(flags); i++) {
        int mount;

        memset(&u, 0, sizeof(u));
        u.handle.handle_bytes = SVIRT_IDENTITY_HANDLE_MAX;
        if (name_to_handle_at(fd, "", &u.handle, &mount, flags[i]) == 0 &&
            u.handle.handle_bytes <= SVIRT_IDENTITY_HANDLE_MAX) {
            identity->handle_type = u.handle.handle_type;
            identity->handle_size = u.handle.handle_bytes;
            memcpy(identity->handle, u.handle.f_handle,
                   u.handle.handle_bytes);
            return;
        }
    }
}

/* ioctl(2) needs an open file: only kinds whose opening has no effect, and
 * never one a user-space file system would have to answer for. */
static void
read_by_ioctl(int fd, int64_t fs_magic, SvirtIdentity *identity)
{
    char path[32];
    SVIRT_AUTO_FD open_fd = -1;
    FsUuid uuid = { 0 };
    long version = 0;

    if ((!S_ISREG(identity->format) && !S_ISDIR(identity->format)) ||
        fs_magic == SVIRT_FUSE_MAGIC) {
        return;
    }
    g_snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    open_fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (open_fd < 0) {
        return;
    }
    if (ioctl(open_fd, IOC_GET_FS_UUID, &uuid) == 0 && uuid.size > 0 &&
        uuid.size <= sizeof(uuid.uuid)) {
        identity->fs_uuid_size = uuid.size;
        memcpy(identity->fs_uuid, uuid.uuid, uuid.size);
    }
    if (ioctl(open_fd, FS_IOC_GETVERSION, &version) == 0) {
        identity->has_generation = true;
        identity->generation = (uint32_t)version;
    }
}

/* The first line of a sysfs attribute, printable and without blanks. */
static bool
append_attribute(int dir_fd, const char *name, const char *prefix,
                 char *device)
{
    char text[SVIRT_IDENTITY_DEVICE_MAX];
    size_t used = strlen(device);
    ssize_t size = svirt_read_small(dir_fd, name, text, sizeof(text));

    if (size <= 0 || text[0] == '\n') {
        return false;
    }
    text[strcspn(text, "\n")] = '\0';
    for (char *p = text; *p != '\0'; p++) {
        if (!g_ascii_isgraph(*p) || *p == ';' || *p == '=') {
            *p = '_';
        }
    }
    g_snprintf(device + used, SVIRT_IDENTITY_DEVICE_MAX - used, "%s%s",
               prefix, text);
    return true;
}

/*
 * What names the device itself, best first. A disk sequence number lasts for
 * this boot only, and is all a loop device has: its file changes.
 */
static void
read_device(SvirtIdentity *identity)
{
    static const struct {
        const char *attribute;
        const char *prefix;
    } names[] = {
        { "dm/uuid", "dm:" },       { "md/uuid", "md:" },
        { "wwid", "wwid:" },        { "device/wwid", "wwid:" },
        { "serial", "serial:" },    { "device/serial", "serial:" },
    };
    char path[64];
    char *device = identity->device;
    SVIRT_AUTO_FD node = -1;
    SVIRT_AUTO_FD disk = -1;

    g_snprintf(path, sizeof(path), "/sys/dev/block/%u:%u",
               identity->rdev_major, identity->rdev_minor);
    node = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (node < 0) {
        return;
    }
    if (append_attribute(node, "partition", "part:", device)) {
        g_strlcat(device, ",", SVIRT_IDENTITY_DEVICE_MAX);
        disk = openat(node, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
    } else {
        disk = openat(node, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(names); i++) {
        if (append_attribute(disk, names[i].attribute, names[i].prefix,
                             device)) {
            return;
        }
    }
    if (!append_attribute(disk, "diskseq", "seq:", device) ||
        !append_attribute(AT_FDCWD, "/proc/sys/kernel/random/boot_id",
                          ",boot:", device)) {
        device[0] = '\0';
    }
}

bool
svirt_identity_read(int fd, SvirtIdentity *ret, GError **error)
{
    SvirtIdentity identity = { 0 };
    struct statx stx;
    struct statfs fs;

    if (statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_BTIME,
              &stx) != 0) {
        return svirt_raise_errno(error, errno, NULL,
                                 "cannot read the attributes of a file");
    }
    if (fstatfs(fd, &fs) != 0) {
        return svirt_raise_errno(error, errno, NULL,
                                 "cannot read the file system of a file");
    }
    identity.format = stx.stx_mode & S_IFMT;
    memcpy(&identity.fsid, &fs.f_fsid, sizeof(identity.fsid));
    identity.ino = stx.stx_ino;
    identity.dev_major = stx.stx_dev_major;
    identity.dev_minor = stx.stx_dev_minor;
    if ((stx.stx_mask & STATX_BTIME) != 0) {
        identity.has_birth = true;
        identity.birth_s = stx.stx_btime.tv_sec;
        identity.birth_ns = stx.stx_btime.tv_nsec;
    }
    if (S_ISBLK(identity.format) || S_ISCHR(identity.format)) {
        identity.rdev_major = stx.stx_rdev_major;
        identity.rdev_minor = stx.stx_rdev_minor;
    }
    read_handle(fd, &identity);
    read_by_ioctl(fd, (int64_t)fs.f_type, &identity);
    if (S_ISBLK(identity.format)) {
        read_device(&identity);
    }
    *ret = identity;
    return true;
}

static bool
same_file_system(const SvirtIdentity *a, const SvirtIdentity *b)
{
    /* The UUID is the better witness: XFS makes f_fsid from a device number
     * that may be another after a reboot. */
    if (a->fs_uuid_size > 0 && b->fs_uuid_size > 0) {
        return a->fs_uuid_size == b->fs_uuid_size &&
               memcmp(a->fs_uuid, b->fs_uuid, a->fs_uuid_size) == 0;
    }
    return a->fsid == 0 || b->fsid == 0 || a->fsid == b->fsid;
}

bool
svirt_identity_same(const SvirtIdentity *a, const SvirtIdentity *b)
{
    bool witnessed = false;

    if (a->format != b->format || a->ino != b->ino ||
        a->rdev_major != b->rdev_major || a->rdev_minor != b->rdev_minor ||
        !same_file_system(a, b)) {
        return false;
    }
    if (a->handle_size > 0 && b->handle_size > 0) {
        if (a->handle_type != b->handle_type ||
            a->handle_size != b->handle_size ||
            memcmp(a->handle, b->handle, a->handle_size) != 0) {
            return false;
        }
        witnessed = true;
    }
    if (a->has_birth && b->has_birth) {
        if (a->birth_s != b->birth_s || a->birth_ns != b->birth_ns) {
            return false;
        }
        witnessed = true;
    }
    if (a->has_generation && b->has_generation) {
        if (a->generation != b->generation) {
            return false;
        }
        witnessed = true;
    }
    return witnessed;
}

bool
svirt_identity_same_storage(const SvirtIdentity *a, const SvirtIdentity *b)
{
    if (!S_ISBLK(a->format) || !S_ISBLK(b->format)) {
        return svirt_identity_same(a, b);
    }
    if (a->device[0] != '\0' && b->device[0] != '\0') {
        return strcmp(a->device, b->device) == 0;
    }
    return a->rdev_major == b->rdev_major && a->rdev_minor == b->rdev_minor;
}

bool
svirt_identity_same_now(const SvirtIdentity *a, const SvirtIdentity *b)
{
    return a->dev_major == b->dev_major && a->dev_minor == b->dev_minor &&
           a->ino == b->ino;
}
