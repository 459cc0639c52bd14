/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/object.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/resolve.h"

#define PROC_MAGIC 0x9fa0
#define OVERLAY_MAGIC 0x794c7630

SVIRT_ENUM_TABLE(SvirtObjectType, svirt_object_type, SVIRT_OBJECT_MAX,
                 [SVIRT_OBJECT_REGULAR] = "regular file",
                 [SVIRT_OBJECT_DIRECTORY] = "directory",
                 [SVIRT_OBJECT_BLOCK] = "block device",
                 [SVIRT_OBJECT_CHARACTER] = "character device",
                 [SVIRT_OBJECT_SOCKET] = "socket",
                 [SVIRT_OBJECT_FIFO] = "FIFO",
                 [SVIRT_OBJECT_SYMLINK] = "symbolic link")

static SvirtObjectType
type_of(unsigned mode)
{
    switch (mode & S_IFMT) {
    case S_IFREG:
        return SVIRT_OBJECT_REGULAR;
    case S_IFDIR:
        return SVIRT_OBJECT_DIRECTORY;
    case S_IFBLK:
        return SVIRT_OBJECT_BLOCK;
    case S_IFCHR:
        return SVIRT_OBJECT_CHARACTER;
    case S_IFSOCK:
        return SVIRT_OBJECT_SOCKET;
    case S_IFIFO:
        return SVIRT_OBJECT_FIFO;
    case S_IFLNK:
        return SVIRT_OBJECT_SYMLINK;
    default:
        return SVIRT_OBJECT_MAX;
    }
}

/* "regular file or block device" */
static char *
describe_want(unsigned want)
{
    GString *text = g_string_new(NULL);

    for (unsigned i = 0; i < SVIRT_OBJECT_MAX; i++) {
        if ((want >> i & 1) != 0) {
            g_string_append_printf(
                text, "%s%s", text->len > 0 ? " or " : "",
                svirt_object_type_to_string((SvirtObjectType)i));
        }
    }
    return g_string_free(text, FALSE);
}

static bool
check_type(const SvirtObject *object, unsigned want, GError **error)
{
    g_autofree char *wanted = NULL;
    const char *got;

    if (object->type < SVIRT_OBJECT_MAX && (want >> object->type & 1) != 0) {
        return true;
    }
    wanted = describe_want(want);
    got = object->type < SVIRT_OBJECT_MAX
              ? svirt_object_type_to_string(object->type)
              : "object of a kind of its own";
    return svirt_raise(error, SVIRT_ERROR_REFUSED, NULL, NULL,
                       "'%s' is a %s, not a %s", object->shown_path, got,
                       wanted);
}

