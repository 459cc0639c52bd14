/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "cli/command.h"
#include "exec/slot.h"
#include "compartment/compartment.h"
#include "compartment/recover.h"
#include "compartment/relabel-apply.h"
#include "compartment/restore.h"
#include "hypervisor/image-lock.h"
#include "hypervisor/model-labels.h"
#include "hypervisor/recover.h"
#include "hypervisor/relabel.h"
#include "hypervisor/run-dir.h"
#include "hypervisor/runtime.h"
#include "state/objects.h"

/*
 * A <seclabel type='none'/> that names no model drops the one this host runs.
 * Where it runs none, that is any of them.
 */
static bool
is_dropped(const SvirtDomain *domain, const SvirtCompartment *compartment,
           const SvirtCompartmentLabel *label)
{
    bool dropped = false;

    for (size_t i = 0; i < compartment->label_count; i++) {
        if (compartment->labels[i].active &&
            compartment->labels[i].model != SVIRT_MODEL_DAC) {
            return false;
        }
    }
    for (unsigned i = 0; i < domain->seclabels->len; i++) {
        const SvirtSeclabel *seclabel = domain->seclabels->pdata[i];

        dropped = dropped || (!seclabel->has_model &&
                              seclabel->type == SVIRT_SECLABEL_NONE);
    }
    return dropped && !label->named && !label->active;
}

bool
svirt_cmd_label(const SvirtCli *cli, int *ret_exit, GError **error)
{
    static const char *const columns[] = { "Model", "Type", "In force",
                                           "Process label", "Image label",
                                           NULL };
    g_autoptr(SvirtDefinition) definition = NULL;
    g_autoptr(SvirtDomain) domain = NULL;
    g_autoptr(SvirtCompartment) compartment = NULL;
    g_autoptr(SvirtTable) table = svirt_table_new(columns);
    const SvirtConfig *config = svirt_manager_config(cli->manager, error);
    SvirtState *state;

    (void)ret_exit;
    if (config == NULL || !svirt_cli_domain(cli, &definition, error) ||
        !svirt_manager_parse(definition, &domain, error)) {
        return false;
    }
    state = svirt_manager_state(cli->manager, SVIRT_STATE_READ, error);
    if (state == NULL ||
        !svirt_compartment_find(state, config, definition, domain,
                                &compartment, error)) {
        return false;
    }
    if (compartment == NULL) {
        return svirt_raise(error, SVIRT_ERROR_STATE, NULL,
                           "define it again, or start it",
                           "domain '%s' has no labels yet", definition->name);
    }
    for (size_t i = 0; i < compartment->label_count; i++) {
        const SvirtCompartmentLabel *label = &compartment->labels[i];
        bool dropped = is_dropped(domain, compartment, label);
        const char *const cells[] = {
            svirt_model_kind_to_string(label->model),
            svirt_seclabel_type_to_string(dropped ? SVIRT_SECLABEL_NONE
                                                  : label->type),
            label->active ? "yes" : "no",
            dropped ? NULL : label->set.vmm,
            dropped ? NULL : label->set.image,
        };

        svirt_table_add_row(table, cells);
    }
    svirt_cli_print_table(cli, table);
    return true;
}

static void
close_lock(void *fd)
{
    (void)close(GPOINTER_TO_INT(fd));
}

/*
 * A disk that another VM runs with has that VM's label: BUSY. Held until the
 * caller has written its own.
 */
static bool
lock_images(const SvirtRelabelPlan *plan, GPtrArray *locks, GError **error)
{
    for (unsigned i = 0; i < plan->steps->len; i++) {
        const SvirtRelabelStep *step = plan->steps->pdata[i];
        const SvirtObject *object = step->object;
        GError *cause = NULL;
        int fd;

        if (!step->exclusive) {
            continue;
        }
        if (!svirt_object_reopen(object, NULL, O_RDONLY, &fd, error)) {
            return false;
        }
        g_ptr_array_add(locks, GINT_TO_POINTER(fd));
        if (!svirt_image_lock_take(fd, SVIRT_IMAGE_LOCK_EXCLUSIVE,
                                   object->shown_path, &cause)) {
            return svirt_raise(error, (SvirtErrorCode)cause->code, cause,
                               "shut down the VM that runs with it",
                               "'%s' keeps the label it has",
                               object->shown_path);
        }
    }
    return true;
}

