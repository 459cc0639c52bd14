/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "exec/exec.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "base/user-namespace.h"
#include "compartment/relabel-apply.h"
#include "compartment/restore.h"
#include "exec/exec-launch.h"
#include "exec/exec-private.h"
#include "hypervisor/kvm.h"
#include "hypervisor/model-labels.h"
#include "hypervisor/runtime.h"
#include "launch/root.h"

void
svirt_exec_report_clear(SvirtExecReport *report)
{
    g_clear_pointer(&report->files, g_ptr_array_unref);
    g_clear_pointer(&report->plan, g_free);
}

static void
free_shown(void *data)
{
    SvirtExecShown *shown = data;

    g_free(shown->path);
    g_free(shown);
}

void
svirt_exec_run_clear(SvirtExecRun *run)
{
    g_clear_pointer(&run->plan, svirt_relabel_plan_free);
    g_clear_pointer(&run->shares, g_ptr_array_unref);
    g_clear_pointer(&run->compartment, svirt_compartment_free);
    g_clear_pointer(&run->facts, svirt_refusal_facts_free);
    g_clear_pointer(&run->definition, svirt_definition_free);
    g_clear_pointer(&run->program, g_free);
    svirt_exec_slot_clear(&run->slot);
}

/* As a shell would: a name with a slash is a path, another is looked for. */
static bool
find_program(SvirtExecRun *run, GError **error)
{
    const char *word = run->request->argv[0];

    if (strchr(word, '/') != NULL) {
        run->program = g_canonicalize_filename(word, NULL);
        return true;
    }
    run->program = g_find_program_in_path(word);
    run->no_program = run->program == NULL;
    return run->program != NULL ||
           svirt_raise(error, SVIRT_ERROR_NOT_FOUND, NULL,
                       "give its path", "program '%s' is not in PATH", word);
}

static bool
claim(SvirtExecRun *run, const SvirtConfig *config,
      const SvirtDomain *domain, GError **error)
{
    SvirtState *state =
        svirt_manager_state(run->manager, SVIRT_STATE_READ, error);

    if (state == NULL ||
        !svirt_compartment_find(state, config, run->definition, domain,
                                &run->compartment, error)) {
        return false;
    }
    if (run->compartment != NULL) {
        return true;
    }
    state = svirt_manager_state(run->manager, SVIRT_STATE_WRITE, error);
    return state != NULL &&
           svirt_compartment_claim(state,
                                   svirt_manager_connection(run->manager),
                                   config, run->definition, domain,
                                   &run->compartment, error);
}

static bool
find_compartment(SvirtExecRun *run, GError **error)
{
    const SvirtConfig *config = svirt_manager_config(run->manager, error);
    g_autoptr(SvirtDomain) domain = NULL;
    g_autofree char *name =
        run->request->name != NULL
            ? g_strdup(run->request->name)
            : g_strdup_printf("exec-%u", run->slot.number);

    run->definition =
        svirt_exec_slot_definition(&run->slot, name, run->request->kvm);
    if (config == NULL ||
        !svirt_manager_parse(run->definition, &domain, error) ||
        !claim(run, config, domain, error)) {
        return false;
    }
    /* No host "runs" it; the shares say for which files it is in force. */
    run->compartment->labels[run->compartment->label_count++] =
        (SvirtCompartmentLabel){ .model = SVIRT_MODEL_ACL, .active = true };
    return true;
}

/* Those below /usr are there in every compartment. */
static bool
is_hosts_own(const char *program)
{
    struct stat st;

    return (g_str_has_prefix(program, "/usr/") ||
            g_str_has_prefix(program, "/bin/") ||
            g_str_has_prefix(program, "/sbin/")) &&
           stat(program, &st) == 0 &&
           (st.st_uid == 0 || svirt_user_namespace_is_own()) &&
           (st.st_mode & (S_IXOTH | S_IROTH)) == (S_IXOTH | S_IROTH);
}

static bool
open_one(const SvirtShareRequest *request, SvirtExecRun *run,
         const SvirtExecFile *file, bool execute, GError **error)
{
    SvirtShare *share = NULL;

    if (!svirt_share_open(request, file->path, file->write, execute,
                          file->number, &share, error)) {
        return false;
    }
    g_ptr_array_add(run->shares, share);
    return true;
}

static bool
open_shares(SvirtExecRun *run, GError **error)
{
    const GArray *files = run->request->files;
    const bool own = is_hosts_own(run->program);
    const SvirtExecFile program = { run->program, false, -1 };
    SvirtRefusals refusals = {
        .state = svirt_manager_state(run->manager, SVIRT_STATE_READ, error),
        .definition = run->definition,
        .now_s = run->now_s,
    };
    SvirtShareRequest request = {
        .refusals = &refusals,
        .compartment = run->compartment,
        .locks = run->request->locks,
        .own_ids = (run->lacking_layers & SVIRT_LAYER_UID) != 0,
    };
    GError *problem = NULL;

    if (refusals.state == NULL) {
        return false;
    }
    if (own && files->len == 0) {
        return true;
    }
    if (!svirt_refusal_facts_new(svirt_manager_connection(run->manager),
                                 svirt_manager_config(run->manager, NULL),
                                 &run->facts, error)) {
        return false;
    }
    refusals.facts = run->facts;
    for (unsigned i = 0; i < files->len; i++) {
        if (!open_one(&request, run,
                      &g_array_index(files, SvirtExecFile, i), false,
                      error)) {
            return false;
        }
    }
    if (own || open_one(&request, run, &program, true, &problem)) {
        return true;
    }
    run->no_program =
        g_error_matches(problem, SVIRT_ERROR, SVIRT_ERROR_NOT_FOUND);
    g_propagate_error(error, problem);
    return false;
}

