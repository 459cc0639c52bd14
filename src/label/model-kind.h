/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/enum-table.h"

/* The security models a label can belong to, by libvirt's words where it has
 * one. `none` is the absence of a model, `test` the model of test:///. */
typedef enum SvirtModelKind {
    SVIRT_MODEL_SELINUX,
    SVIRT_MODEL_APPARMOR,
    SVIRT_MODEL_SMACK,
    SVIRT_MODEL_DAC,
    SVIRT_MODEL_LANDLOCK,
    SVIRT_MODEL_FLASK,
    SVIRT_MODEL_NONE,
    SVIRT_MODEL_TEST,
    SVIRT_MODEL_ACL, /* access control lists: of `svirt exec` alone */
    SVIRT_MODEL_MAX
} SvirtModelKind;

SVIRT_ENUM_DECLARE(SvirtModelKind, svirt_model_kind)
