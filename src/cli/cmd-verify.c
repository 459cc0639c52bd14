/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "cli/command.h"
#include "hypervisor/relabel.h"
#include "hypervisor/run-spec.h"
#include "verify/foreign.h"
#include "verify/host.h"
#include "verify/verify.h"

static const char *const columns[] = { "Domain", "Process", "Check", "Result",
                                       "Found", NULL };

/* One VM looked at. */
typedef struct Seen {
    SvirtRunStatus *run; /* borrowed; NULL: not svirt's */
    bool has_spec;   /* it was read */
    bool has_labels; /* of some model, by its spec */
    SvirtSubject *subject; /* owned */
    GPtrArray *rows;     /* owned */
} Seen;

static void
free_seen(void *data)
{
    Seen *seen = data;

    g_clear_pointer(&seen->rows, g_ptr_array_unref);
    svirt_subject_free(seen->subject);
    g_free(seen);
}

static Seen *
new_seen(GPtrArray *all, const char *name)
{
    Seen *seen = g_new0(Seen, 1);

    seen->subject = g_new0(SvirtSubject, 1);
    seen->subject->name = g_strdup(name);
    g_ptr_array_add(all, seen);
    return seen;
}

/* What was found of the VMM's labels is what the others are compared with. */
static void
take_labels(Seen *seen)
{
    for (unsigned i = 0; i < seen->rows->len; i++) {
        const SvirtVerifyRow *row = seen->rows->pdata[i];
        SvirtModelKind kind;

        if (row->process == SVIRT_PROCESS_VMM &&
            g_str_has_prefix(row->what, "label ") &&
            svirt_model_kind_from_string(row->what + 6, &kind)) {
            seen->subject->label[kind] = g_strdup(row->found);
        }
    }
    seen->subject->rows = seen->rows;
}

/* What keeps one VM from being looked at is a finding of its own: its author
 * must not be able to keep the others from being told. Takes `problem`. */
static void
add_fault(Seen *seen, const char *what, GError *problem)
{
    SvirtVerifyRow *row = g_new0(SvirtVerifyRow, 1);

    if (seen->rows == NULL) {
        seen->rows = g_ptr_array_new_with_free_func(
            (GDestroyNotify)svirt_verify_row_free);
        seen->subject->rows = seen->rows;
    }
    row->what = g_strdup(what);
    row->process = SVIRT_PROCESS_VMM;
    row->of_host = true;
    row->expected = g_strdup("readable");
    row->found = g_strdup(problem->message);
    g_ptr_array_add(seen->rows, row);
    g_error_free(problem);
}

/* One that is being started, or has ended, has nothing to show. */
static void
note_unreadable(Seen *seen, GError *problem)
{
    if ((seen->run->flags & SVIRT_RUN_STARTING) != 0 ||
        g_error_matches(problem, SVIRT_ERROR, SVIRT_ERROR_STATE)) {
        g_error_free(problem);
    } else {
        add_fault(seen, "launch spec", problem);
    }
}

/* What a thread reads of one VM. */
typedef struct Source {
    int run_dirs; /* borrowed */
    Seen *seen;   /* borrowed */
} Source;

static bool
read_spec(SvirtVerifyJob *job, GByteArray *room, const SvirtLaunchSpec **ret,
          GError **error)
{
    const Source *source = job->data;
    Seen *seen = source->seen;

    seen->has_spec =
        svirt_run_spec_read(source->run_dirs, &seen->run->uuid,
                            seen->run->name, room, ret, error);
    seen->has_labels = seen->has_spec && (*ret)->n_labels > 0;
    return seen->has_spec;
}

/* `host`: the whole host is looked at: one VM that ends meanwhile is no
 * reason to tell nothing of the others. */
