/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hypervisor/start.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/error.h"
#include "base/fd.h"
#include "compartment/relabel-apply.h"
#include "hypervisor/holder.h"
#include "hypervisor/keeper-link.h"
#include "hypervisor/model-labels.h"
#include "hypervisor/prepare.h"
#include "hypervisor/run-dir.h"
#include "hypervisor/runtime.h"
#include "state/waivers.h"
#include "verify/verify.h"

void
svirt_start_report_clear(SvirtStartReport *report)
{
    g_clear_pointer(&report->pty_paths, g_strfreev);
    g_clear_pointer(&report->plan, g_free);
    g_clear_pointer(&report->plan_json, g_free);
    g_clear_pointer(&report->argv, g_strfreev);
    g_clear_pointer(&report->waivers, g_ptr_array_unref);
    g_clear_pointer(&report->warnings, g_ptr_array_unref);
}

static GPtrArray *
waiver_texts(const SvirtPrepared *prepared)
{
    GPtrArray *texts = g_ptr_array_new_with_free_func(g_free);

    for (unsigned i = 0; i < prepared->waivers->len; i++) {
        const SvirtWaiver *waiver = prepared->waivers->pdata[i];

        g_ptr_array_add(texts,
                        g_strdup_printf("waiver %" G_GINT64_FORMAT
                                        ": %s for '%s' (%s)",
                                        waiver->id, waiver->layer,
                                        waiver->resource, waiver->reason));
    }
    return texts;
}

/* Chains and claims first, then labels: each only when something is new. */
static bool
settle(SvirtManager *manager, const SvirtPrepared *prepared, GError **error)
{
    SvirtState *state;
    bool needed;

    if (!svirt_prepared_record(manager, prepared, error)) {
        return false;
    }
    state = svirt_manager_state(manager, SVIRT_STATE_READ, error);
    if (state == NULL || !svirt_relabel_is_needed(state, prepared->plan,
                                                  &needed, error)) {
        return false;
    }
    if (!needed) {
        return true;
    }
    state = svirt_manager_state(manager, SVIRT_STATE_WRITE, error);
    return state != NULL &&
           svirt_relabel_apply(state, prepared->plan, "start",
                               prepared->now_s, NULL, error);
}

static bool
write_first_status(const SvirtPrepared *prepared, const SvirtRuntime *runtime,
                   const SvirtRunDir *run, GError **error)
{
    const SvirtDefinition *definition = prepared->definition;
    SvirtRunStatus status;

    svirt_run_status_init(&status, &definition->uuid, definition->name);
    status.id = run->id;
    status.flags = SVIRT_RUN_STARTING;
    status.started_s = prepared->now_s;
    status.incarnation = definition->incarnation;
    status.author_uid = definition->author;
    svirt_runtime_fill_status(runtime, &status);
    return svirt_run_status_write(run->status, &status) ||
           svirt_raise(error, SVIRT_ERROR_SYSTEM, NULL, "free space in /run",
                       "cannot write the status of '%s'", definition->name);
}

static bool
read_back(const SvirtPrepared *prepared, const SvirtRuntime *runtime,
          const SvirtRunDir *run, GError **error)
{
    SvirtRunStatus status;

    if (!svirt_run_status_read_fd(run->status, &status)) {
        return svirt_raise_errno(error, errno, NULL,
                                 "cannot read the status of '%s'",
                                 prepared->definition->name);
    }
    return svirt_verify_started(&status, runtime->spec, error);
}

/*
 * From here a process exists. The guest's CPUs stand still until the
 * read-back has passed and the keeper was told so.
 */
