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
};

const SvirtModel *
svirt_model_by_kind(SvirtModelKind kind)
{
    return (unsigned)kind < SVIRT_MODEL_MAX ? models[kind] : NULL;
}
