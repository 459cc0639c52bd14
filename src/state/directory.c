/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "state/directory.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"

static bool
check_directory(int fd, const char *path, GError **error)
{
    struct stat st;
    g_autofree char *hint = NULL;

    if (fstat(fd, &st) != 0) {
        return svirt_raise_errno(error, errno, NULL, "cannot read '%s'",
                                 path);
    }
    if (st.st_uid != geteuid()) {
        hint = g_strdup_printf("chown %u '%s'", geteuid(), path);
        return svirt_raise(error, SVIRT_ERROR_REFUSED, NULL, hint,
                           "directory '%s' belongs to uid %u", path,
                           st.st_uid);
    }
    if ((st.st_mode & 022) != 0) {
        hint = g_strdup_printf("chmod go-w '%s'", path);
        return svirt_raise(error, SVIRT_ERROR_REFUSED, NULL, hint,
                           "others may write in directory '%s' (mode %04o)",
                           path, st.st_mode & 07777);
    }
    return true;
}

bool
svirt_directory_open(const char *path, bool create, int *ret_fd,
                     GError **error)
{
    SVIRT_AUTO_FD fd = -1;

    if (create && g_mkdir_with_parents(path, 0700) != 0) {
        return svirt_raise_errno(error, errno,
                                 "name a directory you may write in",
                                 "cannot make directory '%s'", path);
    }
    fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT && !create) {
        *ret_fd = -1;
        return true;
    }
    if (fd < 0) {
        return svirt_raise_errno(error, errno, NULL,
                                 "cannot open directory '%s'", path);
    }
    if (!check_directory(fd, path, error)) {
        return false;
    }
    *ret_fd = svirt_fd_steal(&fd);
    return true;
}

bool
svirt_directory_check_file(int directory_fd, const char *shown_path,
                           const char *name, bool *ret_exists, GError **error)
{
    struct stat st;
    g_autofree char *hint = NULL;

    if (fstatat(directory_fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
        if (errno == ENOENT) {
            *ret_exists = false;
            return true;
        }
        return svirt_raise_errno(error, errno, NULL, "cannot read '%s/%s'",
                                 shown_path, name);
    }
    if (!S_ISREG(st.st_mode) || st.st_nlink != 1) {
        return svirt_raise(error, SVIRT_ERROR_REFUSED, NULL,
                           "replace it by a plain file of its own",
                           "'%s/%s' is no regular file with a single link",
                           shown_path, name);
    }
    if (st.st_uid != geteuid()) {
        hint = g_strdup_printf("chown %u '%s/%s'", geteuid(), shown_path,
                               name);
        return svirt_raise(error, SVIRT_ERROR_REFUSED, NULL, hint,
                           "'%s/%s' belongs to uid %u", shown_path, name,
                           st.st_uid);
    }
    if ((st.st_mode & 077) != 0) {
        hint = g_strdup_printf("chmod 0600 '%s/%s'", shown_path, name);
        return svirt_raise(error, SVIRT_ERROR_REFUSED, NULL, hint,
                           "others may touch '%s/%s' (mode %04o)", shown_path,
                           name, st.st_mode & 07777);
    }
    *ret_exists = true;
    return true;
}
