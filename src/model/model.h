/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/object.h"
#include "label/model-kind.h"

/*
 * A security model as verbs on objects and labels. A label is the model's own
 * text; NULL stands for "has none". No model knows a domain or a device, so a
 * new device adds nothing here.
 */
typedef struct SvirtModel {
    SvirtModelKind kind;
    /* Objects carry labels of this model. False: the four verbs on labels
     * are there all the same and take and give NULL alone. */
    bool labels_objects;

    /* In *ret_active: does the running kernel enforce it? SYSTEM. */
    bool (*probe)(bool *ret_active, GError **error);
    /*
     * What the object carries now, asked of the kernel, owned by the caller.
     * SYSTEM; UNSUPPORTED: its file system stores no labels (hint).
     */
    bool (*read_label)(const SvirtObject *object, char **ret_label,
                       GError **error);
    /*
     * Make it carry `label`, by descriptor, and read back. INVALID: no label
     * of this model. REFUSED: writing it would lose something that is not
     * given back. UNSUPPORTED, SYSTEM; UNVERIFIED: the kernel took the call
     * and the object carries something else.
     */
    bool (*write_label)(const SvirtObject *object, const char *label,
                        GError **error);
    /* Two spellings of one label are equal; NULL equals NULL alone. */
    bool (*labels_equal)(const char *a, const char *b);
    /* INVALID: not a label an object of this model can carry. */
    bool (*validate)(const char *label, GError **error);
} SvirtModel;

/* A static table's row; NULL for a model that is not built. */
const SvirtModel *svirt_model_by_kind(SvirtModelKind kind);

extern const SvirtModel svirt_model_dac;
extern const SvirtModel svirt_model_landlock;
extern const SvirtModel svirt_model_none;
/* An extended attribute, user.svirt.test: what the tests relabel with. */
extern const SvirtModel svirt_model_test;