static bool
look_at_runs(const SvirtCli *cli, GPtrArray *runs, bool host, GPtrArray *all,
             GError **error)
{
    g_autofree SvirtVerifyJob *jobs = g_new0(SvirtVerifyJob, runs->len + 1);
    g_autofree Source *sources = g_new0(Source, runs->len + 1);
    int run_dirs = svirt_manager_run_dir(cli->manager, false, error);
    bool ok = true;

    if (run_dirs < 0) {
        return runs->len == 0;
    }
    for (unsigned i = 0; i < runs->len; i++) {
        Seen *one = new_seen(all, ((SvirtRunStatus *)runs->pdata[i])->name);

        one->run = runs->pdata[i];
        one->subject->ours = true;
        sources[i] = (Source){ run_dirs, one };
        jobs[i].status = one->run;
        jobs[i].read_spec = read_spec;
        jobs[i].data = &sources[i];
    }
    svirt_verify_jobs(jobs, runs->len);
    for (unsigned i = 0; i < runs->len; i++) {
        Seen *one = sources[i].seen;

        one->rows = jobs[i].rows;
        if (jobs[i].rows != NULL) {
            take_labels(one);
        } else if (host && !one->has_spec) {
            note_unreadable(one, g_steal_pointer(&jobs[i].error));
        } else if (ok && (!host || !g_error_matches(jobs[i].error, SVIRT_ERROR,
                                                    SVIRT_ERROR_STATE))) {
            g_propagate_error(error, g_steal_pointer(&jobs[i].error));
            ok = false;
        }
        g_clear_error(&jobs[i].error);
    }
    return ok;
}

static void
look_at_objects(const SvirtCli *cli, GPtrArray *all)
{
    g_autoptr(SvirtMounts) mounts = NULL;

    for (unsigned i = 0; i < all->len; i++) {
        Seen *seen = all->pdata[i];
        g_autoptr(SvirtDefinition) definition = NULL;
        GError *problem = NULL;
        char uuid[SVIRT_UUID_TEXT];

        if (seen->rows == NULL || !seen->has_spec ||
            (!svirt_relabel_matters() && !seen->has_labels)) {
            continue;
        }
        svirt_uuid_format(&seen->run->uuid, uuid);
        if ((mounts == NULL && !svirt_mounts_read(&mounts, &problem)) ||
            !svirt_manager_find(cli->manager, uuid, &definition, &problem) ||
            !svirt_relabel_verify(cli->manager, mounts, definition, seen->rows,
                                  seen->subject->image, seen->subject->given,
                                  &problem)) {
            add_fault(seen, "objects", problem);
        }
    }
}

static void
compare_claims(const SvirtForeign *foreign, Seen *seen)
{
    for (unsigned i = 0; i < SVIRT_MODEL_MAX; i++) {
        const SvirtModel *model = svirt_model_by_kind((SvirtModelKind)i);
        const char *found = seen->subject->label[i];
        SvirtVerifyRow *row;

        seen->subject->image[i] = g_strdup(foreign->image[i]);
        seen->subject->given[i] = foreign->given[i];
        if (model == NULL || found == NULL || foreign->claim[i] == NULL) {
            continue;
        }
        row = g_new0(SvirtVerifyRow, 1);
        row->what = g_strdup_printf(
            "claim %s", svirt_model_kind_to_string((SvirtModelKind)i));
        row->ok = model->labels_equal(found, foreign->claim[i]);
        row->expected = g_strdup(foreign->claim[i]);
        row->found = g_strdup(row->ok ? "as libvirt says"
                                      : foreign->claim[i]);
        g_ptr_array_add(seen->rows, row);
    }
}

static bool
look_at_foreign(const SvirtForeign *foreign, GPtrArray *all, GError **error)
{
    Seen *seen = new_seen(all, foreign->name);

    if (!svirt_verify_foreign(foreign->pid, &seen->rows, seen->subject->label,
                              error)) {
        return false;
    }
    seen->subject->rows = seen->rows;
    compare_claims(foreign, seen);
    return true;
}

static bool
look_at_the_rest(const GPtrArray *runs, GPtrArray *all, GError **error)
{
    g_autoptr(GArray) own = g_array_new(FALSE, FALSE, sizeof(pid_t));
    g_autoptr(GPtrArray) list = NULL;

    for (unsigned i = 0; i < runs->len; i++) {
        const SvirtRunStatus *run = runs->pdata[i];

        for (unsigned j = 0; j < SVIRT_PROCESS_MAX; j++) {
            pid_t pid = run->process[j].pid;

            g_array_append_val(own, pid);
        }
    }
    if (!svirt_foreign_list(SVIRT_LIBVIRT_RUN_DIR, own, &list, error)) {
        return false;
    }
    for (unsigned i = 0; i < list->len; i++) {
        g_autoptr(GError) gone = NULL;

        if (!look_at_foreign(list->pdata[i], all, &gone)) {
            Seen *seen = all->pdata[all->len - 1];

            g_clear_pointer(&seen->rows, g_ptr_array_unref);
        }
    }
    return true;
}

