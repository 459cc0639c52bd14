/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/model.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/xattr.h"

#define ATTRIBUTE "user.svirt.test"
#define LABEL_BYTES 256
#define PROCESS_FILE "oom_score_adj"
/* Of 1 to 999, which everybody may write: three processes of a VM. */
#define PROCESS_LABELS 333u

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
    return validate(label, error) &&
           (label == NULL
                ? svirt_xattr_remove(object, ATTRIBUTE, error)
                : svirt_xattr_set(object, ATTRIBUTE, label, strlen(label),
                                  error));
}

/* FNV-1a, for spread alone. */
static uint32_t
digest(const SvirtUuid *uuid)
{
    uint32_t sum = 2166136261u;

    for (size_t i = 0; i < sizeof(uuid->bytes); i++) {
        sum = (sum ^ uuid->bytes[i]) * 16777619u;
    }
    return sum % PROCESS_LABELS;
}

static bool
validate_process(const char *label, GError **error)
{
    char *end = NULL;
    long number = label != NULL && g_ascii_isdigit(label[0])
        ? strtol(label, &end, 10) : 0;

    if (number < 1 || number > 999 || *end != '\0') {
        return svirt_raise(error, SVIRT_ERROR_INVALID, NULL,
                           "use a number from 1 to 999",
                           "'%.64s' is no process label of the test model",
                           label != NULL ? label : "");
    }
    return true;
}

static bool
derive(const SvirtLabelSeed *seed, SvirtLabelSet *ret, GError **error)
{
    const char *base = seed->base != NULL ? seed->base : "svirt";
    const uint32_t first = 1 + digest(&seed->uuid);
    char uuid[SVIRT_UUID_TEXT];
    SvirtLabelSet set = { NULL };

    if ((seed->given != NULL && !validate_process(seed->given, error)) ||
        !validate(base, error)) {
        return false;
    }
    svirt_uuid_format(&seed->uuid, uuid);
    set.vmm = seed->given != NULL ? g_strdup(seed->given)
                                  : g_strdup_printf("%u", first);
    set.monitor = g_strdup_printf("%u", first + PROCESS_LABELS);
    set.helper = g_strdup_printf("%u", first + 2 * PROCESS_LABELS);
    set.image = g_strdup_printf("%s:%s", base, uuid);
    set.shared = g_strdup_printf("%s:shared", base);
    set.content = g_strdup_printf("%s:content", base);
    *ret = set;
    return true;
}

static bool
load(const SvirtLabelSeed *seed, const SvirtLabelSet *labels, GError **error)
{
    return validate_process(labels->vmm, error) &&
           validate_process(labels->monitor, error) &&
           validate_process(labels->helper, error);
}

static bool
unload(const SvirtLabelSeed *seed, const SvirtLabelSet *labels,
       GError **error)
{
    return true;
}

static bool
read_process(int task, char **ret_label, GError **error)
{
    char text[16];
    ssize_t length = svirt_read_small(task, PROCESS_FILE, text, sizeof(text));

    if (length < 0) {
        return svirt_raise_errno(error, errno == ESRCH ? ENOENT : errno,
                                 NULL, "cannot read %s", PROCESS_FILE);
    }
    *ret_label = g_strndup(g_strchomp(text), sizeof(text));
    return true;
}

static bool
is_enforcing(const char *process, bool *ret_enforcing, GError **error)
{
    *ret_enforcing = validate_process(process, NULL);
    return true;
}

static bool
separates(const SvirtLabelSet *a, const SvirtLabelSet *b,
          bool *ret_separates, GError **error)
{
    *ret_separates = g_strcmp0(a->vmm, b->vmm) != 0 &&
                     g_strcmp0(a->image, b->image) != 0;
    return true;
}

const SvirtModel svirt_model_test = {
    .kind = SVIRT_MODEL_TEST,
    .labels_objects = true,
    .labels_processes = true,
    .process = { .path = PROCESS_FILE },
    .derive = derive,
    .load = load,
    .unload = unload,
    .read_process = read_process,
    .is_enforcing = is_enforcing,
    .separates = separates,
    .probe = probe,
    .read_label = read_label,
    .write_label = write_label,
    .labels_equal = labels_equal,
    .validate = validate,
};
