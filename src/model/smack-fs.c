/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/smack-fs.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/fd.h"

#define ROOT "/sys/fs/smackfs"
#define FILE_BYTES (1u << 20)
#define QUERY_BYTES (2 * SVIRT_SMACK_LABEL_BYTES + 16)

bool
svirt_smackfs_open(int *ret_root, GError **error)
{
    SVIRT_AUTO_FD root =
        open(ROOT, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    struct statfs fs;

    if (root < 0 && errno != ENOENT) {
        return svirt_raise_errno(error, errno, NULL, "cannot open " ROOT);
    }
    if (root >= 0 && fstatfs(root, &fs) != 0) {
        return svirt_raise_errno(error, errno, NULL, "cannot examine " ROOT);
    }
    if (root < 0 || (uint64_t)fs.f_type != SMACK_MAGIC) {
        return svirt_raise(error, SVIRT_ERROR_UNVERIFIED, NULL,
                           "run mount -t smackfs smackfs " ROOT,
                           "the kernel runs Smack, and smackfs is not "
                           "mounted on " ROOT);
    }
    *ret_root = svirt_fd_steal(&root);
    return true;
}

bool
svirt_smackfs_read(int root, const char *file, char **ret_text,
                   GError **error)
{
    SVIRT_AUTO_FD fd = openat(root, file, O_RDONLY | O_CLOEXEC);
    g_autoptr(GString) text = NULL;
    char block[4096];
    ssize_t got;

    if (fd < 0 && errno == ENOENT) {
        *ret_text = NULL;
        return true;
    }
    if (fd < 0) {
        return svirt_raise_errno(error, errno, NULL,
                                 "cannot open %s of smackfs", file);
    }
    text = g_string_new(NULL);
    while ((got = svirt_read_full(fd, block, sizeof(block))) > 0 &&
           text->len <= FILE_BYTES) {
        g_string_append_len(text, block, got);
    }
    if (got < 0 || text->len > FILE_BYTES) {
        return svirt_raise_errno(error, got < 0 ? errno : EFBIG, NULL,
                                 "cannot read %s of smackfs", file);
    }
    /* Some files end in a NUL, some in a line. */
    *ret_text = g_strchomp(g_strdup(text->str));
    return true;
}

static bool
raise_write(const char *file, const char *text, int errnum, GError **error)
{
    SvirtErrorCode code = SVIRT_ERROR_SYSTEM;
    const char *hint = NULL;

    if (errnum == EPERM || errnum == EACCES) {
        code = SVIRT_ERROR_REFUSED;
        hint = "run svirt with CAP_MAC_ADMIN, under a label that "
               ROOT "/onlycap names";
    } else if (errnum == EINVAL || errnum == EBADR) {
        code = SVIRT_ERROR_INVALID;
    }
    return svirt_raise(error, code,
                       g_error_new_literal(SVIRT_ERROR, (int)code,
                                           g_strerror(errnum)),
                       hint, "smackfs does not take '%.600s' as %s", text,
                       file);
}

bool
svirt_smackfs_write(int root, const char *file, const char *text,
                    GError **error)
{
    SVIRT_AUTO_FD fd = openat(root, file, O_WRONLY | O_CLOEXEC);
    size_t length = strlen(text);
    ssize_t wrote;

    if (fd < 0) {
        return raise_write(file, text, errno, error);
    }
    do {
        wrote = write(fd, text, length);
    } while (wrote < 0 && errno == EINTR);
    if (wrote < 0) {
        return raise_write(file, text, errno, error);
    }
    /* A second write would be taken as a rule of its own. */
    return (size_t)wrote == length || raise_write(file, text, EIO, error);
}

bool
svirt_smackfs_allows(int root, const char *subject, const char *object,
                     const char *accesses, bool *ret_allows, GError **error)
{
    SVIRT_AUTO_FD fd = openat(root, "access2", O_RDWR | O_CLOEXEC);
    char query[QUERY_BYTES];
    char answer[2] = "";
    int length = g_snprintf(query, sizeof(query), "%s %s %s", subject, object,
                            accesses);

    if (fd < 0) {
        return svirt_raise_errno(error, errno, NULL,
                                 "cannot open access2 of smackfs");
    }
    if (length >= (int)sizeof(query)) {
        return svirt_raise(error, SVIRT_ERROR_INVALID, NULL, NULL,
                           "'%.64s' or '%.64s' is no Smack label", subject,
                           object);
    }
    /* Question and answer belong to the open file: one of each. */
    if (write(fd, query, (size_t)length) != length ||
        pread(fd, answer, 1, 0) != 1) {
        return svirt_raise_errno(error, errno, NULL,
                                 "smackfs does not say whether '%s'", query);
    }
    if (answer[0] != '0' && answer[0] != '1') {
        return svirt_raise(error, SVIRT_ERROR_SYSTEM, NULL, NULL,
                           "smackfs answers '%s' when asked whether '%s'",
                           answer, query);
    }
    *ret_allows = answer[0] == '1';
    return true;
}

bool
svirt_smackfs_knows(int root, const char *label, bool *ret_knows,
                    GError **error)
{
    /* Equal labels allow everything; unknown ones are equal to none. */
    return svirt_smackfs_allows(root, label, label, "r", ret_knows, error);
}
