/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "compartment/compartment.h"
#include "compartment/mounts.h"
#include "compartment/relabel-plan.h"
#include "hypervisor/manager.h"
#include "model/model.h"

/*
 * What a VM's objects ought to carry, whether it runs or not: from its record
 * alone, so that a look at a thousand VMs opens no image.
 */
typedef struct SvirtRelabelWork {
    SvirtDomain *domain;           /* owned, as all below */
    SvirtCompartment *compartment; /* NULL: nothing was claimed yet */
    GPtrArray *objects;            /* SvirtObject * */
    SvirtRelabelPlan *plan;        /* NULL with compartment */
    GPtrArray *missing;            /* char *: recorded and not there */
    GPtrArray *unasked; /* char *: why one is not looked at: it would wait */
} SvirtRelabelWork;

/* NOT_FOUND is no error: the object is in `missing`; nor is one that lies on
 * FUSE or whose path nobody answers for: it is in `unasked`. Errors of parsing,
 * of the compartment and of the plan. `mounts`: of this moment. */
bool svirt_relabel_work_new(SvirtManager *manager, SvirtMounts *mounts,
                            const SvirtDefinition *definition,
                            SvirtRelabelWork **ret, GError **error);
void svirt_relabel_work_free(SvirtRelabelWork *work);

/* Does any model that runs here label objects for VMs? Else none has to be
 * looked at. */
bool svirt_relabel_matters(void);

/*
 * Rows (SvirtVerifyRow) of the VM's objects, added to `rows`: each that does
 * not carry what it ought to; and in `images` (SVIRT_MODEL_MAX entries, owned
 * by the caller) and `given` what its private objects carry and whether its
 * label is a static one.
 */
bool svirt_relabel_verify(SvirtManager *manager, SvirtMounts *mounts,
                          const SvirtDefinition *definition, GPtrArray *rows,
                          char **images, bool *given, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(SvirtRelabelWork, svirt_relabel_work_free)
