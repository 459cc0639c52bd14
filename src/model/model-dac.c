/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/model.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/xattr.h"
#include "label/dac-label.h"

/* Owner and group are always in force. */
static bool
probe(bool *ret_active, GError **error)
{
    *ret_active = true;
    return true;
}

static bool
read_stat(const SvirtObject *object, struct stat *ret, GError **error)
{
    if (fstat(object->path_fd, ret) != 0) {
        return svirt_raise_errno(error, errno, NULL,
                                 "cannot read the owner of '%s'",
                                 object->shown_path);
    }
    return true;
}

static char *
format_stat(const struct stat *st)
{
    const SvirtDacLabel label = { .uid = st->st_uid, .gid = st->st_gid };

    return svirt_dac_label_format(&label);
}

static bool
read_label(const SvirtObject *object, char **ret_label, GError **error)
{
    struct stat st;

    if (!read_stat(object, &st, error)) {
        return false;
    }
    *ret_label = format_stat(&st);
    return true;
}

static bool
validate(const char *label, GError **error)
{
    SvirtDacLabel parsed;

    if (label == NULL) {
        return svirt_raise(error, SVIRT_ERROR_INVALID, NULL, NULL,
                           "a file cannot be without an owner");
    }
    return svirt_dac_label_parse(label, NULL, &parsed, error);
}

static bool
labels_equal(const char *a, const char *b)
{
    SvirtDacLabel first;
    SvirtDacLabel second;

    if (a == NULL || b == NULL) {
        return a == b;
    }
    return svirt_dac_label_parse(a, NULL, &first, NULL) &&
           svirt_dac_label_parse(b, NULL, &second, NULL) &&
           first.uid == second.uid && first.gid == second.gid;
}

/*
 * chown(2) clears setuid, setgid and file capabilities. They would not come
 * back with the owner, so a file that has them keeps its owner.
 */
static bool
check_privileges(const SvirtObject *object, const struct stat *st,
                 GError **error)
{
    g_autofree char *capability = NULL;
    g_autoptr(GError) cause = NULL;
    size_t size = 0;

    if (S_ISREG(st->st_mode) && (st->st_mode & (S_ISUID | S_ISGID)) != 0) {
        return svirt_raise(error, SVIRT_ERROR_REFUSED, NULL,
                           "remove the bits (chmod ug-s), or the relabelling",
                           "'%s' is setuid or setgid: a change of owner "
                           "would lose that",
                           object->shown_path);
    }
    if (!S_ISREG(st->st_mode)) {
        return true;
    }
    if (!svirt_xattr_get(object, "security.capability", &capability, &size,
                         &cause)) {
        if (g_error_matches(cause, SVIRT_ERROR, SVIRT_ERROR_UNSUPPORTED)) {
            return true;
        }
        g_propagate_error(error, g_steal_pointer(&cause));
        return false;
    }
    if (capability != NULL) {
        return svirt_raise(error, SVIRT_ERROR_REFUSED, NULL,
                           "remove them (setcap -r), or the relabelling",
                           "'%s' has file capabilities: a change of owner "
                           "would lose them",
                           object->shown_path);
    }
    return true;
}

static bool
raise_chown(const SvirtObject *object, const char *label, int errnum,
            GError **error)
{
    if (errnum == EPERM || errnum == EACCES) {
        return svirt_raise(
            error, SVIRT_ERROR_REFUSED,
            g_error_new_literal(SVIRT_ERROR, SVIRT_ERROR_SYSTEM,
                                g_strerror(errnum)),
            "leave relabel='yes' out: svirt hands the VM descriptors",
            "cannot give '%s' to %s", object->shown_path, label);
    }
    return svirt_raise_errno(error, errnum, NULL, "cannot give '%s' to %s",
                             object->shown_path, label);
}

static bool
write_label(const SvirtObject *object, const char *label, GError **error)
{
    g_autofree char *now = NULL;
    SvirtDacLabel wanted;
    struct stat before;
    struct stat after;

    if (!validate(label, error) ||
        !svirt_dac_label_parse(label, NULL, &wanted, error) ||
        !read_stat(object, &before, error) ||
        !check_privileges(object, &before, error)) {
        return false;
    }
    if (fchownat(object->path_fd, "", wanted.uid, wanted.gid,
                 AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) != 0) {
        return raise_chown(object, label, errno, error);
    }
    if (!read_stat(object, &after, error)) {
        return false;
    }
    if (after.st_uid != wanted.uid || after.st_gid != wanted.gid) {
        now = format_stat(&after);
        return svirt_raise(error, SVIRT_ERROR_UNVERIFIED, NULL,
                           "move it to a file system that stores owners",
                           "'%s' belongs to %s after it was given to %s",
                           object->shown_path, now, label);
    }
    if (after.st_mode != before.st_mode) {
        return svirt_raise(error, SVIRT_ERROR_UNVERIFIED, NULL, NULL,
                           "'%s' has mode %04o after its owner was changed, "
                           "had %04o",
                           object->shown_path, after.st_mode & 07777,
                           before.st_mode & 07777);
    }
    return true;
}

const SvirtModel svirt_model_dac = {
    .kind = SVIRT_MODEL_DAC,
    .labels_objects = true,
    .probe = probe,
    .read_label = read_label,
    .write_label = write_label,
    .labels_equal = labels_equal,
    .validate = validate,
};