static bool
read_attributes(SvirtObject *object, GError **error)
{
    struct statx stx;
    struct statfs fs;

    if (statx(object->path_fd, "", AT_EMPTY_PATH,
              STATX_BASIC_STATS | STATX_MNT_ID, &stx) != 0 ||
        fstatfs(object->path_fd, &fs) != 0) {
        return svirt_raise_errno(error, errno, NULL,
                                 "cannot read the attributes of '%s'",
                                 object->shown_path);
    }
    object->type = type_of(stx.stx_mode);
    object->uid = stx.stx_uid;
    object->gid = stx.stx_gid;
    object->mode = stx.stx_mode & 07777;
    object->link_count = stx.stx_nlink;
    object->size_bytes = stx.stx_size;
    object->dev = makedev(stx.stx_dev_major, stx.stx_dev_minor);
    object->ino = stx.stx_ino;
    object->rdev = makedev(stx.stx_rdev_major, stx.stx_rdev_minor);
    object->mount_id =
        (stx.stx_mask & STATX_MNT_ID) != 0 ? stx.stx_mnt_id : 0;
    object->is_mount_root =
        (stx.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
    object->fs_magic = (int64_t)fs.f_type;
    object->fs_read_only = (fs.f_flags & ST_RDONLY) != 0;
    return true;
}

/* Takes the descriptor over. */
static bool
make_object(int path_fd, const char *shown_path, unsigned want,
            unsigned flags, SvirtObject **ret, GError **error)
{
    g_autoptr(SvirtObject) object = g_new0(SvirtObject, 1);

    object->path_fd = path_fd;
    object->read_fd = -1;
    object->shown_path = g_strdup(shown_path);
    if (!read_attributes(object, error) ||
        !check_type(object, want, error)) {
        return false;
    }
    if ((flags & SVIRT_OBJECT_NO_IDENTITY) == 0 &&
        !svirt_identity_read(path_fd, &object->identity, error)) {
        return false;
    }
    *ret = g_steal_pointer(&object);
    return true;
}

bool
svirt_object_open_at(int dir_fd, const char *path,
                     const SvirtCredentials *author, unsigned want,
                     unsigned flags, SvirtObject **ret, GError **error)
{
    SVIRT_AUTO_FD fd = -1;

    if (!svirt_resolve(dir_fd, path, author,
                       (flags & SVIRT_OBJECT_NO_SYMLINKS) != 0,
                       (flags & SVIRT_OBJECT_BENEATH) != 0, &fd, error)) {
        return false;
    }
    return make_object(svirt_fd_steal(&fd), path, want, flags, ret, error);
}

bool
svirt_object_open(const char *path, const SvirtCredentials *author,
                  unsigned want, unsigned flags, SvirtObject **ret,
                  GError **error)
{
    return svirt_object_open_at(AT_FDCWD, path, author, want, flags, ret,
                                error);
}

/*
 * /proc/self/fd as a descriptor, known to be procfs and no look-alike.
 * Borrowed: a start reopens each of its files several times. One per thread,
 * and a child made by fork(2) opens its own.
 */
static bool
own_fds(int *ret_fd, GError **error)
{
    static __thread int kept = -1;
    static __thread pid_t keeper;
    SVIRT_AUTO_FD fd = -1;
    struct statfs fs;

    if (kept >= 0 && keeper == getpid()) {
        *ret_fd = kept;
        return true;
    }
    fd = open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fstatfs(fd, &fs) != 0) {
        return svirt_raise_errno(error, errno, "mount procfs on /proc",
                                 "cannot open /proc/self/fd");
    }
    if (fs.f_type != PROC_MAGIC) {
        return svirt_raise(error, SVIRT_ERROR_REFUSED, NULL,
                           "mount procfs on /proc",
                           "/proc/self/fd is not on procfs");
    }
    svirt_fd_close(&kept);
    kept = svirt_fd_steal(&fd);
    keeper = getpid();
    *ret_fd = kept;
    return true;
}

bool
svirt_object_from_fd(int fd, const char *shown_path, unsigned want,
                     unsigned flags, SvirtObject **ret, GError **error)
{
    int own;
    SVIRT_AUTO_FD path_fd = -1;
    char number[16];

    if (!own_fds(&own, error)) {
        return false;
    }
    g_snprintf(number, sizeof(number), "%d", fd);
    path_fd = openat(own, number, O_PATH | O_CLOEXEC);
    if (path_fd < 0) {
        return svirt_raise_errno(error, errno, NULL,
                                 "cannot open descriptor %d ('%s')", fd,
                                 shown_path);
    }
    return make_object(svirt_fd_steal(&path_fd), shown_path, want, flags, ret,
                       error);
}

void
svirt_object_free(SvirtObject *object)
{
    if (object == NULL) {
        return;
    }
    svirt_fd_close(&object->path_fd);
    svirt_fd_close(&object->read_fd);
    g_free(object->shown_path);
    g_free(object);
}

