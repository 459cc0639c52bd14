/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/apparmor-kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/enum-table.h"
#include "base/fd.h"

#define PARAMETERS "/sys/module/apparmor/parameters"
#define DIRECTORY "/sys/kernel/security/apparmor"
/* A key is a path, or a label, behind a name. */
#define QUERY_BYTES 8192u
/* "allow 0x... deny 0x... audit 0x... quiet 0x..." */
#define REPLY_BYTES 512u

SVIRT_ENUM_TABLE(SvirtApparmorMode, svirt_apparmor_mode,
                 SVIRT_APPARMOR_MODE_MAX,
                 [SVIRT_APPARMOR_ENFORCE] = "enforce",
                 [SVIRT_APPARMOR_COMPLAIN] = "complain",
                 [SVIRT_APPARMOR_KILL] = "kill",
                 [SVIRT_APPARMOR_UNCONFINED] = "unconfined",
                 [SVIRT_APPARMOR_MIXED] = "mixed")

/* A parameter is a word and a newline. -1 with errno. */
static int
read_parameter(int parameters, const char *name, char *text, size_t size)
{
    ssize_t length = svirt_read_small(parameters, name, text, size);

    if (length < 0) {
        return -1;
    }
    text[strcspn(text, "\n")] = '\0';
    return 0;
}

