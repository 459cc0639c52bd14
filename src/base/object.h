/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "base/credentials.h"
#include "base/enum-table.h"
#include "base/error.h"
#include "base/identity.h"

typedef enum SvirtObjectType {
    SVIRT_OBJECT_REGULAR,
    SVIRT_OBJECT_DIRECTORY,
    SVIRT_OBJECT_BLOCK,
    SVIRT_OBJECT_CHARACTER,
    SVIRT_OBJECT_SOCKET,
    SVIRT_OBJECT_FIFO,
    SVIRT_OBJECT_SYMLINK,
    SVIRT_OBJECT_MAX
} SvirtObjectType;

/* "regular file", "directory", "block device", ... */
SVIRT_ENUM_DECLARE(SvirtObjectType, svirt_object_type)

/* Which types a caller takes: SVIRT_OBJECT_WANT(REGULAR) | ... */
#define SVIRT_OBJECT_WANT(type) (1u << SVIRT_OBJECT_##type)
#define SVIRT_OBJECT_WANT_DISK                                               \
    (SVIRT_OBJECT_WANT(REGULAR) | SVIRT_OBJECT_WANT(BLOCK))

typedef enum SvirtObjectFlags {
    SVIRT_OBJECT_FOLLOW = 0,           /* symlinks followed, here only */
    SVIRT_OBJECT_NO_SYMLINKS = 1 << 0, /* any symlink on the way: REFUSED */
    SVIRT_OBJECT_BENEATH = 1 << 1,     /* never out of the directory given */
    SVIRT_OBJECT_NO_IDENTITY = 1 << 2, /* identity is left zero */
} SvirtObjectFlags;

/*
 * A file-system object resolved once. Everything done to it later is done to
 * path_fd; shown_path serves messages only.
 */
typedef struct SvirtObject {
    int path_fd; /* fd, O_PATH, never -1 */
    int read_fd; /* fd, O_RDONLY: svirt_object_keep; -1 none */
    SvirtObjectType type;
    uid_t uid;
    gid_t gid;
    mode_t mode; /* permission bits with setuid, setgid, sticky */
    uint32_t link_count;
    uint64_t size_bytes;
    dev_t dev;
    ino_t ino;
    dev_t rdev;          /* of a device node */
    uint64_t mount_id;   /* statx stx_mnt_id, 0: unknown */
    bool is_mount_root;  /* the root directory (or file) of a mount */
    int64_t fs_magic;    /* statfs f_type */
    bool fs_read_only;
    char *shown_path;    /* owned: the path as the caller gave it */
    SvirtIdentity identity;
} SvirtObject;

/*
 * Resolve `path` with `author`'s file-system credentials (NULL: the caller's
 * own): openat2(2) with O_PATH and RESOLVE_NO_MAGICLINKS. `want` is an OR of
 * SVIRT_OBJECT_WANT. Owned by the caller.
 *
 * NOT_FOUND: no such file. REFUSED: the author may not reach it; it is not of
 * a wanted type ("'/d' is a directory, not a regular file or block device");
 * a symbolic link where none may be; a link of procfs. INVALID: an empty or
 * over-long path, a symlink loop. SYSTEM: anything else.
 */
bool svirt_object_open(const char *path, const SvirtCredentials *author,
                       unsigned want, unsigned flags, SvirtObject **ret,
                       GError **error);
/* The same, a relative `path` starting at dir_fd. */
bool svirt_object_open_at(int dir_fd, const char *path,
                          const SvirtCredentials *author, unsigned want,
                          unsigned flags, SvirtObject **ret, GError **error);
/* For a descriptor somebody handed over (it stays theirs). */
bool svirt_object_from_fd(int fd, const char *shown_path, unsigned want,
                          unsigned flags, SvirtObject **ret, GError **error);
void svirt_object_free(SvirtObject *object);

/*
 * A descriptor that can do I/O, opened with `author`'s credentials through
 * /proc/self/fd (which is checked to be procfs) and read back to be the same
 * inode. `open_flags`: O_RDONLY, O_RDWR or O_WRONLY, with O_DIRECT,
 * O_NONBLOCK, O_APPEND, O_NOATIME, O_EXCL (block devices), O_DIRECTORY;
 * O_CLOEXEC and O_NOCTTY are added; O_CREAT and O_TRUNC are our bug.
 * REFUSED when the author may not; BUSY for a device in use; SYSTEM.
 */
bool svirt_object_reopen(const SvirtObject *object,
                         const SvirtCredentials *author, int open_flags,
                         int *ret_fd, GError **error);
/*
 * Keep a duplicate of `fd`, which svirt_object_reopen gave for reading: what
 * takes no O_PATH descriptor (attributes) then needs no path through /proc,
 * which takes three times as long. Without one nothing is lost but that.
 */
void svirt_object_keep(SvirtObject *object, int fd);
/*
 * Fill in the identity that SVIRT_OBJECT_NO_IDENTITY left zero: for an object
 * that must first be known to be one that may be looked at so closely (see
 * svirt_identity_read). Nothing is done when it is there. SYSTEM.
 */
bool svirt_object_identify(SvirtObject *object, GError **error);
/* Owner, mode, links, size again, from the descriptor. */
bool svirt_object_refresh(SvirtObject *object, GError **error);
/*
 * Where the object is now, as the kernel names it ("/x (deleted)" included).
 * For messages and for programs that take nothing but a path. Owned by the
 * caller; NULL when the kernel does not say.
 */
char *svirt_object_current_path(const SvirtObject *object);
char *svirt_fd_current_path(int fd);
/* "/proc/self/fd/N", for calls that know no AT_EMPTY_PATH (setxattr). */
#define SVIRT_OBJECT_PROC_PATH_BYTES 32
void svirt_object_proc_path(const SvirtObject *object,
                            char ret[SVIRT_OBJECT_PROC_PATH_BYTES]);
/* The same inode within this boot. */
bool svirt_object_same_inode(const SvirtObject *a, const SvirtObject *b);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(SvirtObject, svirt_object_free)
