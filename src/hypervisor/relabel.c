/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hypervisor/relabel.h"

#include "base/error.h"
#include "compartment/object-bounded.h"
#include "hypervisor/disk-images.h"
#include "hypervisor/prepare.h"
#include "verify/verify.h"

static void
free_object(void *object)
{
    if (object != NULL) {
        svirt_object_free(object);
    }
}

void
svirt_relabel_work_free(SvirtRelabelWork *work)
{
    if (work == NULL) {
        return;
    }
    /* The plan borrows objects. */
    svirt_relabel_plan_free(work->plan);
    svirt_compartment_free(work->compartment);
    g_ptr_array_unref(work->objects);
    g_ptr_array_unref(work->missing);
    g_ptr_array_unref(work->unasked);
    svirt_domain_free(work->domain);
    g_free(work);
}

bool
svirt_relabel_matters(void)
{
    for (unsigned i = 0; i < SVIRT_MODEL_MAX; i++) {
        const SvirtModel *model = svirt_model_by_kind((SvirtModelKind)i);
        bool active = false;

        if (model != NULL && model->labels_objects &&
            model->labels_processes && i != SVIRT_MODEL_TEST &&
            (!model->probe(&active, NULL) || active)) {
            return true;
        }
    }
    return false;
}

/* What one look at a VM's objects needs. All borrowed. */
typedef struct Look {
    SvirtRelabelWork *work;
    SvirtMounts *mounts;
    const SvirtCredentials *author; /* NULL: root */
    GArray *items; /* SvirtRelabelItem */
} Look;

/* NULL in *ret: it is not there. */
static bool
open_member(const Look *look, const char *path, SvirtObject **ret,
            GError **error)
{
    SvirtRelabelWork *work = look->work;
    g_autoptr(GError) problem = NULL;

    *ret = NULL;
    if (svirt_object_open_bounded(look->mounts, path, look->author,
                                  SVIRT_OBJECT_WANT_DISK, ret, &problem)) {
        g_ptr_array_add(work->objects, *ret);
        return true;
    }
    if (g_error_matches(problem, SVIRT_ERROR, SVIRT_ERROR_NOT_FOUND)) {
        g_ptr_array_add(work->missing, g_strdup(path));
        return true;
    }
    if (g_error_matches(problem, SVIRT_ERROR, SVIRT_ERROR_TIMEOUT)) {
        g_ptr_array_add(work->unasked, g_strdup(problem->message));
        return true;
    }
    g_propagate_error(error, g_steal_pointer(&problem));
    return false;
}

static bool
list_disk(const Look *look, const SvirtDisk *disk, const SvirtChain *chain,
          GError **error)
{
    for (unsigned i = 0; i < chain->members->len; i++) {
        const SvirtChainMember *member = chain->members->pdata[i];
        SvirtRelabelItem item = {
            .kind = svirt_disk_images_kind(member->role),
            .access = svirt_disk_images_access(disk, chain, i),
            .target = disk->target,
            .seclabels = i < disk->image_count ? disk->images[i].seclabels
                                               : NULL,
        };
        SvirtObject *object;

        if (!open_member(look, member->path, &object, error)) {
            return false;
        }
        if (object != NULL) {
            item.object = object;
            g_array_append_val(look->items, item);
        }
    }
    return true;
}

static bool
plan_work(SvirtRelabelWork *work, SvirtState *state, SvirtMounts *mounts,
          const SvirtDefinition *definition, GError **error)
{
    g_autoptr(GArray) items =
        g_array_new(FALSE, TRUE, sizeof(SvirtRelabelItem));
    g_autoptr(SvirtCredentials) author = NULL;
    Look look = { .work = work, .mounts = mounts, .items = items };

    if (definition->author != 0 &&
        !svirt_credentials_for_uid(definition->author, &author, error)) {
        return false;
    }
    look.author = author;
    for (size_t i = 0; i < work->domain->disk_count; i++) {
        const SvirtDisk *disk = &work->domain->disks[i];
        g_autoptr(SvirtChain) chain = NULL;

        if (disk->image_count == 0) {
            continue;
        }
        if (!svirt_prepared_recorded_chain(state, &definition->uuid, disk,
                                           &chain, error)) {
            return false;
        }
        if (chain != NULL &&
            !list_disk(&look, disk, chain, error)) {
            return false;
        }
    }
    return svirt_relabel_plan_new(
        work->compartment,
        (const SvirtRelabelItem *)(const void *)items->data, items->len,
        &work->plan, error);
}

