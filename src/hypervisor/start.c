/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hypervisor/start.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/error.h"
#include "base/fd.h"
#include "compartment/relabel-apply.h"
#include "hypervisor/holder.h"
#include "hypervisor/keeper-link.h"
#include "hypervisor/model-labels.h"
#include "hypervisor/nvram.h"
#include "hypervisor/prepare.h"
#include "hypervisor/run-dir.h"
#include "hypervisor/runtime.h"
#include "hypervisor/unit.h"
#include "hypervisor/tune.h"
#include "hypervisor/upgrade.h"
#include "state/definitions.h"
#include "state/waivers.h"
#include "verify/verify.h"

struct SvirtStarting {
    SvirtManager *manager; /* borrowed */
    SvirtStartOptions options;
    bool loaded;   /* the kernel was told the VM's labels */
    bool labelled; /* and its objects have them */
    bool done;     /* all of it stays */
    SvirtRunDir run;
    SvirtDefinition *upgraded; /* NULL: it is as this svirt writes it; owned,
                                  as are all below */
    SvirtPrepared *prepared;
    SvirtRuntime *runtime;
    SvirtKeeperLink *keeper; /* NULL: a dry run */
};

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

/* Once each, of however many files it let through. */
static GPtrArray *
waiver_texts(const SvirtPrepared *prepared)
{
    GPtrArray *texts = g_ptr_array_new_with_free_func(g_free);

    for (unsigned i = 0; i < prepared->waivers->len; i++) {
        const SvirtWaiver *waiver = prepared->waivers->pdata[i];
        char *text = g_strdup_printf("waiver %" G_GINT64_FORMAT
                                     ": %s for '%s' (%s)",
                                     waiver->id, waiver->layer,
                                     waiver->resource, waiver->reason);

        if (g_ptr_array_find_with_equal_func(texts, text, g_str_equal,
                                             NULL)) {
            g_free(text);
        } else {
            g_ptr_array_add(texts, text);
        }
    }
    return texts;
}

/* Chains and claims first, then labels: each only when something is new. */
static bool
settle(SvirtStarting *starting, GError **error)
{
    const SvirtPrepared *prepared = starting->prepared;
    SvirtManager *manager = starting->manager;
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
    starting->labelled =
        state != NULL && svirt_relabel_apply(state, prepared->plan, "start",
                                             prepared->now_s, NULL, error);
    return starting->labelled;
}

/*
 * The keeper removes the run directory when nothing of the run is left, and
 * nothing else does while its lock is held. The VM lives on with a keeper that
 * had the commit and did not say so, or died after it; and somebody may have
 * started it anew since: *ret_held keeps others from that.
 */
static bool
is_off(const SvirtStarting *starting, SvirtRunDir *ret_held)
{
    struct stat st;

    return !starting->run.keep ||
           (fstat(starting->run.dir, &st) == 0 && st.st_nlink == 0 &&
            svirt_run_dir_hold(starting->manager,
                               starting->prepared->definition,
                               "its labels stay", ret_held, NULL));
}

/*
 * A start that failed leaves labels, profiles and rules as they were. What
 * cannot be taken back stays as that of a VM that is off, for undefine: with
 * the rules by which an author who is not root reaches it.
 */
