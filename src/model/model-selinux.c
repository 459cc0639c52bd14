/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/model.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/fd.h"
#include "base/xattr.h"
#include "label/context.h"
#include "model/selinux-kernel.h"
#include "model/selinux-policy.h"

#define ATTRIBUTE "security.selinux"

static bool
probe(bool *ret_active, GError **error)
{
    const SvirtSelinux *selinux;

    if (!svirt_selinux_get(&selinux, error)) {
        return false;
    }
    *ret_active = selinux != NULL;
    return true;
}

/* Of the policy that was loaded when the command began. */
static bool
need_types(const SvirtSelinux **ret_selinux, const SvirtSelinuxTypes **ret,
           GError **error)
{
    static SvirtSelinuxTypes *types;

    if (!svirt_selinux_need(ret_selinux, error) ||
        (types == NULL &&
         !svirt_selinux_types_read(*ret_selinux, &types, error))) {
        return false;
    }
    *ret = types;
    return true;
}

/* Stored on disk, an attribute proves nothing while SELinux is not in force:
 * then the kernel does not answer for it, and neither do we. */
static bool
read_label(const SvirtObject *object, char **ret_label, GError **error)
{
    const SvirtSelinux *selinux;
    size_t size;

    return svirt_selinux_need(&selinux, error) &&
           svirt_xattr_get(object, ATTRIBUTE, ret_label, &size, error);
}

static bool
labels_equal(const char *a, const char *b)
{
    g_autoptr(SvirtContext) first = NULL;
    g_autoptr(SvirtContext) second = NULL;

    if (g_strcmp0(a, b) == 0) {
        return true;
    }
    return a != NULL && b != NULL &&
           svirt_context_parse(a, &first, NULL) &&
           svirt_context_parse(b, &second, NULL) &&
           svirt_context_equal(first, second);
}

/* One label goes to all images of a VM: the last is not asked about again. */
static bool
check_known(const SvirtSelinux *selinux, const char *label, GError **error)
{
    static __thread char last[256];
    bool known;

    if (label == NULL || strcmp(label, last) == 0) {
        return true;
    }
    if (!svirt_selinux_knows(selinux, label, &known, error)) {
        return false;
    }
    if (known && strlen(label) < sizeof(last)) {
        (void)g_strlcpy(last, label, sizeof(last));
    }
    return known ||
           svirt_raise(error, SVIRT_ERROR_INVALID, NULL,
                       "see the types and users of the policy with seinfo",
                       "the loaded SELinux policy does not know context "
                       "'%.128s'", label);
}

static bool
validate(const char *label, GError **error)
{
    g_autoptr(SvirtContext) context = NULL;
    const SvirtSelinux *selinux;

    if (label == NULL) {
        return svirt_raise(error, SVIRT_ERROR_INVALID, NULL, NULL,
                           "a file cannot be without an SELinux context");
    }
    return svirt_context_parse(label, &context, error) &&
           svirt_selinux_get(&selinux, error) &&
           (selinux == NULL || check_known(selinux, label, error));
}

static bool
raise_unsupported(const SvirtObject *object, const char *label, GError *cause,
                  GError **error)
{
    g_autofree char *hint = g_strdup_printf(
        "move it, or mount its file system with context=\"%s\"", label);

    return svirt_raise(error, SVIRT_ERROR_UNSUPPORTED, cause, hint,
                       "the file system of '%s' stores no SELinux labels",
                       object->shown_path);
}

static bool
write_label(const SvirtObject *object, const char *label, GError **error)
{
    const SvirtSelinux *selinux;
    GError *cause = NULL;

    if (!validate(label, error) || !svirt_selinux_need(&selinux, error)) {
        return false;
    }
    if (!svirt_xattr_set(object, ATTRIBUTE, label, strlen(label) + 1,
                         &cause)) {
        if (g_error_matches(cause, SVIRT_ERROR, SVIRT_ERROR_UNSUPPORTED)) {
            return raise_unsupported(object, label, cause, error);
        }
        g_propagate_error(error, cause);
        return false;
    }
    return true;
}

static bool
category_range(SvirtCategoryRange *ret, GError **error)
{
    const SvirtSelinuxTypes *types;
    const SvirtSelinux *selinux;

    return need_types(&selinux, &types, error) &&
           svirt_selinux_category_range(selinux, types, ret, error);
}

static bool
derive(const SvirtLabelSeed *seed, SvirtLabelSet *ret, GError **error)
{
    const SvirtSelinuxTypes *types;
    const SvirtSelinux *selinux;

    return need_types(&selinux, &types, error) &&
           svirt_selinux_derive(types, seed, ret, error);
}

