/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/model.h"

#include <string.h>

#include "base/xattr.h"

#define ATTRIBUTE "user.svirt.test"
#define LABEL_BYTES 256

static bool
probe(bool *ret_active, GError **error)
{
    *ret_active = true;
    return true;
}

static bool
read_label(const SvirtObject *object, char **ret_label, GError **error)
{
    size_t size;

    return svirt_xattr_get(object, ATTRIBUTE, ret_label, &size, error);
}

static bool
labels_equal(const char *a, const char *b)
{
    return g_strcmp0(a, b) == 0;
}

static bool
validate(const char *label, GError **error)
{
    size_t size = label != NULL ? strnlen(label, LABEL_BYTES) : 1;
    bool printable = true;

    for (size_t i = 0; label != NULL && i < size; i++) {
        printable = printable && g_ascii_isgraph(label[i]);
    }
    if (size == 0 || size == LABEL_BYTES || !printable) {
        return svirt_raise(error, SVIRT_ERROR_INVALID, NULL,
                           "use 1 to 255 printable characters without blanks",
                           "'%.64s' is no label of the test model", label);
    }
    return true;
}

static bool
write_label(const SvirtObject *object, const char *label, GError **error)
{
    g_autofree char *now = NULL;

    if (!validate(label, error)) {
        return false;
    }
    if (label == NULL
            ? !svirt_xattr_remove(object, ATTRIBUTE, error)
            : !svirt_xattr_set(object, ATTRIBUTE, label, strlen(label),
                               error)) {
        return false;
    }
    if (!read_label(object, &now, error)) {
        return false;
    }
    if (!labels_equal(now, label)) {
        return svirt_raise(error, SVIRT_ERROR_UNVERIFIED, NULL, NULL,
                           "'%s' carries '%.64s' after '%.64s' was written",
                           object->shown_path, now != NULL ? now : "nothing",
                           label != NULL ? label : "nothing");
    }
    return true;
}

const SvirtModel svirt_model_test = {
    .kind = SVIRT_MODEL_TEST,
    .labels_objects = true,
    .probe = probe,
    .read_label = read_label,
    .write_label = write_label,
    .labels_equal = labels_equal,
    .validate = validate,
};