static bool
find_named(const SvirtCli *cli, char **names, GPtrArray *runs, GError **error)
{
    for (char **name = names; *name != NULL; name++) {
        g_autoptr(SvirtDefinition) definition = NULL;
        g_autofree SvirtRunStatus *run = g_new0(SvirtRunStatus, 1);

        if (!svirt_manager_find(cli->manager, *name, &definition, error) ||
            !svirt_manager_run_status(cli->manager, &definition->uuid, run,
                                      error)) {
            return false;
        }
        if (!svirt_run_status_is_active(run)) {
            return svirt_raise(error, SVIRT_ERROR_STATE, NULL,
                               "svirt list shows what runs",
                               "domain '%s' is not running",
                               definition->name);
        }
        g_ptr_array_add(runs, g_steal_pointer(&run));
    }
    return true;
}

static void
print(const SvirtCli *cli, const GPtrArray *all, int *ret_exit)
{
    g_autoptr(SvirtTable) table = svirt_table_new(columns);

    for (unsigned i = 0; i < all->len; i++) {
        const Seen *seen = all->pdata[i];

        for (unsigned j = 0; seen->rows != NULL && j < seen->rows->len; j++) {
            const SvirtVerifyRow *row = seen->rows->pdata[j];
            const char *result =
                row->ok ? "ok" : row->advice ? "weak" : "WRONG";
            const char *const cells[] = {
                seen->subject->name, svirt_verify_process_word(row->process),
                row->what, result, row->found
            };

            svirt_table_add_row(table, cells);
        }
        if (seen->rows != NULL && !svirt_verify_rows_ok(seen->rows)) {
            *ret_exit = SVIRT_ERROR_UNVERIFIED;
        }
    }
    svirt_cli_print_table(cli, table);
}

static bool
parse_pid(const char *text, pid_t *ret, GError **error)
{
    guint64 number;

    if (!g_ascii_string_to_unsigned(text, 10, 2, G_MAXINT32, &number, NULL)) {
        return svirt_raise(error, SVIRT_ERROR_USAGE, NULL,
                           "give the number of an emulator's process, as ps "
                           "shows it",
                           "'%s' is no process that runs a VM", text);
    }
    *ret = (pid_t)number;
    return true;
}

static bool
look(const SvirtCli *cli, GPtrArray *all, GError **error)
{
    char **names = svirt_arguments_rest(cli->args);
    const char *pid = svirt_arguments_text(cli->args, "pid");
    g_autoptr(GPtrArray) runs = NULL;
    bool host = names[0] == NULL;

    if (pid != NULL) {
        g_autoptr(SvirtForeign) foreign = svirt_foreign_new(NULL, 0);

        if (names[0] != NULL) {
            return svirt_raise(error, SVIRT_ERROR_USAGE, NULL, NULL,
                               "--pid goes without a domain");
        }
        g_clear_pointer(&foreign->name, g_free);
        foreign->name = g_strdup_printf("pid %s", pid);
        return parse_pid(pid, &foreign->pid, error) &&
               look_at_foreign(foreign, all, error);
    }
    if (host) {
        if (!svirt_manager_list_runs(cli->manager, &runs, error)) {
            return false;
        }
    } else {
        runs = g_ptr_array_new_with_free_func(g_free);
        if (!find_named(cli, names, runs, error)) {
            return false;
        }
    }
    if (!look_at_runs(cli, runs, host, all, error)) {
        return false;
    }
    look_at_objects(cli, all);
    /* `all` borrows the runs until here alone. */
    for (unsigned i = 0; i < all->len; i++) {
        ((Seen *)all->pdata[i])->run = NULL;
    }
    return !host || look_at_the_rest(runs, all, error);
}

bool
svirt_cmd_verify(const SvirtCli *cli, int *ret_exit, GError **error)
{
    g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func(free_seen);
    g_autoptr(GPtrArray) subjects = g_ptr_array_new();

    if (!look(cli, all, error)) {
        return false;
    }
    for (unsigned i = 0; i < all->len; i++) {
        const Seen *seen = all->pdata[i];

        if (seen->rows != NULL) {
            g_ptr_array_add(subjects, seen->subject);
        }
    }
    svirt_verify_compare(subjects);
    print(cli, all, ret_exit);
    return true;
}