static bool
plan(SvirtExecRun *run, GError **error)
{
    g_autoptr(GArray) items =
        g_array_new(FALSE, TRUE, sizeof(SvirtRelabelItem));

    for (unsigned i = 0; i < run->shares->len; i++) {
        const SvirtShare *share = run->shares->pdata[i];
        SvirtRelabelItem item = svirt_share_item(share);

        if (!share->execute) {
            g_array_append_val(items, item);
        }
    }
    return svirt_relabel_plan_new(run->compartment,
                                  (const SvirtRelabelItem *)(void *)items->data,
                                  items->len, &run->plan, error);
}

static bool
apply(SvirtExecRun *run, GError **error)
{
    SvirtState *state;

    if (run->plan->steps->len == 0 && run->plan->held->len == 0) {
        return true;
    }
    state = svirt_manager_state(run->manager, SVIRT_STATE_WRITE, error);
    run->applied = state != NULL;
    return state != NULL &&
           svirt_relabel_apply(state, run->plan, "exec", run->now_s, NULL,
                               error);
}

/* What cannot be given back now stays recorded: svirt recover. */
static bool
give_back(SvirtExecRun *run, GError **error)
{
    SvirtState *state =
        svirt_manager_state(run->manager, SVIRT_STATE_WRITE, error);
    g_autoptr(GPtrArray) rows = NULL;

    return state != NULL &&
           svirt_restore_owner(state, &run->slot.uuid, NULL, NULL, &rows,
                               error) &&
           (svirt_restore_rows_complete(rows) ||
            svirt_raise(error, SVIRT_ERROR_FAILED, NULL, "svirt recover",
                        "not every file could be given back"));
}

static void
report_dry_run(const SvirtExecRun *run, SvirtExecReport *ret)
{
    ret->files = g_ptr_array_new_with_free_func(free_shown);
    for (unsigned i = 0; i < run->shares->len; i++) {
        const SvirtShare *share = run->shares->pdata[i];
        SvirtExecShown *shown = g_new0(SvirtExecShown, 1);

        shown->path = g_strdup(share->path);
        shown->way = svirt_share_way_to_string(share->way);
        shown->write = share->write;
        g_ptr_array_add(ret->files, shown);
    }
    ret->plan = svirt_relabel_plan_to_table(run->plan);
}

/* What a user mounts is seen by nobody else; for root it is never attached. */
static bool
enter_mounts(SvirtExecRun *run, GError **error)
{
    const SvirtConfig *config = svirt_manager_config(run->manager, error);
    SvirtLaunchFailure failure;

    if (config == NULL) {
        return false;
    }
    if (!svirt_manager_connection(run->manager)->unprivileged) {
        return true;
    }
    run->lacking_layers = svirt_runtime_user_lacks(
        config, run->request->kvm, &run->alike);
    if ((run->lacking_layers & SVIRT_LAYER_ROOT) != 0) {
        return svirt_raise(error, SVIRT_ERROR_UNSUPPORTED, NULL,
                           "allow user namespaces, or run it as root",
                           "this kernel refuses user namespaces, and without "
                           "one a program's files cannot be put into a root "
                           "of its own");
    }
    return (unshare(CLONE_NEWNS) == 0 && svirt_root_make_private(&failure)) ||
           svirt_raise_errno(error, errno, NULL,
                             "cannot make a place for the program's files");
}

static bool
prepare(SvirtExecRun *run, GError **error)
{
    return enter_mounts(run, error) &&
           (!run->request->kvm ||
            svirt_kvm_check(svirt_manager_run_dir(run->manager, true, NULL),
                            error)) &&
           find_program(run, error) &&
           svirt_exec_slot_take(run->manager, &run->slot, error) &&
           find_compartment(run, error) && open_shares(run, error) &&
           plan(run, error);
}

bool
svirt_exec(SvirtManager *manager, const SvirtExecRequest *request,
           SvirtExecReport *ret, GError **error)
{
    g_auto(SvirtExecRun) run = {
        .manager = manager,
        .request = request,
        .slot = SVIRT_EXEC_SLOT_INIT,
        .shares = g_ptr_array_new_with_free_func(
            (GDestroyNotify)svirt_share_free),
        .now_s = time(NULL),
    };
    GError *problem = NULL;

    memset(ret, 0, sizeof(*ret));
    if (!prepare(&run, error)) {
        ret->no_program = run.no_program;
        return false;
    }
    if (request->dry_run) {
        report_dry_run(&run, ret);
        return true;
    }
    (void)(apply(&run, &problem) &&
           svirt_exec_launch(&run, &ret->status, &problem));
    /* Its end comes first: nothing is given back under a living program. */
    if (run.applied && !give_back(&run, problem == NULL ? &problem : NULL)) {
        ret->status = -1;
    }
    if (run.loaded &&
        !svirt_model_labels_unload(run.compartment,
                                   problem == NULL ? &problem : NULL)) {
        ret->status = -1;
    }
    ret->no_program = run.no_program;
    if (problem != NULL) {
        g_propagate_error(error, problem);
        return false;
    }
    return true;
}