bool
svirt_cmd_relabel(const SvirtCli *cli, int *ret_exit, GError **error)
{
    g_autoptr(SvirtDefinition) definition = NULL;
    g_autoptr(SvirtRelabelWork) work = NULL;
    g_autoptr(SvirtMounts) mounts = NULL;
    g_autoptr(GPtrArray) locks = g_ptr_array_new_with_free_func(close_lock);
    g_autofree char *text = NULL;
    SvirtRunStatus run;
    SvirtState *state;

    (void)ret_exit;
    if (!svirt_cli_domain(cli, &definition, error) ||
        !svirt_manager_run_status(cli->manager, &definition->uuid, &run,
                                  error) ||
        !svirt_mounts_read(&mounts, error) ||
        !svirt_relabel_work_new(cli->manager, mounts, definition, &work,
                                error)) {
        return false;
    }
    if (work->compartment == NULL) {
        return svirt_raise(error, SVIRT_ERROR_STATE, NULL,
                           "define it again, or start it",
                           "domain '%s' has no labels yet", definition->name);
    }
    if (svirt_arguments_flag(cli->args, "dry-run")) {
        text = cli->json ? svirt_relabel_plan_to_json(work->plan)
                         : svirt_relabel_plan_to_table(work->plan);
        (void)fputs(text, stdout);
        return true;
    }
    /* What its processes run under, first: a profile, rules. */
    if (svirt_run_status_is_active(&run)
            ? !svirt_model_labels_mend(cli->manager, definition, error)
            : !lock_images(work->plan, locks, error)) {
        return false;
    }
    state = svirt_manager_state(cli->manager, SVIRT_STATE_WRITE, error);
    if (state == NULL ||
        !svirt_relabel_apply(state, work->plan, "relabel", time(NULL), NULL,
                             error)) {
        return false;
    }
    svirt_cli_done(cli, definition->name, "%u of %u labels written",
                   work->plan->steps->len,
                   work->plan->steps->len + work->plan->right);
    if (work->unasked->len > 0) {
        return svirt_raise(error, SVIRT_ERROR_TIMEOUT, NULL, NULL,
                           "an object of '%s' keeps the label it has: %s",
                           definition->name,
                           (const char *)work->unasked->pdata[0]);
    }
    return true;
}

void
svirt_cli_print_restored(const SvirtCli *cli, const GPtrArray *rows)
{
    static const char *const columns[] = { "Path", "Model", "Result",
                                           "Carries", NULL };
    g_autoptr(SvirtTable) table = svirt_table_new(columns);
    unsigned count = 0;

    for (unsigned i = 0; i < rows->len; i++) {
        const SvirtRestoreRow *row = rows->pdata[i];
        const char *const cells[] = {
            row->path,
            svirt_model_kind_to_string(row->model),
            row->detail != NULL ? row->detail
                                : svirt_restore_outcome_to_string(row->outcome),
            row->label,
        };

        /* What never carried a label of a model has nothing to be told. */
        if (cli->json || row->model != SVIRT_MODEL_NONE) {
            svirt_table_add_row(table, cells);
            count++;
        }
    }
    if (cli->json || (count > 0 && !cli->quiet)) {
        svirt_cli_print_table(cli, table);
    }
}

