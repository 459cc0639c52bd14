/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "launch/spec.h"
#include "model/model.h"

/*
 * The labels a throw-away compartment has of every security model the host
 * runs, as a VM with the UUID `uuid` would: derived under a key that is thrown
 * away, too, loaded into the kernel, taken out again.
 */
typedef struct SvirtSelftestLabels {
    SvirtUuid uuid;
    SvirtCategorySet categories;
    SvirtModelPath program; /* path borrowed */
    size_t count;           /* of models with a label */
    struct {
        const SvirtModel *model;
        SvirtLabelSet set; /* owned */
    } of[SVIRT_MODEL_MAX];
} SvirtSelftestLabels;

/* `ret` is zero; to be unloaded whatever this says. Errors of the models. */
bool svirt_selftest_labels_load(const char *program, SvirtSelftestLabels *ret,
                                GError **error);
void svirt_selftest_labels_unload(SvirtSelftestLabels *labels);

/* What the VM would have of an object of its own, or only reads. */
bool svirt_selftest_labels_object(const SvirtSelftestLabels *labels, int fd,
                                  bool content, GError **error);

/* What the probe writes for itself before its exec. */
bool svirt_selftest_labels_add(const SvirtSelftestLabels *labels,
                               SvirtLaunchSpec **spec, GError **error);
/* UNVERIFIED: the process has another label than was asked for. */
bool svirt_selftest_labels_check(const SvirtSelftestLabels *labels, pid_t pid,
                                 GError **error);