bool
svirt_relabel_work_new(SvirtManager *manager, SvirtMounts *mounts,
                       const SvirtDefinition *definition,
                       SvirtRelabelWork **ret, GError **error)
{
    g_autoptr(SvirtRelabelWork) work = g_new0(SvirtRelabelWork, 1);
    const SvirtConfig *config = svirt_manager_config(manager, error);
    SvirtState *state;

    work->objects = g_ptr_array_new_with_free_func(free_object);
    work->missing = g_ptr_array_new_with_free_func(g_free);
    work->unasked = g_ptr_array_new_with_free_func(g_free);
    if (config == NULL ||
        !svirt_manager_parse(definition, &work->domain, error)) {
        return false;
    }
    state = svirt_manager_state(manager, SVIRT_STATE_READ, error);
    if (state == NULL ||
        !svirt_compartment_find(state, config, definition, work->domain,
                                &work->compartment, error) ||
        (work->compartment != NULL &&
         !plan_work(work, state, mounts, definition, error))) {
        return false;
    }
    *ret = g_steal_pointer(&work);
    return true;
}

static SvirtVerifyRow *
add_row(GPtrArray *rows, SvirtModelKind model, bool ok, const char *expected,
        char *found)
{
    SvirtVerifyRow *row = g_new0(SvirtVerifyRow, 1);

    row->what = model == SVIRT_MODEL_NONE
        ? g_strdup("objects")
        : g_strdup_printf("object %s", svirt_model_kind_to_string(model));
    row->process = SVIRT_PROCESS_VMM;
    row->ok = ok;
    row->of_host = true;
    row->expected = g_strdup(expected);
    row->found = found;
    g_ptr_array_add(rows, row);
    return row;
}

static void
add_rows(const SvirtRelabelWork *work, GPtrArray *rows)
{
    const SvirtRelabelPlan *plan = work->plan;

    for (unsigned i = 0; i < work->missing->len; i++) {
        (void)add_row(rows, SVIRT_MODEL_NONE, false, "there",
                g_strdup_printf("'%s' is gone",
                                (const char *)work->missing->pdata[i]));
    }
    for (unsigned i = 0; i < plan->steps->len; i++) {
        const SvirtRelabelStep *step = plan->steps->pdata[i];

        (void)add_row(rows, step->model->kind, false, step->wanted,
                g_strdup_printf("'%s' carries %s", step->object->shown_path,
                                step->current != NULL ? step->current
                                                      : "none"));
    }
    for (unsigned i = 0; i < work->unasked->len; i++) {
        add_row(rows, SVIRT_MODEL_NONE, false, "looked at",
                g_strdup_printf("not looked at: %s",
                                (const char *)work->unasked->pdata[i]))
            ->advice = true;
    }
    if (plan->steps->len == 0 && work->missing->len == 0 &&
        work->unasked->len == 0) {
        (void)add_row(rows, SVIRT_MODEL_NONE, true, "labelled as planned",
                g_strdup_printf("%u, labelled as planned",
                                work->objects->len));
    }
}

bool
svirt_relabel_verify(SvirtManager *manager, SvirtMounts *mounts,
                     const SvirtDefinition *definition, GPtrArray *rows,
                     char **images, bool *given, GError **error)
{
    g_autoptr(SvirtRelabelWork) work = NULL;

    if (!svirt_relabel_work_new(manager, mounts, definition, &work, error)) {
        return false;
    }
    if (work->compartment == NULL) {
        return true;
    }
    for (size_t i = 0; i < work->compartment->label_count; i++) {
        const SvirtCompartmentLabel *label = &work->compartment->labels[i];

        images[label->model] = g_strdup(label->set.image);
        given[label->model] = label->type == SVIRT_SECLABEL_STATIC;
    }
    add_rows(work, rows);
    return true;
}
