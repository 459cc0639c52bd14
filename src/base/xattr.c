/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/xattr.h"

#include <errno.h>
#include <string.h>
#include <sys/vfs.h>
#include <sys/xattr.h>

#define PROC_MAGIC 0x9fa0

/* A file system that only looks like /proc could lead anywhere. */
static bool
proc_path(const SvirtObject *object, char ret[SVIRT_OBJECT_PROC_PATH_BYTES],
          GError **error)
{
    static bool checked; /* a mount over it takes root, who needs none */
    struct statfs fs;

    if (checked) {
        svirt_object_proc_path(object, ret);
        return true;
    }
    if (statfs("/proc/self/fd", &fs) != 0) {
        return svirt_raise_errno(error, errno, "mount procfs on /proc",
                                 "cannot examine /proc/self/fd");
    }
    if (fs.f_type != PROC_MAGIC) {
        return svirt_raise(error, SVIRT_ERROR_REFUSED, NULL,
                           "mount procfs on /proc",
                           "/proc/self/fd is not on procfs");
    }
    checked = true;
    svirt_object_proc_path(object, ret);
    return true;
}

static bool
raise_xattr(const SvirtObject *object, const char *verb, const char *name,
            int errnum, GError **error)
{
    SvirtErrorCode code = SVIRT_ERROR_SYSTEM;
    const char *hint = NULL;

    if (errnum == EOPNOTSUPP) {
        code = SVIRT_ERROR_UNSUPPORTED;
        hint = "move it to a file system with extended attributes";
    } else if (errnum == EPERM || errnum == EACCES) {
        code = SVIRT_ERROR_REFUSED;
    } else if (errnum == EROFS) {
        hint = "mount its file system writable";
    }
    return svirt_raise(
        error, code,
        g_error_new_literal(SVIRT_ERROR, (int)code, g_strerror(errnum)), hint,
        "cannot %s attribute %s of '%s'", verb, name, object->shown_path);
}

static ssize_t
get(const SvirtObject *object, const char *path, const char *name,
    void *value, size_t size)
{
    return object->read_fd >= 0
               ? fgetxattr(object->read_fd, name, value, size)
               : getxattr(path, name, value, size);
}

bool
svirt_xattr_get(const SvirtObject *object, const char *name,
                char **ret_value, size_t *ret_size, GError **error)
{
    char path[SVIRT_OBJECT_PROC_PATH_BYTES];
    g_autofree char *value = NULL;
    char small[256];
    ssize_t size;

    if (object->read_fd < 0 && !proc_path(object, path, error)) {
        return false;
    }
    size = get(object, path, name, small, sizeof(small));
    if (size >= 0) {
        value = g_malloc0((size_t)size + 1);
        memcpy(value, small, (size_t)size);
    } else if (errno == ERANGE) {
        value = g_malloc0(SVIRT_XATTR_BYTES + 1);
        size = get(object, path, name, value, SVIRT_XATTR_BYTES);
    }
    if (size < 0 && errno == ENODATA) {
        g_clear_pointer(&value, g_free);
        size = 0;
    }
    if (size < 0) {
        return raise_xattr(object, "read", name, errno, error);
    }
    *ret_value = g_steal_pointer(&value);
    *ret_size = (size_t)size;
    return true;
}

bool
svirt_xattr_set(const SvirtObject *object, const char *name,
                const void *value, size_t size, GError **error)
{
    char path[SVIRT_OBJECT_PROC_PATH_BYTES];

    if (object->read_fd < 0 && !proc_path(object, path, error)) {
        return false;
    }
    if ((object->read_fd >= 0
             ? fsetxattr(object->read_fd, name, value, size, 0)
             : setxattr(path, name, value, size, 0)) != 0) {
        return raise_xattr(object, "set", name, errno, error);
    }
    return true;
}

bool
svirt_xattr_remove(const SvirtObject *object, const char *name,
                   GError **error)
{
    char path[SVIRT_OBJECT_PROC_PATH_BYTES];

    if (!proc_path(object, path, error)) {
        return false;
    }
    if (removexattr(path, name) != 0 && errno != ENODATA) {
        return raise_xattr(object, "remove", name, errno, error);
    }
    return true;
}