/* What would be looked at: the decision itself is made under the lock. */
static bool
preview(const SvirtCli *cli, const SvirtDefinition *definition,
        GError **error)
{
    static const char *const columns[] = { "Path", "Model", "Given back",
                                           "#Claims", NULL };
    SvirtState *state =
        svirt_manager_state(cli->manager, SVIRT_STATE_READ, error);
    g_autoptr(SvirtTable) table = svirt_table_new(columns);
    g_autoptr(GPtrArray) objects = NULL;

    if (state == NULL ||
        !svirt_objects_list(state,
                            definition != NULL ? &definition->uuid : NULL,
                            &objects, error)) {
        return false;
    }
    for (unsigned i = 0; i < objects->len; i++) {
        const SvirtRemembered *object = objects->pdata[i];
        g_autofree char *claims = g_strdup_printf("%u", object->claim_count);
        const char *const cells[] = {
            object->shown_path,
            svirt_model_kind_to_string(object->model),
            object->original,
            claims,
        };

        svirt_table_add_row(table, cells);
    }
    svirt_cli_print_table(cli, table);
    return true;
}

bool
svirt_cmd_release(const SvirtCli *cli, int *ret_exit, GError **error)
{
    g_autoptr(SvirtDefinition) definition = NULL;
    g_autoptr(GPtrArray) rows = NULL;
    SVIRT_AUTO_RUN_DIR run = SVIRT_RUN_DIR_INIT;
    SvirtState *state;

    (void)ret_exit;
    if (svirt_arguments_text(cli->args, "domain") != NULL &&
        (!svirt_cli_domain(cli, &definition, error) ||
         !svirt_run_dir_hold(cli->manager, definition,
                             ": its files stay its own", &run, error))) {
        return false;
    }
    if (svirt_arguments_flag(cli->args, "dry-run")) {
        return preview(cli, definition, error);
    }
    if (definition != NULL &&
        !svirt_model_labels_forget(cli->manager, definition, error)) {
        return false;
    }
    state = svirt_manager_state(cli->manager, SVIRT_STATE_WRITE, error);
    if (state == NULL ||
        !(definition != NULL
              ? svirt_restore_owner(state, &definition->uuid, NULL, NULL,
                                    &rows, error)
              : svirt_restore_unclaimed(state, NULL, &rows, error))) {
        return false;
    }
    svirt_runtime_remove_cgroup_parent(svirt_manager_connection(cli->manager));
    svirt_cli_print_restored(cli, rows);
    svirt_cli_say(cli, "%u object%s looked at", rows->len,
                  rows->len == 1 ? "" : "s");
    return svirt_restore_rows_complete(rows) ||
           svirt_raise(error, SVIRT_ERROR_FAILED, NULL, "svirt release again",
                       "not everything could be given back");
}

bool
svirt_cmd_recover(const SvirtCli *cli, int *ret_exit, GError **error)
{
    static const char *const columns[] = { "Domain", "What", "Result", NULL };
    g_autoptr(SvirtTable) table = svirt_table_new(columns);
    g_autoptr(GPtrArray) rows = NULL;
    g_autoptr(GPtrArray) programs = NULL;
    bool complete = true;

    (void)ret_exit;
    if (!svirt_recover(cli->manager, &rows, error) ||
        !svirt_exec_recover(cli->manager, &programs, error)) {
        return false;
    }
    if (rows->len + programs->len == 0) {
        svirt_cli_say(cli, "Nothing to recover");
        if (!cli->json) {
            return true;
        }
    }
    for (unsigned i = 0; i < rows->len; i++) {
        const SvirtRecovered *row = rows->pdata[i];
        const char *const cells[] = { row->domain, row->what, row->result };

        svirt_table_add_row(table, cells);
        complete = complete && row->complete;
    }
    for (unsigned i = 0; i < programs->len; i++) {
        const SvirtRestoreRow *row = programs->pdata[i];
        const char *const cells[] = {
            "svirt exec", row->path,
            row->detail != NULL
                ? row->detail
                : svirt_restore_outcome_to_string(row->outcome) };

        if (row->outcome != SVIRT_RESTORE_UNCHANGED) {
            svirt_table_add_row(table, cells);
        }
    }
    complete = complete && svirt_restore_rows_complete(programs);
    svirt_cli_print_table(cli, table);
    return complete ||
           svirt_raise(error, SVIRT_ERROR_FAILED, NULL,
                       "the Result column says why; then svirt recover again",
                       "not everything could be recovered");
}
