/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/object.h"
#include "compartment/compartment.h"
#include "domain/resource.h"
#include "model/model.h"

/* An opened object and what the VM is to do with it. All borrowed. */
typedef struct SvirtRelabelItem {
    const SvirtObject *object;
    SvirtResourceKind kind;
    SvirtAccess access;
    const char *target;         /* "vda"; NULL none */
    const GPtrArray *seclabels; /* of SvirtSeclabel *, the source's own
                                   overrides; NULL none */
} SvirtRelabelItem;

typedef struct SvirtRelabelStep {
    const SvirtObject *object; /* borrowed from the item */
    const SvirtModel *model;   /* static */
    char *target;              /* owned; NULL none */
    char *current;             /* owned; NULL: has none */
    char *wanted;              /* owned */
    bool exclusive;            /* the VM alone writes the object */
} SvirtRelabelStep;

/*
 * What a start changes, in order: the labels that differ, and the objects the
 * VM may write and so claims. The objects must outlive the plan.
 */
typedef struct SvirtRelabelPlan {
    SvirtOwner owner;
    char *name;       /* owned; the VM's */
    GPtrArray *steps; /* owned SvirtRelabelStep * */
    /* Owned SvirtRelabelStep *: right already, on objects of several VMs. If
     * svirt made them so, this VM has to claim them, too. */
    GPtrArray *kept;
    unsigned right;   /* how many labels are right already */
    GPtrArray *held;  /* const SvirtObject *, borrowed; each inode once */
} SvirtRelabelPlan;

/*
 * Writes nothing; asks each object for its label once per model that labels
 * it. Who gets what is told in relabel-plan.c. REFUSED: one object is to carry
 * two labels of one model; an author other than root asks for a change of
 * owner, or for another label of what is not theirs. UNSUPPORTED: an object
 * that could not be told from another after it was labelled. NOT_FOUND,
 * INVALID: an override's label. Errors of the models.
 */
bool svirt_relabel_plan_new(const SvirtCompartment *compartment,
                            const SvirtRelabelItem *items, size_t count,
                            SvirtRelabelPlan **ret, GError **error);
void svirt_relabel_plan_free(SvirtRelabelPlan *plan);

/* For --dry-run: a line per step under a heading, "" without any; and a JSON
 * array of {path, target, model, current, wanted}. Owned by the caller. */
char *svirt_relabel_plan_to_table(const SvirtRelabelPlan *plan);
char *svirt_relabel_plan_to_json(const SvirtRelabelPlan *plan);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(SvirtRelabelPlan, svirt_relabel_plan_free)
