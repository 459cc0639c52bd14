/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "compartment/compartment.h"
#include "label/dac-label.h"
#include "label/derive.h"

/* Every category a policy can have; MCS policies in use have them all. */
#define SVIRT_COMPARTMENT_CATEGORIES { 0, SVIRT_CATEGORY_MAX - 1 }
/* What derived sets are claimed for: libvirt's and the reference policy's
 * type for VMs. */
#define SVIRT_COMPARTMENT_TYPE "svirt_t"

/*
 * Borrowed; NULL when the definition has none for `model`. One that names no
 * model is for the host's first: SELinux, Smack, AppArmor, as probed.
 */
const SvirtSeclabel *svirt_compartment_seclabel(const SvirtDomain *domain,
                                                SvirtModelKind model);

/*
 * The static DAC label of a definition; *ret_has is false when it has none.
 * REFUSED, NOT_FOUND, INVALID as svirt_compartment_find says.
 */
bool svirt_compartment_static_dac(const SvirtConfig *config,
                                  const SvirtDefinition *definition,
                                  const SvirtDomain *domain, bool *ret_has,
                                  SvirtDacLabel *ret_label, GError **error);

/* `user:group` as svirt_model_dac spells it, names looked up. INVALID,
 * NOT_FOUND. Owned by the caller. */
bool svirt_compartment_dac_text(const char *text, char **ret_label,
                                GError **error);

/* Pure: the compartment that a block of uids, a category set and a static DAC
 * label (NULL: none) make. Owned by the caller. */
SvirtCompartment *svirt_compartment_build(
    const SvirtDefinition *definition, const SvirtDomain *domain,
    uid_t uid_first, const SvirtCategorySet *categories,
    const SvirtDacLabel *static_dac);

/* REFUSED: an author who is neither root nor whoever runs svirt asks for a
 * static label, a base label or none at all under a kernel's model. */
bool svirt_compartment_check_author(const SvirtDefinition *definition,
                                    const SvirtDomain *domain,
                                    GError **error);

/* Fills compartment->labels; a model's problem is kept with its label. */
void svirt_compartment_add_labels(SvirtCompartment *compartment,
                                  const SvirtDomain *domain,
                                  const SvirtDacLabel *static_dac);

/* The categories a VM may have on this host: all, or the loaded policy's. */
bool svirt_compartment_range(SvirtCategoryRange *ret, GError **error);

/* The claim's block serves this incarnation under this configuration. */
bool svirt_compartment_block_is_usable(const SvirtClaim *claim,
                                       const SvirtConfig *config,
                                       const SvirtDefinition *definition);
