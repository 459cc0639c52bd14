/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "compartment/compartment-private.h"

#include <string.h>
#include <unistd.h>

#include "base/user-namespace.h"
#include "label/derive.h"
#include "label/level.h"
#include "model/model.h"

/* The models of which a host runs one, first the one libvirt would call the
 * host's when there are several. */
static const SvirtModelKind derived_models[] = {
    SVIRT_MODEL_SELINUX,
    SVIRT_MODEL_SMACK,
    SVIRT_MODEL_APPARMOR,
};

/* What cannot be found out counts as running: nothing is started then. */
static bool
host_runs(SvirtModelKind model, GError **problem)
{
    const SvirtModel *row = svirt_model_by_kind(model);
    bool active = false;

    /* The kernel's models take labels from the host's root alone. */
    if (row != NULL && row->labels_processes &&
        model != SVIRT_MODEL_TEST &&
        (geteuid() != 0 || svirt_user_namespace_is_own())) {
        return false;
    }
    return row != NULL && (!row->probe(&active, problem) || active);
}

static bool
is_first(SvirtModelKind model)
{
    for (size_t i = 0; i < G_N_ELEMENTS(derived_models); i++) {
        if (host_runs(derived_models[i], NULL)) {
            return derived_models[i] == model;
        }
    }
    return false;
}

const SvirtSeclabel *
svirt_compartment_seclabel(const SvirtDomain *domain, SvirtModelKind model)
{
    for (unsigned i = 0; i < domain->seclabels->len; i++) {
        const SvirtSeclabel *seclabel = domain->seclabels->pdata[i];

        if (seclabel->has_model ? seclabel->model == model
                                : is_first(model)) {
            return seclabel;
        }
    }
    return NULL;
}

bool
svirt_compartment_range(SvirtCategoryRange *ret, GError **error)
{
    static const SvirtCategoryRange all = SVIRT_COMPARTMENT_CATEGORIES;
    const SvirtModel *selinux = svirt_model_by_kind(SVIRT_MODEL_SELINUX);
    bool active = false;

    *ret = all;
    return selinux == NULL || !selinux->probe(&active, NULL) || !active ||
           selinux->category_range == NULL ||
           selinux->category_range(ret, error);
}