static bool
raise_reopen(const SvirtObject *object, const SvirtCredentials *author,
             int open_flags, int errnum, GError **error)
{
    const char *how = (open_flags & O_ACCMODE) == O_RDONLY ? "read" : "write";
    GError *cause;

    if (errnum != EACCES && errnum != EPERM && errnum != EROFS) {
        return svirt_raise_errno(error, errnum, NULL, "cannot open '%s'",
                                 object->shown_path);
    }
    cause = g_error_new_literal(SVIRT_ERROR, SVIRT_ERROR_SYSTEM,
                                g_strerror(errnum));
    if (errnum == EROFS) {
        return svirt_raise(error, SVIRT_ERROR_REFUSED, cause,
                           "declare it <readonly/>, or mount it writable",
                           "cannot write '%s'", object->shown_path);
    }
    if (author == NULL) {
        return svirt_raise(error, SVIRT_ERROR_REFUSED, cause, NULL,
                           "cannot %s '%s'", how, object->shown_path);
    }
    return svirt_raise(error, SVIRT_ERROR_REFUSED, cause,
                       "give the author of the definition access to it",
                       "uid %u may not %s '%s'", author->uid, how,
                       object->shown_path);
}

bool
svirt_object_reopen(const SvirtObject *object, const SvirtCredentials *author,
                    int open_flags, int *ret_fd, GError **error)
{
    SVIRT_AUTO_CREDENTIALS scope = SVIRT_CREDENTIALS_SCOPE_INIT;
    int own;
    SVIRT_AUTO_FD fd = -1;
    struct stat st;
    char number[16];

    g_assert((open_flags & (O_CREAT | O_TRUNC | O_PATH)) == 0);
    if (!own_fds(&own, error) ||
        !svirt_credentials_enter(author, &scope, error)) {
        return false;
    }
    g_snprintf(number, sizeof(number), "%d", object->path_fd);
    fd = openat(own, number, open_flags | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) {
        int saved = errno;

        svirt_credentials_leave(&scope);
        return raise_reopen(object, author, open_flags, saved, error);
    }
    svirt_credentials_leave(&scope);
    if (fstat(fd, &st) != 0) {
        return svirt_raise_errno(error, errno, NULL, "cannot read back '%s'",
                                 object->shown_path);
    }
    /* Writing on an overlay copies the file up, maybe to another number. */
    if (object->fs_magic != OVERLAY_MAGIC &&
        (st.st_dev != object->dev || st.st_ino != object->ino)) {
        return svirt_raise(error, SVIRT_ERROR_UNVERIFIED, NULL, NULL,
                           "'%s' became another file while it was opened",
                           object->shown_path);
    }
    *ret_fd = svirt_fd_steal(&fd);
    return true;
}

void
svirt_object_keep(SvirtObject *object, int fd)
{
    svirt_fd_close(&object->read_fd);
    /* Opened before a copy-up, one of an overlay is of the lower file. */
    if (object->fs_magic != OVERLAY_MAGIC) {
        object->read_fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    }
}

bool
svirt_object_identify(SvirtObject *object, GError **error)
{
    return object->identity.format != 0 ||
           svirt_identity_read(object->path_fd, &object->identity, error);
}

bool
svirt_object_refresh(SvirtObject *object, GError **error)
{
    return read_attributes(object, error);
}

void
svirt_object_proc_path(const SvirtObject *object,
                       char ret[SVIRT_OBJECT_PROC_PATH_BYTES])
{
    g_snprintf(ret, SVIRT_OBJECT_PROC_PATH_BYTES, "/proc/self/fd/%d",
               object->path_fd);
}

char *
svirt_fd_current_path(int fd)
{
    char link[SVIRT_OBJECT_PROC_PATH_BYTES];
    char target[PATH_MAX];
    ssize_t size;

    g_snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    size = readlink(link, target, sizeof(target));
    if (size < 0 || (size_t)size == sizeof(target)) {
        return NULL;
    }
    return g_strndup(target, (size_t)size);
}

char *
svirt_object_current_path(const SvirtObject *object)
{
    return svirt_fd_current_path(object->path_fd);
}

bool
svirt_object_same_inode(const SvirtObject *a, const SvirtObject *b)
{
    return a->dev == b->dev && a->ino == b->ino;
}
