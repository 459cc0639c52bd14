/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "label/model-kind.h"

SVIRT_ENUM_TABLE(SvirtModelKind, svirt_model_kind, SVIRT_MODEL_MAX,
                 [SVIRT_MODEL_SELINUX] = "selinux",
                 [SVIRT_MODEL_APPARMOR] = "apparmor",
                 [SVIRT_MODEL_SMACK] = "smack",
                 [SVIRT_MODEL_DAC] = "dac",
                 [SVIRT_MODEL_LANDLOCK] = "landlock",
                 [SVIRT_MODEL_FLASK] = "flask",
                 [SVIRT_MODEL_NONE] = "none",
                 [SVIRT_MODEL_TEST] = "test",
                 [SVIRT_MODEL_ACL] = "acl")
