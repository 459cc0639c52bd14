/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/trusted-path.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"

/* The kernel's own limit (path_resolution(7)). */
#define LINKS_MAX 40

static bool
refuse(const char *path, GError **error)
{
    g_autofree char *quoted = g_shell_quote(path);
    g_autofree char *hint = g_strdup_printf(
        "use a directory of root's, or: chown root:root %s && chmod go-w %s",
        quoted, quoted);

    return svirt_raise(error, SVIRT_ERROR_REFUSED, NULL, hint,
                       "directory '%s' can be changed by others", path);
}

/* Where the link `head` leads, with what follows it in the path. */
static char *
follow(const char *head, const char *rest)
{
    char target[PATH_MAX];
    ssize_t size = readlink(head, target, sizeof(target) - 1);
    g_autofree char *parent = NULL;

    if (size < 0) {
        return NULL;
    }
    target[size] = '\0';
    if (target[0] == '/') {
        return g_strconcat(target, rest, NULL);
    }
    parent = g_path_get_dirname(head);
    return g_strconcat(parent, "/", target, rest, NULL);
}

/* One part of the way; *ret_next: where a link leads instead. */
static bool
check_part(const char *head, const char *rest, bool *ret_exists,
           char **ret_next, GError **error)
{
    struct stat st;

    *ret_exists = lstat(head, &st) == 0;
    if (!*ret_exists) {
        return errno == ENOENT ||
               svirt_raise_errno(error, errno, NULL,
                                 "cannot examine directory '%s'", head);
    }
    if ((st.st_uid != 0 && st.st_uid != geteuid()) ||
        (S_ISDIR(st.st_mode) && (st.st_mode & (S_IWGRP | S_IWOTH)) != 0 &&
         (st.st_mode & S_ISVTX) == 0)) {
        return refuse(head, error);
    }
    if (S_ISLNK(st.st_mode)) {
        *ret_next = follow(head, rest);
        return *ret_next != NULL ||
               svirt_raise_errno(error, errno, NULL,
                                 "cannot read the symbolic link '%s'", head);
    }
    return true;
}

/* "/", "/a", "/a/b" of "/a/b", up to a link, whose path is *ret_next. */
static bool
walk(const char *path, char **ret_next, GError **error)
{
    const char *end = path + 1;
    bool exists = true;

    do {
        g_autofree char *head = g_strndup(path, (size_t)(end - path));

        if (!check_part(head, end, &exists, ret_next, error)) {
            return false;
        }
        end += strspn(end, "/");
        if (*end == '\0') {
            break;
        }
        end += strcspn(end, "/");
    } while (exists && *ret_next == NULL);
    return true;
}

bool
svirt_trusted_path_check(const char *path, GError **error)
{
    g_autofree char *at = g_strdup(path);

    for (unsigned links = 0; links <= LINKS_MAX; links++) {
        g_autofree char *next = NULL;

        if (!walk(at, &next, error)) {
            return false;
        }
        if (next == NULL) {
            return true;
        }
        g_free(at);
        at = g_steal_pointer(&next);
    }
    return svirt_raise(error, SVIRT_ERROR_INVALID, NULL,
                       "correct the symbolic links",
                       "'%s' is a loop of symbolic links", path);
}
