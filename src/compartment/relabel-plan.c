/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "compartment/relabel-plan.h"

#include <string.h>

#include "compartment/compartment-private.h"

/*
 * Who gets what, for each model this host runs and that labels objects:
 *
 * 1. A source's own <seclabel> decides for its model: its label, or none at
 *    all with relabel='no' (without a model: for every model).
 * 2. Else, if the compartment relabels under that model, an image that the VM
 *    alone may write gets the image label, one that several may write the
 *    shared label, one that none may write the content label; a model that
 *    has no such label (DAC: no one owner would serve them all) leaves it.
 * 3. Everything else keeps what it carries: boot files and logs are opened by
 *    svirt.
 */

static bool
is_image(SvirtResourceKind kind)
{
    return kind == SVIRT_RESOURCE_DISK || kind == SVIRT_RESOURCE_CDROM ||
           kind == SVIRT_RESOURCE_BACKING || kind == SVIRT_RESOURCE_DATA_FILE;
}

/* Could it be known again in another run? */
static bool
has_identity(const SvirtObject *object)
{
    return svirt_identity_same(&object->identity, &object->identity);
}

static void
step_free(void *data)
{
    SvirtRelabelStep *step = data;

    g_free(step->target);
    g_free(step->current);
    g_free(step->wanted);
    g_free(step);
}

void
svirt_relabel_plan_free(SvirtRelabelPlan *plan)
{
    if (plan == NULL) {
        return;
    }
    g_ptr_array_unref(plan->steps);
    g_ptr_array_unref(plan->kept);
    g_ptr_array_unref(plan->held);
    g_free(plan->name);
    g_free(plan);
}

/*
 * True when the source decides for this model; *ret_label NULL: keep. A
 * <seclabel> that names no model keeps every label, or gives one of the host's
 * `first` model.
 */
static bool
find_override(const SvirtRelabelItem *item, SvirtModelKind model, bool first,
              const char **ret_label)
{
    const GPtrArray *seclabels = item->seclabels;

    for (unsigned i = 0; seclabels != NULL && i < seclabels->len; i++) {
        const SvirtSeclabel *seclabel = seclabels->pdata[i];
        bool keep = !svirt_seclabel_relabels(seclabel);

        if (seclabel->has_model ? seclabel->model == model : keep || first) {
            *ret_label = keep ? NULL : seclabel->label;
            return true;
        }
    }
    return false;
}

/* *ret_wanted, owned by the caller, is what the object is to carry; it stays
 * NULL for what it carries now. */
static bool
decide(const SvirtRelabelPlan *plan, const SvirtCompartmentLabel *label,
       bool first, const SvirtRelabelItem *item, char **ret_wanted,
       GError **error)
{
    const char *override = NULL;

    if (find_override(item, label->model, first, &override)) {
        if (override != NULL && label->model == SVIRT_MODEL_DAC) {
            return svirt_compartment_dac_text(override, ret_wanted, error);
        }
        /* Others trust what has their label. */
        if (override != NULL && plan->owner.author != 0) {
            return svirt_raise(error, SVIRT_ERROR_REFUSED, NULL,
                               "leave its <label> out",
                               "'%s' asks for label '%.64s' on '%s', and its "
                               "author is uid %u", plan->name, override,
                               item->object->shown_path, plan->owner.author);
        }
        *ret_wanted = g_strdup(override);
        return true;
    }
    if (!label->relabel || !is_image(item->kind)) {
        return true;
    }
    switch (item->access) {
    case SVIRT_ACCESS_EXCLUSIVE:
        *ret_wanted = g_strdup(label->set.image);
        break;
    case SVIRT_ACCESS_SHARED:
        *ret_wanted = g_strdup(label->set.shared);
        break;
    case SVIRT_ACCESS_READ_ONLY:
        *ret_wanted = g_strdup(label->set.content);
        break;
    case SVIRT_ACCESS_MAX:
        g_assert_not_reached();
    }
    return true;
}

static bool
check_step(const SvirtRelabelPlan *plan, const SvirtRelabelStep *step,
           GError **error)
{
    if (!step->model->validate(step->wanted, error)) {
        return false;
    }
    /* Whoever may write a file may not give it away. */
    if (step->model->kind == SVIRT_MODEL_DAC && plan->owner.author != 0) {
        return svirt_raise(error, SVIRT_ERROR_REFUSED, NULL,
                           "leave the dac relabelling out: svirt hands the "
                           "VM descriptors",
                           "'%s' asks for a new owner of '%s', and its "
                           "author is uid %u",
                           plan->name, step->object->shown_path,
                           plan->owner.author);
    }
    /* A host's file that everybody may read is not theirs to relabel. */
    if (plan->owner.author != 0 && step->object->uid != plan->owner.author) {
        return svirt_raise(error, SVIRT_ERROR_REFUSED, NULL,
                           "have root label it, or copy it",
                           "'%s' needs another label on '%s', which is not "
                           "its author's",
                           plan->name, step->object->shown_path);
    }
    if (!has_identity(step->object)) {
        return svirt_raise(error, SVIRT_ERROR_UNSUPPORTED, NULL,
                           "move it, or set relabel='no' on its source",
                           "the file system of '%s' cannot tell its files "
                           "apart: a label could not be taken back",
                           step->object->shown_path);
    }
    return true;
}

