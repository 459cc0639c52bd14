/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "state/autostart.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"

#define AUTOSTART "autostart"
#define TRANSIENT "transient"
#define NEW ".new"

/* Of one kind of mark; -1 in *ret: there are none. */
static bool
open_marks(const SvirtConnection *connection, const char *kind, bool create,
           int *ret, GError **error)
{
    g_autofree char *path = g_build_filename(connection->state_dir, kind, NULL);
    GError *problem = NULL;

    *ret = -1;
    if (svirt_connection_open_dir(path, create, ret, &problem)) {
        return true;
    }
    if (!create &&
        g_error_matches(problem, SVIRT_ERROR, SVIRT_ERROR_NOT_FOUND)) {
        g_error_free(problem);
        return true;
    }
    g_propagate_error(error, problem);
    return false;
}

static bool
damaged(const char *kind, const char *uuid, GError **error)
{
    g_autofree char *hint = g_strdup_printf("svirt %s %s writes it anew",
                                            kind, uuid);

    return svirt_raise(error, SVIRT_ERROR_CORRUPT, NULL, hint,
                       "the %s mark of %s cannot be read", kind, uuid);
}

/* *ret false: there is no such mark. */
static bool
read_mark(int dir, const char *kind, const char *uuid, char *ret_text,
          size_t size, bool *ret, GError **error)
{
    ssize_t got = dir >= 0 ? svirt_read_small(dir, uuid, ret_text, size) : -1;

    *ret = got >= 0;
    return got >= 0 || dir < 0 || errno == ENOENT ||
           damaged(kind, uuid, error);
}

static bool
write_mark(const SvirtConnection *connection, const char *kind,
           const SvirtUuid *uuid, const char *text, GError **error)
{
    SVIRT_AUTO_FD dir = -1;
    SVIRT_AUTO_FD file = -1;
    char name[SVIRT_UUID_TEXT];

    svirt_uuid_format(uuid, name);
    if (!open_marks(connection, kind, text != NULL, &dir, error)) {
        return false;
    }
    if (text == NULL) {
        return dir < 0 || unlinkat(dir, name, 0) == 0 || errno == ENOENT ||
               svirt_raise_errno(error, errno, NULL,
                                 "cannot remove the %s mark of %s", kind,
                                 name);
    }
    /* Writers of all marks share the name of what is not whole yet. */
    if (flock(dir, LOCK_EX) < 0) {
        return svirt_raise_errno(error, errno, NULL,
                                 "cannot hold the %s marks", kind);
    }
    file = openat(dir, NEW, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    return (file >= 0 && svirt_write_full(file, text, strlen(text)) &&
            fsync(file) == 0 && renameat(dir, NEW, dir, name) == 0 &&
            fsync(dir) == 0) ||
           svirt_raise_errno(error, errno, NULL,
                             "cannot write the %s mark of %s", kind, name);
}

static bool
read_autostart(int dir, const char *uuid, SvirtAutostart *ret, GError **error)
{
    SvirtAutostart mark = { .order = SVIRT_AUTOSTART_ORDER };
    char text[64];

    if (!read_mark(dir, AUTOSTART, uuid, text, sizeof(text), &mark.on,
                   error)) {
        return false;
    }
    if (!svirt_uuid_parse(uuid, &mark.uuid) ||
        (mark.on && (sscanf(text, "%u %u", &mark.order, &mark.delay_s) != 2 ||
                     mark.order > SVIRT_AUTOSTART_ORDER_MAX ||
                     mark.delay_s > SVIRT_AUTOSTART_DELAY_MAX))) {
        return damaged(AUTOSTART, uuid, error);
    }
    *ret = mark;
    return true;
}

bool
svirt_autostart_read(const SvirtConnection *connection, const SvirtUuid *uuid,
                     SvirtAutostart *ret, GError **error)
{
    char name[SVIRT_UUID_TEXT];
    SVIRT_AUTO_FD dir = -1;

    svirt_uuid_format(uuid, name);
    return open_marks(connection, AUTOSTART, false, &dir, error) &&
           read_autostart(dir, name, ret, error);
}

bool
svirt_autostart_write(const SvirtConnection *connection,
                      const SvirtAutostart *mark, GError **error)
{
    g_autofree char *text =
        g_strdup_printf("%u %u\n", mark->order, mark->delay_s);

    return write_mark(connection, AUTOSTART, &mark->uuid,
                      mark->on ? text : NULL, error);
}

static int
compare(gconstpointer a, gconstpointer b)
{
    const SvirtAutostart *first = a;
    const SvirtAutostart *second = b;

    if (first->order != second->order) {
        return first->order < second->order ? -1 : 1;
    }
    return memcmp(&first->uuid, &second->uuid, sizeof(first->uuid));
}

/* One per mark of that kind; owned by the caller. */
static bool
list_marks(const SvirtConnection *connection, const char *kind, GArray **ret,
           GError **error)
{
    GArray *uuids = g_array_new(FALSE, FALSE, sizeof(SvirtUuid));
    const struct dirent *entry;
    int fd = -1;
    DIR *dir;

    if (!open_marks(connection, kind, false, &fd, error)) {
        g_array_unref(uuids);
        return false;
    }
    dir = fd >= 0 ? fdopendir(fd) : NULL;
    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        SvirtUuid uuid;

        if (svirt_uuid_parse(entry->d_name, &uuid)) {
            g_array_append_val(uuids, uuid);
        }
    }
    if (dir != NULL) {
        (void)closedir(dir);
    }
    *ret = uuids;
    return true;
}

bool
svirt_transient_list(const SvirtConnection *connection, GArray **ret,
                     GError **error)
{
    return list_marks(connection, TRANSIENT, ret, error);
}

bool
svirt_autostart_list(const SvirtConnection *connection, GArray **ret,
                     GError **error)
{
    g_autoptr(GArray) marks =
        g_array_new(FALSE, FALSE, sizeof(SvirtAutostart));
    g_autoptr(GArray) uuids = NULL;

    if (!list_marks(connection, AUTOSTART, &uuids, error)) {
        return false;
    }
    for (unsigned i = 0; i < uuids->len; i++) {
        SvirtAutostart mark;

        if (!svirt_autostart_read(connection,
                                  &g_array_index(uuids, SvirtUuid, i), &mark,
                                  error)) {
            return false;
        }
        if (mark.on) {
            g_array_append_val(marks, mark);
        }
    }
    g_array_sort(marks, compare);
    *ret = g_steal_pointer(&marks);
    return true;
}

bool
svirt_transient_read(const SvirtConnection *connection, const SvirtUuid *uuid,
                     bool *ret, GError **error)
{
    char name[SVIRT_UUID_TEXT], text[8];
    SVIRT_AUTO_FD dir = -1;

    svirt_uuid_format(uuid, name);
    return open_marks(connection, TRANSIENT, false, &dir, error) &&
           read_mark(dir, TRANSIENT, name, text, sizeof(text), ret, error);
}

bool
svirt_transient_write(const SvirtConnection *connection, const SvirtUuid *uuid,
                      bool on, GError **error)
{
    return write_mark(connection, TRANSIENT, uuid, on ? "\n" : NULL, error);
}
