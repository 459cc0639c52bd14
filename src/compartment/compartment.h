/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "compartment/uid-use.h"
#include "domain/domain.h"
#include "host/config.h"
#include "host/connection.h"
#include "label/category-set.h"
#include "label/seclabel.h"
#include "model/label-set.h"
#include "state/claims.h"
#include "state/definitions.h"

/* The labels of a VM under one model. */
typedef struct SvirtCompartmentLabel {
    SvirtModelKind model;
    SvirtSeclabelType type; /* dynamic, static, none */
    bool active;            /* this host runs the model */
    bool named;             /* the definition has a <seclabel> for it */
    bool relabel;           /* its files are given labels of the set */
    bool shared;            /* a static label: other VMs may have it too */
    bool require_enforcing; /* no start where the model only warns */
    char *base;             /* owned; <baselabel>; NULL: none */
    /* Where the model is not active: what is known without it, the level or
     * the name alone. */
    SvirtLabelSet set;
    /* Owned; why an active model gave no labels: nothing is started then. */
    GError *problem;
} SvirtCompartmentLabel;

/*
 * What a VM is known by on this host: its own uids and gids (each gid is the
 * same number, but for a static DAC label's) and its labels. A function of
 * the UUID, the DOI key and the definition's <seclabel>s; the same on every
 * run.
 */
typedef struct SvirtCompartment {
    SvirtOwner owner;
    char *name; /* owned; the VM's, for messages */
    uid_t vmm_uid;
    gid_t vmm_gid;
    uid_t monitor_uid;
    gid_t monitor_gid;
    uid_t helper_uid; /* passt */
    gid_t helper_gid;
    SvirtCategorySet categories;
    bool emulated; /* the VMM makes code at run time */
    /*
     * SELINUX ("s0:c1,c2": the level; the types are the loaded policy's),
     * SMACK, APPARMOR ("svirt-<uuid>") and DAC, in this order, then models
     * the definition names that svirt derives nothing for.
     */
    SvirtCompartmentLabel labels[SVIRT_MODEL_MAX];
    size_t label_count;
} SvirtCompartment;

void svirt_compartment_free(SvirtCompartment *compartment);
/* Borrowed; NULL when there is none. */
const SvirtCompartmentLabel *
svirt_compartment_label(const SvirtCompartment *compartment,
                        SvirtModelKind model);

/* What the labels of one model are made from; borrows from both. */
SvirtLabelSeed svirt_compartment_seed(const SvirtCompartment *compartment,
                                      const SvirtCompartmentLabel *label);

/*
 * From claims alone: nothing is written and the DOI key is not read. NULL in
 * *ret when something has to be claimed first (svirt_compartment_claim).
 * REFUSED: the definition asks for a label that is not given: uid or gid 0,
 * one out of svirt's own range, an identity the author does not have.
 * NOT_FOUND: a static label names no account of this host.
 */
bool svirt_compartment_find(SvirtState *state, const SvirtConfig *config,
                            const SvirtDefinition *definition,
                            const SvirtDomain *domain, SvirtCompartment **ret,
                            GError **error);

/*
 * The same, claiming what is missing: the block of uids, the category set
 * derived under the DOI key (config_dir/doi), static labels. `state` is
 * writable and without a transaction; one is made and committed. Further
 * errors: BUSY no uid is free, EXISTS another VM has the static label, those
 * of svirt_doi_open.
 */
bool svirt_compartment_claim(SvirtState *state,
                             const SvirtConnection *connection,
                             const SvirtConfig *config,
                             const SvirtDefinition *definition,
                             const SvirtDomain *domain,
                             SvirtCompartment **ret, GError **error);

/*
 * The same in two halves, for who has more to write in one transaction: what
 * must be known of the host (NULL in *ret_use: nothing), before it; and the
 * claims, within it.
 */
bool svirt_compartment_look(SvirtState *state, const SvirtConfig *config,
                            const SvirtDefinition *definition,
                            SvirtUidUse **ret_use, GError **error);
bool svirt_compartment_claim_within(SvirtState *state,
                                    const SvirtConnection *connection,
                                    const SvirtConfig *config,
                                    const SvirtDefinition *definition,
                                    const SvirtDomain *domain,
                                    SvirtUidUse *use, SvirtCompartment **ret,
                                    GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(SvirtCompartment, svirt_compartment_free)