/* A label that the author wrote, or the lack of one: root's to give. */
bool
svirt_compartment_check_author(const SvirtDefinition *definition,
                               const SvirtDomain *domain, GError **error)
{
    if (definition->author == 0 || definition->author == geteuid()) {
        return true;
    }
    for (unsigned i = 0; i < domain->seclabels->len; i++) {
        const SvirtSeclabel *seclabel = domain->seclabels->pdata[i];

        if (seclabel->has_model && (seclabel->model == SVIRT_MODEL_DAC ||
                                    seclabel->model == SVIRT_MODEL_NONE)) {
            continue;
        }
        if (seclabel->type != SVIRT_SECLABEL_DYNAMIC ||
            seclabel->baselabel != NULL) {
            return svirt_raise(error, SVIRT_ERROR_REFUSED, NULL,
                               "leave the <seclabel> out: each VM gets a "
                               "label of its own",
                               "'%s' asks for a label of type '%s'%s, and "
                               "its author is uid %u", definition->name,
                               svirt_seclabel_type_to_string(seclabel->type),
                               seclabel->baselabel != NULL
                                   ? " with a <baselabel>" : "",
                               definition->author);
        }
    }
    return true;
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

static SvirtCompartmentLabel *
add_label(SvirtCompartment *compartment, const SvirtDomain *domain,
          SvirtModelKind model)
{
    const SvirtSeclabel *seclabel = svirt_compartment_seclabel(domain, model);
    SvirtCompartmentLabel *label =
        &compartment->labels[compartment->label_count++];

    label->model = model;
    label->active = host_runs(model, &label->problem);
    label->type = SVIRT_SECLABEL_DYNAMIC;
    if (seclabel != NULL) {
        label->named = true;
        label->type = seclabel->type;
        label->base = g_strdup(seclabel->baselabel);
        label->require_enforcing = seclabel->require_enforcing;
    }
    label->shared = label->type == SVIRT_SECLABEL_STATIC;
    return label;
}

/* What a host without the model, or anybody, can say of a derived label. */
static char *
known_without_model(const SvirtCompartment *compartment, SvirtModelKind model)
{
    const SvirtLevel level = { .categories = compartment->categories };
    char name[SVIRT_DERIVED_NAME_BYTES];

    if (model == SVIRT_MODEL_SELINUX || model == SVIRT_MODEL_FLASK) {
        return svirt_level_format(&level);
    }
    svirt_derive_name(&compartment->owner.uuid, name);
    return g_strdup(name);
}

SvirtLabelSeed
svirt_compartment_seed(const SvirtCompartment *compartment,
                       const SvirtCompartmentLabel *label)
{
    return (SvirtLabelSeed){
        .uuid = compartment->owner.uuid,
        .categories = &compartment->categories,
        .emulated = compartment->emulated,
        .base = label->base,
        .given = label->type == SVIRT_SECLABEL_STATIC ? label->set.vmm
                                                      : NULL,
    };
}

static void
derive_set(SvirtCompartment *compartment, SvirtCompartmentLabel *label,
           const SvirtModel *model)
{
    SvirtLabelSeed seed = svirt_compartment_seed(compartment, label);
    SvirtLabelSet set = { NULL };

    if (label->problem != NULL) {
        return;
    }
    if (model->derive(&seed, &set, &label->problem)) {
        svirt_label_set_clear(&label->set);
        label->set = set;
    }
}

static void
add_model(SvirtCompartment *compartment, const SvirtDomain *domain,
          SvirtModelKind kind)
{
    SvirtCompartmentLabel *label = add_label(compartment, domain, kind);
    const SvirtSeclabel *seclabel = svirt_compartment_seclabel(domain, kind);
    const SvirtModel *model = svirt_model_by_kind(kind);

    if (label->type == SVIRT_SECLABEL_NONE) {
        return;
    }
    if (label->type == SVIRT_SECLABEL_STATIC) {
        label->set.vmm = g_strdup(seclabel->label);
    } else {
        label->set.vmm = known_without_model(compartment, kind);
    }
    if (label->active && model->labels_processes) {
        label->relabel =
            seclabel == NULL || svirt_seclabel_relabels(seclabel);
        derive_set(compartment, label, model);
    } else if (label->type == SVIRT_SECLABEL_DYNAMIC) {
        label->set.image = g_strdup(label->set.vmm);
    }
}

static void
add_dac(SvirtCompartment *compartment, const SvirtDomain *domain,
        const SvirtDacLabel *static_dac)
{
    const SvirtDacLabel own = { .uid = compartment->vmm_uid,
                                .gid = compartment->vmm_gid };
    SvirtCompartmentLabel *label =
        add_label(compartment, domain, SVIRT_MODEL_DAC);

    label->set.vmm = svirt_dac_label_format(&own);
    label->shared = static_dac != NULL;
    if (label->type == SVIRT_SECLABEL_NONE) {
        return;
    }
    label->set.image = svirt_dac_label_format(&own);
    label->relabel = relabel_is_spelled_out(domain, SVIRT_MODEL_DAC);
}

void
svirt_compartment_add_labels(SvirtCompartment *compartment,
                             const SvirtDomain *domain,
                             const SvirtDacLabel *static_dac)
{
    for (size_t i = 0; i < G_N_ELEMENTS(derived_models); i++) {
        add_model(compartment, domain, derived_models[i]);
    }
    add_dac(compartment, domain, static_dac);
    /* Those only the definition names: FLASK, the test model. */
    for (unsigned i = 0; i < domain->seclabels->len; i++) {
        const SvirtSeclabel *seclabel = domain->seclabels->pdata[i];

        if (seclabel->has_model && seclabel->model != SVIRT_MODEL_NONE &&
            svirt_compartment_label(compartment, seclabel->model) == NULL) {
            add_model(compartment, domain, seclabel->model);
        }
    }
}
