/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hypervisor/output-file.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "host/connection.h"

/* NAME_MAX less ".log.1" */
#define NAME_ROOM 248

char *
svirt_log_file_name(const char *name, const SvirtUuid *uuid,
                    unsigned rotation)
{
    char text[SVIRT_UUID_TEXT];

    svirt_uuid_format(uuid, text);
    return g_strdup_printf("%s.log%s",
                           strlen(name) <= NAME_ROOM ? name : text,
                           rotation > 0 ? ".1" : "");
}

/* What the monitor notes behind the emulator's own words. */
static SvirtGuestReason
reason_of(const char *text)
{
    static const char note[] = "\n[svirt: the emulator ended with ";
    const char *last = g_strrstr(text, note);
    const char *end = last != NULL ? strchr(last + 1, '\n') : NULL;
    int number;

    if (end == NULL || end[1] != '\0') {
        return SVIRT_REASON_UNKNOWN;
    }
    last += strlen(note);
    if (sscanf(last, "signal %d", &number) != 1) {
        return SVIRT_REASON_FAILED;
    }
    return number == SIGKILL ? SVIRT_REASON_DESTROYED : SVIRT_REASON_CRASHED;
}

SvirtGuestReason
svirt_log_end_reason(const char *log_dir, const char *name,
                     const SvirtUuid *uuid)
{
    g_autofree char *file = svirt_log_file_name(name, uuid, 0);
    SVIRT_AUTO_FD dir = -1;
    SVIRT_AUTO_FD fd = -1;
    char text[256] = "";
    struct stat st;

    if (!svirt_connection_open_dir(log_dir, false, &dir, NULL)) {
        return SVIRT_REASON_UNKNOWN;
    }
    fd = openat(dir, file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) < 0 ||
        svirt_pread_full(fd, text, sizeof(text) - 1,
                         MAX(0, st.st_size - (off_t)sizeof(text) + 1)) < 0) {
        return SVIRT_REASON_UNKNOWN;
    }
    return reason_of(text);
}

/* In its directory, opened once: the new file is born 0600 and the author's. */
static bool
create(const SvirtOutputFileRequest *request, GError **error)
{
    g_autofree char *parent = g_path_get_dirname(request->path);
    g_autofree char *name = g_path_get_basename(request->path);
    g_autoptr(SvirtObject) dir = NULL;
    SVIRT_AUTO_CREDENTIALS scope = SVIRT_CREDENTIALS_SCOPE_INIT;
    SVIRT_AUTO_FD fd = -1;

    if (!svirt_object_open(parent, request->author,
                           SVIRT_OBJECT_WANT(DIRECTORY),
                           SVIRT_OBJECT_NO_IDENTITY, &dir, error) ||
        !svirt_refusals_check(request->refusals, dir, request->path, NULL,
                              SVIRT_REFUSAL_USE_OUTPUT, error) ||
        !svirt_credentials_enter(request->author, &scope, error)) {
        return false;
    }
    fd = openat(dir->path_fd, name,
                O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0 && errno != EEXIST) {
        return svirt_refusals_raise_errno(error, errno, request->author,
                                          "cannot make file '%s'",
                                          request->path);
    }
    return true;
}

bool
svirt_output_file_open(const SvirtOutputFileRequest *request, int *ret_fd,
                       GError **error)
{
    g_autoptr(SvirtObject) object = NULL;
    GError *cause = NULL;
    SVIRT_AUTO_FD fd = -1;

    if (!svirt_object_open(request->path, request->author,
                           SVIRT_OBJECT_WANT(REGULAR), SVIRT_OBJECT_NO_IDENTITY,
                           &object, &cause) &&
        g_error_matches(cause, SVIRT_ERROR, SVIRT_ERROR_NOT_FOUND)) {
        g_clear_error(&cause);
        if (create(request, &cause)) {
            (void)svirt_object_open(request->path, request->author,
                                    SVIRT_OBJECT_WANT(REGULAR),
                                    SVIRT_OBJECT_NO_IDENTITY, &object, &cause);
        }
    }
    if (cause == NULL &&
        svirt_refusals_check(request->refusals, object, request->path, NULL,
                             SVIRT_REFUSAL_USE_OUTPUT, &cause) &&
        svirt_object_reopen(object, request->author, O_RDWR, &fd, &cause) &&
        !request->append && ftruncate(fd, 0) < 0) {
        svirt_raise_errno(&cause, errno, NULL, "cannot empty file '%s'",
                          request->path);
    }
    if (cause != NULL) {
        return svirt_refusals_raise_use(error, cause, "output file",
                                        request->path, request->line);
    }
    *ret_fd = svirt_fd_steal(&fd);
    return true;
}