static void
take_back(const SvirtStarting *starting)
{
    SVIRT_AUTO_RUN_DIR held = SVIRT_RUN_DIR_INIT;
    const SvirtPrepared *prepared = starting->prepared;
    SvirtState *state;
    bool bare;

    if (!starting->loaded || !is_off(starting, &held)) {
        return;
    }
    bare = prepared->plan->right == 0;
    if (starting->labelled) {
        state = svirt_manager_state(starting->manager, SVIRT_STATE_WRITE,
                                    NULL);
        bare = state != NULL &&
               svirt_relabel_revert(state, prepared->plan, NULL) && bare;
    }
    if (bare || prepared->definition->author == 0) {
        (void)svirt_model_labels_unload(prepared->compartment, NULL);
    }
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
read_back(const SvirtStarting *starting, GError **error)
{
    SvirtRunStatus status;

    if (!svirt_run_status_read_fd(starting->run.status, &status)) {
        return svirt_raise_errno(error, errno, NULL,
                                 "cannot read the status of '%s'",
                                 starting->prepared->definition->name);
    }
    return svirt_verify_started(&status, starting->runtime->spec, error) &&
           svirt_tune_pin(status.process[SVIRT_PROCESS_VMM].pid,
                          &starting->prepared->domain->tune, error);
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

static void
warn_of_upgrade(SvirtStarting *starting)
{
    GError *warning = NULL;

    svirt_raise(&warning, SVIRT_ERROR_STATE, NULL, "svirt dumpxml",
                "the definition of domain '%s' was an earlier svirt's: its "
                "hardware is decided and written into it now",
                starting->prepared->definition->name);
    g_ptr_array_add(starting->prepared->warnings, warning);
}

static bool
read_definition(SvirtManager *manager, const SvirtDefinition *definition,
                SvirtStarting *starting, GError **error)
{
    const bool dry_run = starting->options.dry_run;
    const time_t now = time(NULL);

    if (!svirt_prepared_new(definition, now, &starting->prepared, error) ||
        !svirt_domain_is_startable(starting->prepared->domain, error) ||
        !svirt_upgrade(manager, definition, starting->prepared->domain,
                       dry_run, &starting->upgraded, error)) {
        return false;
    }
    if (starting->upgraded != NULL) {
        svirt_prepared_free(g_steal_pointer(&starting->prepared));
        if (!svirt_prepared_new(starting->upgraded, now, &starting->prepared,
                                error)) {
            return false;
        }
        warn_of_upgrade(starting);
    }
    starting->prepared->dry_run = dry_run;
    return true;
}

/*
 * What takes the kernel longest comes first and needs no judgement: the
 * keeper's exec, and the namespaces the VMM will be put into. Both go on
 * while the disks are opened and judged; a refusal ends them.
 */
static bool
go_ahead(SvirtManager *manager, const SvirtDefinition *definition,
         SvirtStarting *starting, GError **error)
{
    bool dry_run = starting->options.dry_run;
    bool unit = !dry_run && !starting->options.foreground &&
                svirt_unit_is_used(svirt_manager_connection(manager));

    if (!dry_run && !svirt_keeper_link_spawn(
                        manager, definition, unit, starting->options.transient,
                        &starting->keeper, error)) {
        return false;
    }
    if (!read_definition(manager, definition, starting, error) ||
        !svirt_prepared_plan_nets(manager, starting->prepared,
                                  SVIRT_PREPARE_START, error) ||
        !svirt_runtime_new(manager, starting->prepared, unit,
                           &starting->runtime, error)) {
        return false;
    }
    return dry_run || svirt_keeper_link_give_cgroup(
                          starting->keeper, starting->runtime->cgroup.vmm_fd,
                          error);
}

/* The caller read it before the lock: it is what is defined still? */
static bool
check_current(SvirtManager *manager, const SvirtDefinition *definition,
              GError **error)
{
    SvirtState *state = svirt_manager_state(manager, SVIRT_STATE_READ, error);
    g_autoptr(SvirtDefinition) now = NULL;

    if (state == NULL || !svirt_definitions_by_uuid(state, &definition->uuid,
                                                    &now, error)) {
        return false;
    }
    return (now->incarnation == definition->incarnation &&
            now->author == definition->author &&
            strcmp(now->xml, definition->xml) == 0) ||
           svirt_raise(error, SVIRT_ERROR_BUSY, NULL, "try again",
                       "domain '%s' was redefined at this moment",
                       definition->name);
}

/* Labels are known to the kernel before a socket or a file is made with one. */
static bool
judge(SvirtManager *manager, SvirtStarting *starting, GError **error)
{
    SvirtPrepared *prepared = starting->prepared;
    bool dry_run = starting->options.dry_run;
    GError *problem = NULL;

    if ((!dry_run && !svirt_model_labels_recall(
                         manager, prepared->definition, error)) ||
        !svirt_prepared_open(manager, prepared, SVIRT_PREPARE_START, error) ||
        !svirt_prepared_label(manager, prepared, NULL, false, error)) {
        return false;
    }
    starting->loaded = !dry_run;
    if (!dry_run &&
        !svirt_model_labels_load(prepared->compartment,
                                 svirt_qemu_emulator(prepared->domain),
                                 error)) {
        return false;
    }
    if (!svirt_runtime_fill(starting->runtime, manager, prepared,
                            starting->run.dir, &starting->options,
                            &problem)) {
        /* "in use" is half an answer: whose? */
        svirt_holder_explain(manager, prepared, problem, error);
        return false;
    }
    return true;
}

/* From here a process exists. */
static bool
launch(SvirtStarting *starting, GError **error)
{
    SvirtRunDir *run = &starting->run;

    return svirt_runtime_give_run_dir(starting->runtime, run->dir, run->lock,
                                      run->status, error) &&
           write_first_status(starting->prepared, starting->runtime, run,
                              error) &&
           svirt_keeper_link_launch(starting->keeper, starting->runtime,
                                    error);
}

void
svirt_starting_free(SvirtStarting *starting)
{
    if (starting == NULL) {
        return;
    }
    /* The keeper first: it undoes what it has, and says when it has. */
    svirt_keeper_link_free(starting->keeper);
    if (!starting->done) {
        take_back(starting);
    }
    svirt_runtime_free(starting->runtime);
    svirt_prepared_free(starting->prepared);
    svirt_definition_free(starting->upgraded);
    svirt_run_dir_clear(&starting->run);
    g_free(starting);
}

bool
svirt_start_begin(SvirtManager *manager, const SvirtDefinition *definition,
                  const SvirtStartOptions *options, SvirtStarting **ret,
                  GError **error)
{
    g_autoptr(SvirtStarting) starting = g_new0(SvirtStarting, 1);

    starting->manager = manager;
    starting->options = *options;
    starting->run = (SvirtRunDir)SVIRT_RUN_DIR_INIT;
    /* The lock comes first: nobody starts, ends or undefines it meanwhile. */
    if (!svirt_run_dir_make(manager, definition, &starting->run, error) ||
        !check_current(manager, definition, error) ||
        !go_ahead(manager, definition, starting, error) ||
        (options->reset_nvram && !options->dry_run &&
         !svirt_nvram_reset(svirt_manager_connection(manager), definition,
                            error)) ||
        !judge(manager, starting, error)) {
        return false;
    }
    if (!options->dry_run &&
        (!svirt_run_dir_number(&starting->run, error) ||
         !settle(starting, error) ||
         !launch(starting, error))) {
        return false;
    }
    *ret = g_steal_pointer(&starting);
    return true;
}

/*
 * The guest's CPUs stand still until the read-back has passed and the keeper
 * was told so.
 */
bool
svirt_start_finish(SvirtStarting *starting, SvirtStartReport *ret,
                   GError **error)
{
    const SvirtPrepared *prepared = starting->prepared;
    SvirtKeeperLink *keeper = starting->keeper;

    memset(ret, 0, sizeof(*ret));
    if (starting->options.dry_run) {
        return report_dry_run(prepared, starting->runtime, ret);
    }
    if (!svirt_keeper_link_wait_started(keeper, error)) {
        return false;
    }
    /* The keeper owns run directory and cgroup now and undoes them itself
       when this process goes away or says abort. */
    starting->run.keep = true;
    starting->runtime->keep = true;
    if (!svirt_keeper_link_wait_ready(keeper, error) ||
        !read_back(starting, error) ||
        !svirt_keeper_link_commit(keeper, !starting->options.paused, error)) {
        return false;
    }
    starting->done = true;
    ret->id = starting->run.id;
    ret->pty_paths = g_strdupv(starting->runtime->endpoints->pty_paths);
    ret->waivers = waiver_texts(prepared);
    ret->warnings = g_ptr_array_ref(prepared->warnings);
    return true;
}

bool
svirt_start(SvirtManager *manager, const SvirtDefinition *definition,
            const SvirtStartOptions *options, SvirtStartReport *ret,
            GError **error)
{
    g_autoptr(SvirtStarting) starting = NULL;

    memset(ret, 0, sizeof(*ret));
    return svirt_start_begin(manager, definition, options, &starting,
                             error) &&
           svirt_start_finish(starting, ret, error);
}
