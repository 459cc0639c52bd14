/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <linux/types.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

/* statfs(2) f_type of FUSE, "fuseblk" too: a process answers, or does not. */
#define SVIRT_FUSE_MAGIC 0x65735546
/* name_to_handle_at(2): MAX_HANDLE_SZ. */
#define SVIRT_IDENTITY_HANDLE_MAX 128
/* A device's own name (dm uuid, wwid, serial) is cut off here. */
#define SVIRT_IDENTITY_DEVICE_MAX 160

/*
 * What makes an inode itself across runs, renames and remounts. A file that
 * was deleted and made again has another identity even when it got the same
 * inode number. Fields the file system does not give are absent (their has_
 * flag, or size 0).
 */
typedef struct SvirtIdentity {
    mode_t format; /* S_IFMT bits */
    /* Of the file system: FS_IOC_GETFSUUID, else statfs f_fsid. */
    uint8_t fs_uuid_size; /* 0: absent */
    uint8_t fs_uuid[16];
    uint64_t fsid; /* 0: absent */
    /* Of the inode. */
    int32_t handle_type;
    uint32_t handle_size; /* bytes, 0: absent */
    uint8_t handle[SVIRT_IDENTITY_HANDLE_MAX];
    bool has_birth;
    int64_t birth_s;
    uint32_t birth_ns;
    bool has_generation;
    uint32_t generation;
    uint64_t ino;
    /* Of a device node: the device behind it. */
    uint32_t rdev_major;
    uint32_t rdev_minor;
    char device[SVIRT_IDENTITY_DEVICE_MAX]; /* "": unknown or no device */
    /* Valid within this boot only; never written to a text. */
    uint32_t dev_major;
    uint32_t dev_minor;
} SvirtIdentity;

/*
 * Read it from a descriptor (O_PATH is enough; a regular file or directory is
 * opened once more, for reading, to ask its file system's UUID). What cannot
 * be had is left absent; SYSTEM only when statx(2) or fstatfs(2) fail.
 */
bool svirt_identity_read(int fd, SvirtIdentity *ret, GError **error);

/*
 * The same inode, as far as can be known across runs: format, file system
 * and inode number equal, every field both have equal, and at least one of
 * handle, birth time and generation among them. A pair that shares none of
 * the three is never the same: it could be another file with a number used
 * again.
 */
bool svirt_identity_same(const SvirtIdentity *a, const SvirtIdentity *b);
/*
 * The same storage: for two block devices the same device (whatever node or
 * /dev it was reached through), else svirt_identity_same.
 */
bool svirt_identity_same_storage(const SvirtIdentity *a,
                                 const SvirtIdentity *b);
/* Within one boot: device and inode number. */
bool svirt_identity_same_now(const SvirtIdentity *a, const SvirtIdentity *b);

/* Printable, without blanks, owned by the caller; of one version. */
char *svirt_identity_format(const SvirtIdentity *identity);
/* CORRUPT for anything svirt_identity_format does not write. */
bool svirt_identity_parse(const char *text, SvirtIdentity *ret,
                          GError **error);
