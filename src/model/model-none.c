/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/no-labels.h"

#include <errno.h>
#include <linux/landlock.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * Models without labels on objects: the absence of a model, and Landlock,
 * whose rules are lists of opened objects.
 */
bool
svirt_no_labels_read(const SvirtObject *object, char **ret_label,
                     GError **error)
{
    *ret_label = NULL;
    return true;
}

bool
svirt_no_labels_validate(const char *label, GError **error)
{
    if (label != NULL) {
        return svirt_raise(error, SVIRT_ERROR_INVALID, NULL,
                           "remove the label",
                           "label '%.64s' is of a model that labels nothing",
                           label);
    }
    return true;
}

bool
svirt_no_labels_write(const SvirtObject *object, const char *label,
                      GError **error)
{
    return svirt_no_labels_validate(label, error);
}

bool
svirt_no_labels_equal(const char *a, const char *b)
{
    return g_strcmp0(a, b) == 0;
}

static bool
probe_none(bool *ret_active, GError **error)
{
    *ret_active = true;
    return true;
}

static bool
probe_landlock(bool *ret_active, GError **error)
{
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0,
                       LANDLOCK_CREATE_RULESET_VERSION);

    if (abi < 0 && errno != ENOSYS && errno != EOPNOTSUPP) {
        return svirt_raise_errno(error, errno, NULL,
                                 "cannot ask the kernel for Landlock");
    }
    *ret_active = abi > 0;
    return true;
}

const SvirtModel svirt_model_none = {
    .kind = SVIRT_MODEL_NONE,
    .labels_objects = false,
    .probe = probe_none,
    .read_label = svirt_no_labels_read,
    .write_label = svirt_no_labels_write,
    .labels_equal = svirt_no_labels_equal,
    .validate = svirt_no_labels_validate,
};

const SvirtModel svirt_model_landlock = {
    .kind = SVIRT_MODEL_LANDLOCK,
    .labels_objects = false,
    .probe = probe_landlock,
    .read_label = svirt_no_labels_read,
    .write_label = svirt_no_labels_write,
    .labels_equal = svirt_no_labels_equal,
    .validate = svirt_no_labels_validate,
};
