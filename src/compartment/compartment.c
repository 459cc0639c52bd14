/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "compartment/compartment.h"

#include <string.h>

#include "compartment/compartment-private.h"

void
svirt_compartment_free(SvirtCompartment *compartment)
{
    if (compartment == NULL) {
        return;
    }
    for (size_t i = 0; i < compartment->label_count; i++) {
        svirt_label_set_clear(&compartment->labels[i].set);
        g_free(compartment->labels[i].base);
        g_clear_error(&compartment->labels[i].problem);
    }
    g_free(compartment->name);
    g_free(compartment);
}

const SvirtCompartmentLabel *
svirt_compartment_label(const SvirtCompartment *compartment,
                        SvirtModelKind model)
{
    for (size_t i = 0; i < compartment->label_count; i++) {
        if (compartment->labels[i].model == model) {
            return &compartment->labels[i];
        }
    }
    return NULL;
}

SvirtCompartment *
svirt_compartment_build(const SvirtDefinition *definition,
                        const SvirtDomain *domain, uid_t uid_first,
                        const SvirtCategorySet *categories,
                        const SvirtDacLabel *static_dac)
{
    SvirtCompartment *compartment = g_new0(SvirtCompartment, 1);

    compartment->owner.uuid = definition->uuid;
    compartment->owner.incarnation = definition->incarnation;
    compartment->owner.author = definition->author;
    compartment->name = g_strdup(definition->name);
    compartment->vmm_uid = uid_first + SVIRT_UID_VMM;
    compartment->vmm_gid = compartment->vmm_uid;
    compartment->monitor_uid = uid_first + SVIRT_UID_MONITOR;
    compartment->monitor_gid = compartment->monitor_uid;
    compartment->helper_uid = uid_first + SVIRT_UID_HELPER;
    compartment->helper_gid = compartment->helper_uid;
    compartment->categories = *categories;
    if (static_dac != NULL) {
        compartment->vmm_uid = static_dac->uid;
        compartment->vmm_gid = static_dac->gid;
    }
    compartment->emulated = domain->type != SVIRT_DOMAIN_TYPE_KVM;
    svirt_compartment_add_labels(compartment, domain, static_dac);
    return compartment;
}

bool
svirt_compartment_block_is_usable(const SvirtClaim *claim,
                                  const SvirtConfig *config,
                                  const SvirtDefinition *definition)
{
    return claim->uid_count == SVIRT_UID_BLOCK &&
           claim->uid_first >= config->uid_first &&
           claim->uid_first <= config->uid_last - (SVIRT_UID_BLOCK - 1) &&
           claim->owner.incarnation == definition->incarnation &&
           claim->owner.author == definition->author;
}

/* What the DAC claim of this compartment says. */
static char *
dac_claim_label(uid_t uid_first, const SvirtDacLabel *static_dac)
{
    const SvirtDacLabel own = { .uid = uid_first, .gid = uid_first };

    return svirt_dac_label_format(static_dac != NULL ? static_dac : &own);
}

/* The static label, or a set of its own that this host's policy can take. */
static bool
categories_are_claimed(const SvirtClaim *claim,
                       const SvirtDefinition *definition,
                       const SvirtDomain *domain,
                       const SvirtCategoryRange *range)
{
    const SvirtSeclabel *seclabel =
        svirt_compartment_seclabel(domain, SVIRT_MODEL_SELINUX);
    bool given =
        seclabel != NULL && seclabel->type == SVIRT_SECLABEL_STATIC;

    if (claim->owner.incarnation != definition->incarnation ||
        claim->owner.author != definition->author ||
        claim->shared != given) {
        return false;
    }
    return given ? strcmp(claim->label, seclabel->label) == 0
                 : claim->has_categories &&
                       svirt_category_set_next(&claim->categories,
                                               range->last + 1) ==
                           SVIRT_CATEGORY_MAX;
}

bool
svirt_compartment_find(SvirtState *state, const SvirtConfig *config,
                       const SvirtDefinition *definition,
                       const SvirtDomain *domain, SvirtCompartment **ret,
                       GError **error)
{
    g_autoptr(GPtrArray) claims = NULL;
    g_autofree char *wanted = NULL;
    const SvirtClaim *dac = NULL;
    const SvirtClaim *selinux = NULL;
    SvirtCategoryRange range;
    SvirtDacLabel label;
    bool is_static;

    if (!svirt_compartment_check_author(definition, domain, error) ||
        !svirt_compartment_static_dac(config, definition, domain, &is_static,
                                      &label, error) ||
        !svirt_compartment_range(&range, error) ||
        !svirt_claims_list(state, &definition->uuid, &claims, error)) {
        return false;
    }
    for (unsigned i = 0; i < claims->len; i++) {
        const SvirtClaim *claim = claims->pdata[i];

        if (claim->model == SVIRT_MODEL_DAC &&
            svirt_compartment_block_is_usable(claim, config, definition)) {
            dac = claim;
        } else if (claim->model == SVIRT_MODEL_SELINUX &&
                   categories_are_claimed(claim, definition, domain,
                                          &range)) {
            selinux = claim;
        }
    }
    if (dac != NULL) {
        wanted = dac_claim_label(dac->uid_first, is_static ? &label : NULL);
    }
    if (dac == NULL || selinux == NULL || strcmp(dac->label, wanted) != 0) {
        *ret = NULL;
        return true;
    }
    *ret = svirt_compartment_build(definition, domain, dac->uid_first,
                                   &selinux->categories,
                                   is_static ? &label : NULL);
    return true;
}
