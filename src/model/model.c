/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/model.h"

static const SvirtModel *const models[SVIRT_MODEL_MAX] = {
    [SVIRT_MODEL_SELINUX] = &svirt_model_selinux,
    [SVIRT_MODEL_APPARMOR] = &svirt_model_apparmor,
    [SVIRT_MODEL_DAC] = &svirt_model_dac,
    [SVIRT_MODEL_LANDLOCK] = &svirt_model_landlock,
    [SVIRT_MODEL_NONE] = &svirt_model_none,
    [SVIRT_MODEL_SMACK] = &svirt_model_smack,
    [SVIRT_MODEL_TEST] = &svirt_model_test,
    [SVIRT_MODEL_ACL] = &svirt_model_acl,
};

const SvirtModel *
svirt_model_by_kind(SvirtModelKind kind)
{
    return (unsigned)kind < SVIRT_MODEL_MAX ? models[kind] : NULL;
}

bool
svirt_model_check_label(const SvirtModel *model, const SvirtObject *object,
                        const char *label, GError **error)
{
    g_autofree char *now = NULL;

    if (!model->read_label(object, &now, error)) {
        return false;
    }
    return model->labels_equal(now, label) ||
           svirt_raise(error, SVIRT_ERROR_UNVERIFIED, NULL,
                       "see who else changes it, and whether its file system "
                       "is mounted with one label for all",
                       "'%s' carries '%.128s' instead of '%.128s'",
                       object->shown_path, now != NULL ? now : "no label",
                       label != NULL ? label : "no label");
}

bool
svirt_model_set_label(const SvirtModel *model, const SvirtObject *object,
                      const char *label, GError **error)
{
    return model->write_label(object, label, error) &&
           svirt_model_check_label(model, object, label, error);
}