static bool
launch(const SvirtPrepared *prepared, SvirtKeeperLink *keeper,
       SvirtRuntime *runtime, SvirtRunDir *run, bool paused, GError **error)
{
    if (!svirt_runtime_give_run_dir(runtime, run->dir, run->lock, run->status,
                                    error) ||
        !write_first_status(prepared, runtime, run, error) ||
        !svirt_keeper_link_launch(keeper, runtime, error)) {
        return false;
    }
    /* The keeper owns run directory and cgroup now and undoes them itself
       when this process goes away or says abort. */
    run->keep = true;
    runtime->keep = true;
    return svirt_keeper_link_wait_ready(keeper, error) &&
           read_back(prepared, runtime, run, error) &&
           svirt_keeper_link_commit(keeper, !paused, error);
}

static bool
report_dry_run(const SvirtPrepared *prepared, const SvirtRuntime *runtime,
               SvirtStartReport *ret)
{
    ret->plan = svirt_relabel_plan_to_table(prepared->plan);
    ret->plan_json = svirt_relabel_plan_to_json(prepared->plan);
    ret->argv = g_strdupv(runtime->argv);
    ret->waivers = waiver_texts(prepared);
    ret->warnings = g_ptr_array_ref(prepared->warnings);
    return true;
}

/*
 * What takes the kernel longest comes first and needs no judgement: the
 * keeper's exec, and the namespaces the VMM will be put into. Both go on
 * while the disks are opened and judged; a refusal ends them.
 */
static bool
begin(SvirtManager *manager, const SvirtDefinition *definition,
      const SvirtStartOptions *options, SvirtPrepared **ret_prepared,
      SvirtRuntime **ret_runtime, SvirtKeeperLink **ret_keeper,
      GError **error)
{
    if (!options->dry_run &&
        !svirt_keeper_link_spawn(definition->name, ret_keeper, error)) {
        return false;
    }
    if (!svirt_prepared_new(definition, time(NULL), ret_prepared, error) ||
        !svirt_runtime_new(manager, *ret_prepared, ret_runtime, error)) {
        return false;
    }
    return options->dry_run ||
           svirt_keeper_link_give_cgroup(
               *ret_keeper, (*ret_runtime)->cgroup.vmm_fd, error);
}

bool
svirt_start(SvirtManager *manager, const SvirtDefinition *definition,
            const SvirtStartOptions *options, SvirtStartReport *ret,
            GError **error)
{
    SVIRT_AUTO_RUN_DIR run = SVIRT_RUN_DIR_INIT;
    g_autoptr(SvirtPrepared) prepared = NULL;
    g_autoptr(SvirtRuntime) runtime = NULL;
    g_autoptr(SvirtKeeperLink) keeper = NULL;
    GError *problem = NULL;

    memset(ret, 0, sizeof(*ret));
    /* The lock comes first: nobody starts, ends or undefines it meanwhile. */
    if (!svirt_run_dir_make(manager, definition, &run, error) ||
        !begin(manager, definition, options, &prepared, &runtime, &keeper,
               error) ||
        (!options->dry_run &&
         !svirt_model_labels_recall(manager, definition, error)) ||
        !svirt_prepared_open(manager, prepared, SVIRT_PREPARE_START, error) ||
        !svirt_prepared_label(manager, prepared, NULL, false, error)) {
        return false;
    }
    /* Before a socket or a file is made with a label. */
    if (!options->dry_run &&
        !svirt_model_labels_load(prepared->compartment,
                                 svirt_qemu_emulator(prepared->domain),
                                 error)) {
        return false;
    }
    if (!svirt_runtime_fill(runtime, manager, prepared, run.dir, options,
                            &problem)) {
        /* "in use" is half an answer: whose? */
        svirt_holder_explain(manager, prepared, problem, error);
        return false;
    }
    if (options->dry_run) {
        return report_dry_run(prepared, runtime, ret);
    }
    if (!svirt_run_dir_number(&run, error) ||
        !settle(manager, prepared, error) ||
        !launch(prepared, keeper, runtime, &run, options->paused, error)) {
        return false;
    }
    ret->id = run.id;
    ret->pty_paths = g_strdupv(runtime->endpoints->pty_paths);
    ret->waivers = waiver_texts(prepared);
    ret->warnings = g_ptr_array_ref(prepared->warnings);
    return true;
}