bool
svirt_apparmor_open(const char *parameters_path, const char *fs_path,
                    int64_t magic, SvirtApparmor *ret, bool *ret_active,
                    GError **error)
{
    SVIRT_AUTO_FD parameters =
        open(parameters_path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    SVIRT_AUTO_FD questions = -1;
    SVIRT_AUTO_FD mode = -1;
    SVIRT_AUTO_FD fs = -1;
    char enabled[8];
    struct statfs facts;

    /* The module is always there when it was built, running or not. */
    if (parameters < 0 && errno == ENOENT) {
        *ret_active = false;
        return true;
    }
    if (parameters < 0 || read_parameter(parameters, "enabled", enabled,
                                         sizeof(enabled)) < 0) {
        return svirt_raise_errno(error, errno, NULL,
                                 "cannot ask the kernel for AppArmor");
    }
    if (strcmp(enabled, "Y") != 0) {
        *ret_active = false;
        return true;
    }
    fs = open(fs_path, O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (fs < 0 || fstatfs(fs, &facts) < 0 ||
        (uint32_t)facts.f_type != (uint32_t)magic) {
        return svirt_raise(error, SVIRT_ERROR_UNVERIFIED, NULL,
                           "mount -t securityfs securityfs "
                           "/sys/kernel/security",
                           "the kernel runs AppArmor, but '%s' is not its "
                           "directory: VMs would not be confined", fs_path);
    }
    questions = openat(fs, ".access", O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    mode = openat(parameters, "mode", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (questions < 0 || mode < 0) {
        return svirt_raise_errno(error, errno, NULL,
                                 "cannot ask AppArmor anything");
    }
    ret->fs = svirt_fd_steal(&fs);
    ret->questions = svirt_fd_steal(&questions);
    ret->mode = svirt_fd_steal(&mode);
    ret->parameters = svirt_fd_steal(&parameters);
    *ret_active = true;
    return true;
}

bool
svirt_apparmor_get(const SvirtApparmor **ret, GError **error)
{
    static SvirtApparmor apparmor;
    static bool opened, active;

    if (!opened && !svirt_apparmor_open(PARAMETERS, DIRECTORY,
                                        SECURITYFS_MAGIC, &apparmor,
                                        &active, error)) {
        return false;
    }
    opened = true;
    *ret = active ? &apparmor : NULL;
    return true;
}

bool
svirt_apparmor_need(const SvirtApparmor **ret, GError **error)
{
    const SvirtApparmor *apparmor;

    if (!svirt_apparmor_get(&apparmor, error)) {
        return false;
    }
    if (apparmor == NULL) {
        return svirt_raise(error, SVIRT_ERROR_UNSUPPORTED, NULL,
                           "boot with apparmor=1 security=apparmor",
                           "the kernel does not run AppArmor");
    }
    *ret = apparmor;
    return true;
}

/* The kernel says no to a write: why? */
static bool
refused(const SvirtApparmor *apparmor, int errnum, const char *what,
        GError **error)
{
    char locked[8] = "";

    if (errnum == EACCES || errnum == EPERM) {
        if (read_parameter(apparmor->parameters, "lock_policy", locked,
                           sizeof(locked)) == 0 && locked[0] == 'Y') {
            return svirt_raise(error, SVIRT_ERROR_REFUSED, NULL,
                               "boot without apparmor.lock_policy",
                               "cannot %s: AppArmor's policy is locked until "
                               "the next boot", what);
        }
        return svirt_raise_errno(error, errnum,
                                 "run svirt as root of the host, with "
                                 "CAP_MAC_ADMIN and not confined itself",
                                 "cannot %s", what);
    }
    if (errnum == EPROTO || errnum == EPROTONOSUPPORT || errnum == EINVAL) {
        return svirt_raise(error, SVIRT_ERROR_INVALID, NULL, NULL,
                           "cannot %s: this kernel's AppArmor does not "
                           "understand it", what);
    }
    return svirt_raise_errno(error, errnum, NULL, "cannot %s", what);
}

/* 0, or an errno. A policy is what one write brings. */
static int
write_once(const SvirtApparmor *apparmor, const char *node, const void *bytes,
           size_t size)
{
    SVIRT_AUTO_FD fd = openat(apparmor->fs, node,
                              O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
    ssize_t written;

    if (fd < 0) {
        return errno;
    }
    do {
        written = write(fd, bytes, size);
    } while (written < 0 && errno == EINTR);
    if (written < 0) {
        return errno;
    }
    return (size_t)written == size ? 0 : EIO;
}

bool
svirt_apparmor_replace(const SvirtApparmor *apparmor, const void *bytes,
                       size_t size, GError **error)
{
    int failed = write_once(apparmor, ".replace", bytes, size);

    return failed == 0 ||
           refused(apparmor, failed, "load an AppArmor profile", error);
}

bool
svirt_apparmor_remove(const SvirtApparmor *apparmor, const char *name,
                      GError **error)
{
    int failed = write_once(apparmor, ".remove", name, strlen(name));

    return failed == 0 || failed == ENOENT ||
           refused(apparmor, failed, "remove an AppArmor profile", error);
}

bool
svirt_apparmor_split(char *line, SvirtApparmorMode *ret_mode)
{
    size_t length = strlen(line);
    char *open;

    if (strcmp(line, "unconfined") == 0) {
        *ret_mode = SVIRT_APPARMOR_UNCONFINED;
        return true;
    }
    open = strrchr(line, '(');
    if (length < 2 || line[length - 1] != ')' || open == NULL ||
        open < line + 2 || open[-1] != ' ') {
        return false;
    }
    line[length - 1] = '\0';
    if (!svirt_apparmor_mode_from_string(open + 1, ret_mode)) {
        return false;
    }
    open[-1] = '\0';
    return true;
}

bool
svirt_apparmor_find(const SvirtApparmor *apparmor, const char *name,
                    bool *ret_known, SvirtApparmorMode *ret_mode,
                    GError **error)
{
    SVIRT_AUTO_FD fd = openat(apparmor->fs, "profiles",
                              O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    FILE *list = fd < 0 ? NULL : fdopen(fd, "r");
    char *line = NULL;
    size_t size = 0;
    bool known = false;
    bool ok;

    if (list == NULL) {
        return svirt_raise_errno(error, errno, NULL,
                                 "cannot read the list of AppArmor profiles");
    }
    (void)svirt_fd_steal(&fd);
    while (!known && getline(&line, &size, list) > 0) {
        SvirtApparmorMode mode;

        line[strcspn(line, "\n")] = '\0';
        if (svirt_apparmor_split(line, &mode) && strcmp(line, name) == 0) {
            known = true;
            *ret_mode = mode;
        }
    }
    ok = !ferror(list);
    (void)fclose(list);
    free(line);
    if (!ok) {
        return svirt_raise(error, SVIRT_ERROR_SYSTEM, NULL, NULL,
                           "the list of AppArmor profiles ends too early");
    }
    *ret_known = known;
    return true;
}

bool
svirt_apparmor_global_mode(const SvirtApparmor *apparmor,
                           SvirtApparmorMode *ret, GError **error)
{
    char text[32];
    ssize_t length = pread(apparmor->mode, text, sizeof(text) - 1, 0);

    if (length < 0) {
        return svirt_raise_errno(error, errno, NULL,
                                 "cannot read AppArmor's mode");
    }
    text[length] = '\0';
    text[strcspn(text, "\n")] = '\0';
    if (!svirt_apparmor_mode_from_string(text, ret)) {
        return svirt_raise(error, SVIRT_ERROR_CORRUPT, NULL, NULL,
                           "AppArmor's mode is '%s'", text);
    }
    return true;
}

/* The kernel keeps one answer per open file, and verify has several threads:
 * one VM's would be taken for another's. */
G_LOCK_DEFINE_STATIC(questions);

/* 0, or an errno; the reply with a NUL. */
static int
transact(const SvirtApparmor *apparmor, const char *query, size_t size,
         char reply[REPLY_BYTES])
{
    ssize_t length;
    int failed = 0;

    G_LOCK(questions);
    length = pwrite(apparmor->questions, query, size, 0);
    if (length >= 0) {
        length = pread(apparmor->questions, reply, REPLY_BYTES - 1, 0);
    }
    if (length < 0) {
        failed = errno;
    }
    G_UNLOCK(questions);
    if (failed == 0) {
        reply[length] = '\0';
    }
    return failed;
}

bool
svirt_apparmor_ask(const SvirtApparmor *apparmor, const char *name,
                   const void *key, size_t size, bool *ret_known,
                   uint32_t *ret_allow, GError **error)
{
    static const char verb[] = "label";
    char query[QUERY_BYTES];
    char reply[REPLY_BYTES];
    const size_t name_size = strlen(name) + 1;
    uint32_t allow;
    int failed;

    if (sizeof(verb) + name_size + size > sizeof(query)) {
        return svirt_raise(error, SVIRT_ERROR_INVALID, NULL, NULL,
                           "AppArmor label of %zu bytes", name_size);
    }
    memcpy(query, verb, sizeof(verb));
    memcpy(query + sizeof(verb), name, name_size);
    memcpy(query + sizeof(verb) + name_size, key, size);
    failed = transact(apparmor, query, sizeof(verb) + name_size + size,
                      reply);
    if (failed == ENOENT) {
        *ret_known = false;
        return true;
    }
    if (failed != 0) {
        return svirt_raise_errno(error, failed, NULL,
                                 "cannot ask AppArmor about '%.128s'", name);
    }
    if (sscanf(reply, "allow 0x%8" SCNx32, &allow) != 1) {
        return svirt_raise(error, SVIRT_ERROR_CORRUPT, NULL, NULL,
                           "AppArmor answered '%.64s' about '%.128s'", reply,
                           name);
    }
    *ret_known = true;
    *ret_allow = allow;
    return true;
}
