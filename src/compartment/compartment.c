/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "compartment/compartment.h"

#include <string.h>

#include "compartment/compartment-private.h"
#include "label/derive.h"
#include "label/level.h"
#include "model/model.h"

void
svirt_compartment_free(SvirtCompartment *compartment)
{
    if (compartment == NULL) {
        return;
    }
    for (size_t i = 0; i < compartment->label_count; i++) {
        g_free(compartment->labels[i].process);
        g_free(compartment->labels[i].image);
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

const SvirtSeclabel *
svirt_compartment_seclabel(const SvirtDomain *domain, SvirtModelKind model)
{
    for (unsigned i = 0; i < domain->seclabels->len; i++) {
        const SvirtSeclabel *seclabel = domain->seclabels->pdata[i];

        if (seclabel->has_model && seclabel->model == model) {
            return seclabel;
        }
    }
    return NULL;
}

static const char *
attribute_of(const SvirtXmlNode *node, const char *name)
{
    for (unsigned i = 0; i < node->attribute_count; i++) {
        if (strcmp(node->attributes[i].name, name) == 0) {
            return node->attributes[i].value;
        }
    }
    return NULL;
}

/*
 * Checking a dynamic <seclabel> fills relabel='yes' in, so the tree tells
 * whether the author wrote it. Descriptors make a change of owner needless,
 * and a file that stays its owner's needs no giving back.
 */
static bool
relabel_is_spelled_out(const SvirtDomain *domain, SvirtModelKind model)
{
    const char *word = svirt_model_kind_to_string(model);
    const SvirtXmlNode *node =
        domain->document != NULL ? domain->document->root->first_child : NULL;

    for (; node != NULL; node = node->next) {
        if (node->namespace_uri == NULL &&
            strcmp(node->local_name, "seclabel") == 0 &&
            g_strcmp0(attribute_of(node, "model"), word) == 0) {
            return g_strcmp0(attribute_of(node, "relabel"), "yes") == 0;
        }
    }
    return false;
}

static bool
host_runs(SvirtModelKind model)
{
    const SvirtModel *row = svirt_model_by_kind(model);
    bool active = false;

    return row != NULL && row->probe(&active, NULL) && active;
}

/* `process` and `image` are taken over. */
static SvirtCompartmentLabel *
add_label(SvirtCompartment *compartment, SvirtModelKind model,
          const SvirtSeclabel *seclabel, char *process, char *image)
{
    SvirtCompartmentLabel *label =
        &compartment->labels[compartment->label_count++];

    label->model = model;
    label->type =
        seclabel != NULL ? seclabel->type : SVIRT_SECLABEL_DYNAMIC;
    label->active = host_runs(model);
    label->process = process;
    label->image = image;
    return label;
}

/* The label of a model svirt derives one for: `derived` is taken over. */
static void
add_derived(SvirtCompartment *compartment, const SvirtDomain *domain,
            SvirtModelKind model, char *derived)
{
    const SvirtSeclabel *seclabel = svirt_compartment_seclabel(domain, model);
    SvirtSeclabelType type =
        seclabel != NULL ? seclabel->type : SVIRT_SECLABEL_DYNAMIC;
    SvirtCompartmentLabel *label;

    switch (type) {
    case SVIRT_SECLABEL_DYNAMIC:
        label = add_label(compartment, model, seclabel, derived,
                          g_strdup(derived));
        label->relabel = label->active;
        break;
    case SVIRT_SECLABEL_STATIC:
        label = add_label(compartment, model, seclabel,
                          g_strdup(seclabel->label), NULL);
        label->shared = true;
        g_free(derived);
        break;
    case SVIRT_SECLABEL_NONE:
        (void)add_label(compartment, model, seclabel, NULL, NULL);
        g_free(derived);
        break;
    case SVIRT_SECLABEL_MAX:
        g_assert_not_reached();
    }
}

static void
add_dac(SvirtCompartment *compartment, const SvirtDomain *domain,
        const SvirtDacLabel *static_dac)
{
    const SvirtSeclabel *seclabel =
        svirt_compartment_seclabel(domain, SVIRT_MODEL_DAC);
    const SvirtDacLabel own = { .uid = compartment->vmm_uid,
                                .gid = compartment->vmm_gid };
    SvirtCompartmentLabel *label =
        add_label(compartment, SVIRT_MODEL_DAC, seclabel,
                  svirt_dac_label_format(&own), NULL);

    label->shared = static_dac != NULL;
    if (label->type == SVIRT_SECLABEL_NONE) {
        return;
    }
    label->image = svirt_dac_label_format(&own);
    label->relabel = relabel_is_spelled_out(domain, SVIRT_MODEL_DAC);
}

/* Kept and listed, whatever the host makes of them. */
static void
add_others(SvirtCompartment *compartment, const SvirtDomain *domain)
{
    for (unsigned i = 0; i < domain->seclabels->len; i++) {
        const SvirtSeclabel *seclabel = domain->seclabels->pdata[i];

        if (seclabel->has_model &&
            svirt_compartment_label(compartment, seclabel->model) == NULL) {
            (void)add_label(compartment, seclabel->model, seclabel,
                            g_strdup(seclabel->label), NULL);
        }
    }
}

static char *
level_text(const SvirtCategorySet *categories)
{
    const SvirtLevel level = { .sensitivity = 0, .categories = *categories };

    return svirt_level_format(&level);
}

SvirtCompartment *
svirt_compartment_build(const SvirtDefinition *definition,
                        const SvirtDomain *domain, uid_t uid_first,
                        const SvirtCategorySet *categories,
                        const SvirtDacLabel *static_dac)
{
    SvirtCompartment *compartment = g_new0(SvirtCompartment, 1);
    char name[SVIRT_DERIVED_NAME_BYTES];

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
    svirt_derive_name(&definition->uuid, name);
    add_derived(compartment, domain, SVIRT_MODEL_SELINUX,
                level_text(categories));
    add_derived(compartment, domain, SVIRT_MODEL_SMACK, g_strdup(name));
    add_derived(compartment, domain, SVIRT_MODEL_APPARMOR, g_strdup(name));
    add_dac(compartment, domain, static_dac);
    add_others(compartment, domain);
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

static bool
categories_are_claimed(const SvirtClaim *claim,
                       const SvirtDefinition *definition)
{
    return claim->has_categories && !claim->shared &&
           claim->owner.incarnation == definition->incarnation &&
           claim->owner.author == definition->author;
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
    SvirtDacLabel label;
    bool is_static;

    if (!svirt_compartment_static_dac(config, definition, domain, &is_static,
                                      &label, error) ||
        !svirt_claims_list(state, &definition->uuid, &claims, error)) {
        return false;
    }
    for (unsigned i = 0; i < claims->len; i++) {
        const SvirtClaim *claim = claims->pdata[i];

        if (claim->model == SVIRT_MODEL_DAC &&
            svirt_compartment_block_is_usable(claim, config, definition)) {
            dac = claim;
        } else if (claim->model == SVIRT_MODEL_SELINUX &&
                   categories_are_claimed(claim, definition)) {
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