/* A host that only warns lets everything start. */
static bool
check_startable(const SvirtSelinux *selinux, const SvirtSelinuxTypes *types,
                const char *label, GError **error)
{
    char own[SVIRT_CONTEXT_BYTES + 1];
    bool enforces;
    bool may;

    if (label == NULL) {
        return true;
    }
    if (svirt_read_small(AT_FDCWD, "/proc/thread-self/attr/current", own,
                         sizeof(own)) < 0) {
        return svirt_raise_errno(error, errno, "mount procfs on /proc",
                                 "cannot read svirt's own context");
    }
    if (!svirt_selinux_flag(selinux, "enforce", &enforces, error) ||
        !svirt_selinux_may_start(selinux, types, g_strchomp(own), label, &may,
                                 error)) {
        return false;
    }
    return may || !enforces ||
           svirt_raise(error, SVIRT_ERROR_UNSUPPORTED, NULL,
                       types->own ? "use a type of svirt's module"
                                  : "svirt policy install-selinux",
                       "the loaded SELinux policy does not let svirt start a "
                       "process as '%.128s' under no_new_privs", label);
}

static bool
load(const SvirtLabelSeed *seed, const SvirtLabelSet *labels, GError **error)
{
    const SvirtSelinuxTypes *types;
    const SvirtSelinux *selinux;

    return need_types(&selinux, &types, error) &&
           check_known(selinux, labels->vmm, error) &&
           check_known(selinux, labels->monitor, error) &&
           check_known(selinux, labels->helper, error) &&
           check_known(selinux, labels->image, error) &&
           check_known(selinux, labels->shared, error) &&
           check_known(selinux, labels->content, error) &&
           check_startable(selinux, types, labels->vmm, error) &&
           check_startable(selinux, types, labels->monitor, error) &&
           check_startable(selinux, types, labels->helper, error);
}

/* The policy is the host's; nothing was loaded for this VM. */
static bool
unload(const SvirtLabelSeed *seed, const SvirtLabelSet *labels,
       GError **error)
{
    return true;
}

static bool
read_process(int task, char **ret_label, GError **error)
{
    char text[SVIRT_CONTEXT_BYTES + 1];
    ssize_t length = svirt_read_small(task, "attr/current", text,
                                      sizeof(text));

    if (length < 0) {
        return svirt_raise_errno(error, errno == ESRCH ? ENOENT : errno,
                                 NULL, "cannot read attr/current");
    }
    *ret_label = g_strdup(g_strchomp(text));
    return true;
}

static const char *const no_permission[] = { NULL };

static bool
is_enforcing(const char *process, bool *ret_enforcing, GError **error)
{
    const SvirtSelinux *selinux;
    SvirtSelinuxDecision decision = { 0 };
    uint32_t wanted;
    bool host = false;
    bool known = false;

    if (!svirt_selinux_need(&selinux, error) ||
        !svirt_selinux_flag(selinux, "enforce", &host, error) ||
        !svirt_selinux_knows(selinux, process, &known, error)) {
        return false;
    }
    if (known && !svirt_selinux_ask(selinux, process, process, "process",
                                    no_permission, &decision, &wanted,
                                    error)) {
        return false;
    }
    *ret_enforcing = host && known && !decision.permissive;
    return true;
}

typedef struct Question {
    const char *target;
    const char *class;
    const char *const *permissions;
} Question;

static bool
separates(const SvirtLabelSet *a, const SvirtLabelSet *b,
          bool *ret_separates, GError **error)
{
    static const char *const file[] = { "open", "read", "write", "append",
                                        "setattr", "unlink", NULL };
    static const char *const process[] = { "signal", "sigkill", "ptrace",
                                           "transition", NULL };
    static const char *const stream[] = { "connectto", NULL };
    const Question questions[] = {
        { b->image, "file", file },
        { b->image, "blk_file", file },
        { b->vmm, "process", process },
        { b->vmm, "unix_stream_socket", stream },
    };
    const SvirtSelinux *selinux;

    if (!svirt_selinux_need(&selinux, error)) {
        return false;
    }
    if (a->vmm == NULL || b->vmm == NULL) {
        /* Who has no label is kept from nothing by it. */
        *ret_separates = false;
        return true;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(questions); i++) {
        SvirtSelinuxDecision decision;
        uint32_t wanted;

        if (questions[i].target == NULL) {
            continue;
        }
        if (!svirt_selinux_ask(selinux, a->vmm, questions[i].target,
                               questions[i].class, questions[i].permissions,
                               &decision, &wanted, error)) {
            return false;
        }
        if ((decision.allowed & wanted) != 0) {
            *ret_separates = false;
            return true;
        }
    }
    *ret_separates = true;
    return true;
}

const SvirtModel svirt_model_selinux = {
    .kind = SVIRT_MODEL_SELINUX,
    .labels_objects = true,
    .labels_processes = true,
    .process = { .path = "attr/exec" },
    .socket = { .path = "attr/sockcreate" },
    .create = { .path = "attr/fscreate" },
    .probe = probe,
    .read_label = read_label,
    .write_label = write_label,
    .labels_equal = labels_equal,
    .validate = validate,
    .category_range = category_range,
    .derive = derive,
    .load = load,
    .unload = unload,
    .read_process = read_process,
    .is_enforcing = is_enforcing,
    .separates = separates,
};
