/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "selftest/labels.h"

#include <errno.h>
#include <sys/random.h>

#include "base/fd.h"
#include "base/procfs.h"
#include "label/derive.h"

static bool
make_categories(const SvirtModel *model, SvirtSelftestLabels *labels,
                GError **error)
{
    SvirtCategoryRange range = { 0, 1023 };
    uint8_t key[SVIRT_DOI_KEY_BYTES];
    g_autoptr(SvirtDeriver) deriver = NULL;

    if (getrandom(key, sizeof(key), 0) != (ssize_t)sizeof(key)) {
        return svirt_raise_errno(error, errno, NULL, "no random bytes");
    }
    if ((model->category_range != NULL &&
         !model->category_range(&range, error)) ||
        !svirt_deriver_new(key, &range, SVIRT_DERIVE_CLAIMED, &deriver,
                           error)) {
        return false;
    }
    svirt_deriver_categories(deriver, &labels->uuid, &labels->categories);
    return true;
}

static SvirtLabelSeed
seed_of(const SvirtSelftestLabels *labels)
{
    return (SvirtLabelSeed){
        .uuid = labels->uuid,
        .categories = &labels->categories,
        .paths = &labels->program,
        .path_count = 1,
    };
}

bool
svirt_selftest_labels_load(const char *program, SvirtSelftestLabels *ret,
                           GError **error)
{
    svirt_uuid_generate(&ret->uuid);
    ret->program = (SvirtModelPath){
        .path = program,
        .access = SVIRT_MODEL_PATH_READ | SVIRT_MODEL_PATH_EXECUTE,
    };
    for (unsigned i = 0; i < SVIRT_MODEL_MAX; i++) {
        const SvirtModel *model = svirt_model_by_kind((SvirtModelKind)i);
        const SvirtLabelSeed seed = seed_of(ret);
        bool active = false;

        if (model == NULL || !model->labels_processes ||
            i == SVIRT_MODEL_TEST) {
            continue;
        }
        if (!model->probe(&active, error)) {
            return false;
        }
        if (!active) {
            continue;
        }
        ret->of[ret->count].model = model;
        if (!make_categories(model, ret, error) ||
            !model->derive(&seed, &ret->of[ret->count].set, error)) {
            return false;
        }
        ret->count++;
        if (!model->load(&seed, &ret->of[ret->count - 1].set, error)) {
            return false;
        }
    }
    return true;
}

void
svirt_selftest_labels_unload(SvirtSelftestLabels *labels)
{
    const SvirtLabelSeed seed = seed_of(labels);

    for (; labels->count > 0; labels->count--) {
        SvirtLabelSet *set = &labels->of[labels->count - 1].set;

        /* A profile that stays is one of a UUID that nobody has. */
        (void)labels->of[labels->count - 1].model->unload(&seed, set, NULL);
        svirt_label_set_clear(set);
    }
}

bool
svirt_selftest_labels_object(const SvirtSelftestLabels *labels, int fd,
                             bool content, GError **error)
{
    g_autoptr(SvirtObject) object = NULL;

    for (size_t i = 0; i < labels->count; i++) {
        const SvirtLabelSet *set = &labels->of[i].set;
        const char *label = content ? set->content : set->image;

        if (!labels->of[i].model->labels_objects || label == NULL) {
            continue;
        }
        if (object == NULL &&
            !svirt_object_from_fd(fd, "image of the selftest",
                                  SVIRT_OBJECT_WANT(REGULAR),
                                  SVIRT_OBJECT_NO_IDENTITY, &object, error)) {
            return false;
        }
        if (!svirt_model_set_label(labels->of[i].model, object, label,
                                   error)) {
            return false;
        }
    }
    return true;
}

bool
svirt_selftest_labels_add(const SvirtSelftestLabels *labels,
                          SvirtLaunchSpec **spec, GError **error)
{
    for (size_t i = 0; i < labels->count; i++) {
        const SvirtModel *model = labels->of[i].model;
        const char *const values[SVIRT_PROCESS_KINDS] = {
            [SVIRT_PROCESS_VMM] = labels->of[i].set.vmm,
        };

        if (!svirt_spec_add_label(spec, model->kind, model->process.path,
                                  model->process.fallback,
                                  model->process.prefix, values)) {
            return svirt_raise_errno(error, errno, NULL,
                                     "the probe's label does not fit");
        }
    }
    return true;
}

bool
svirt_selftest_labels_check(const SvirtSelftestLabels *labels, pid_t pid,
                            GError **error)
{
    for (size_t i = 0; i < labels->count; i++) {
        const SvirtModel *model = labels->of[i].model;
        const char *wanted = labels->of[i].set.vmm;
        SVIRT_AUTO_FD procfs = svirt_procfs_open();
        SVIRT_AUTO_FD task = -1;
        g_autofree char *label = NULL;

        if (procfs >= 0) {
            task = svirt_procfs_open_thread(procfs, pid, pid);
        }
        if (task < 0) {
            return svirt_raise_errno(error, errno, NULL,
                                     "cannot look at the probe");
        }
        if (!model->read_process(task, &label, error)) {
            return false;
        }
        if (!model->labels_equal(label, wanted)) {
            return svirt_raise(error, SVIRT_ERROR_UNVERIFIED, NULL, NULL,
                               "the probe has %s label '%.128s' instead of "
                               "'%.128s'",
                               svirt_model_kind_to_string(model->kind),
                               label, wanted);
        }
    }
    return true;
}