/* What was decided for the same inode, NULL: nothing yet. */
static const SvirtRelabelStep *
find_step(const SvirtRelabelPlan *plan, const SvirtObject *object,
          SvirtModelKind model)
{
    for (unsigned i = 0; i < plan->steps->len; i++) {
        const SvirtRelabelStep *step = plan->steps->pdata[i];

        if (step->model->kind == model &&
            svirt_object_same_inode(step->object, object)) {
            return step;
        }
    }
    return NULL;
}

static bool
step_changes(const SvirtRelabelStep *step)
{
    return !step->model->labels_equal(step->current, step->wanted);
}

static void
keep_step(SvirtRelabelPlan *plan, SvirtRelabelStep *step, bool shared)
{
    if (shared && has_identity(step->object)) {
        g_ptr_array_add(plan->kept, step);
    } else {
        step_free(step);
    }
}

static bool
add_step(SvirtRelabelPlan *plan, const SvirtRelabelItem *item,
         const SvirtModel *model, const char *wanted, GError **error)
{
    const SvirtRelabelStep *other =
        find_step(plan, item->object, model->kind);
    SvirtRelabelStep *step;

    if (other != NULL) {
        return model->labels_equal(other->wanted, wanted) ||
               svirt_raise(error, SVIRT_ERROR_REFUSED, NULL,
                           "give both uses the same label",
                           "'%s' of '%s' is to carry both %s and %s",
                           item->object->shown_path, plan->name,
                           other->wanted, wanted);
    }
    step = g_new0(SvirtRelabelStep, 1);
    g_ptr_array_add(plan->steps, step);
    step->object = item->object;
    step->model = model;
    step->target = g_strdup(item->target);
    step->wanted = g_strdup(wanted);
    step->exclusive = item->access == SVIRT_ACCESS_EXCLUSIVE;
    return model->read_label(item->object, &step->current, error) &&
           (!step_changes(step) || check_step(plan, step, error));
}

static bool
plan_item(SvirtRelabelPlan *plan, const SvirtCompartment *compartment,
          const SvirtRelabelItem *item, GError **error)
{
    bool seen = false; /* a model with labels for processes */

    for (size_t i = 0; i < compartment->label_count; i++) {
        const SvirtCompartmentLabel *label = &compartment->labels[i];
        const SvirtModel *model = svirt_model_by_kind(label->model);
        g_autofree char *wanted = NULL;
        bool first;

        if (!label->active || model == NULL || !model->labels_objects) {
            continue;
        }
        first = model->labels_processes && !seen;
        seen = seen || first;
        if (!decide(plan, label, first, item, &wanted, error)) {
            return false;
        }
        if (wanted != NULL && !add_step(plan, item, model, wanted, error)) {
            return false;
        }
    }
    return true;
}

static void
hold(SvirtRelabelPlan *plan, const SvirtRelabelItem *item)
{
    if (item->access == SVIRT_ACCESS_READ_ONLY || !is_image(item->kind) ||
        !has_identity(item->object)) {
        return;
    }
    for (unsigned i = 0; i < plan->held->len; i++) {
        if (svirt_object_same_inode(plan->held->pdata[i], item->object)) {
            return;
        }
    }
    g_ptr_array_add(plan->held, (void *)item->object);
}

bool
svirt_relabel_plan_new(const SvirtCompartment *compartment,
                       const SvirtRelabelItem *items, size_t count,
                       SvirtRelabelPlan **ret, GError **error)
{
    g_autoptr(SvirtRelabelPlan) plan = g_new0(SvirtRelabelPlan, 1);

    plan->owner = compartment->owner;
    plan->name = g_strdup(compartment->name);
    plan->steps = g_ptr_array_new_with_free_func(step_free);
    plan->kept = g_ptr_array_new_with_free_func(step_free);
    plan->held = g_ptr_array_new();
    for (size_t i = 0; i < count; i++) {
        if (!plan_item(plan, compartment, &items[i], error)) {
            return false;
        }
        hold(plan, &items[i]);
    }
    /* What is right already was needed to see contradictions. */
    for (unsigned i = plan->steps->len; i > 0; i--) {
        SvirtRelabelStep *step = plan->steps->pdata[i - 1];

        if (!step_changes(step)) {
            (void)g_ptr_array_steal_index(plan->steps, i - 1);
            plan->right++;
            keep_step(plan, step, !step->exclusive);
        }
    }
    *ret = g_steal_pointer(&plan);
    return true;
}
