/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/policy-smack.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/fd.h"
#include "keeper/programs.h"
#include "model/model.h"
#include "model/smack-floor.h"
#include "model/smack-fs.h"
#include "state/claims.h"
#include "state/objects.h"

/* Of these the ones that are there and no links: the host's, and no programs
 * that a VM executes or libraries that those load. */
static const char *const usual[] = { "/boot", "/etc",  "/home", "/media",
                                     "/mnt",  "/root", "/srv",  "/var" };
/* Executed and read by VMs, or made anew at each boot. */
static const char *const never[] = { "/usr",  "/bin",  "/sbin",  "/lib",
                                     "/lib32", "/lib64", "/libx32", "/dev",
                                     "/proc", "/sys",  "/run",   "/tmp" };

typedef struct Job {
    const SvirtCli *cli;
    bool dry_run;
    GPtrArray *trees; /* owned char * */
    bool named;       /* by the command line, not because they are usual */
    SvirtSmackTreeCount sum;
} Job;

static void
job_clear(Job *job)
{
    g_clear_pointer(&job->trees, g_ptr_array_unref);
    svirt_smack_tree_count_clear(&job->sum);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Job, job_clear)

static bool
is_below(const char *path, const char *directory)
{
    size_t length = strlen(directory);

    return strncmp(path, directory, length) == 0 &&
           (path[length] == '/' || path[length] == '\0');
}

static void
put_tree(Job *job, const char *path)
{
    if (!g_ptr_array_find_with_equal_func(job->trees, path, g_str_equal,
                                          NULL)) {
        g_ptr_array_add(job->trees, g_strdup(path));
    }
}

/* What this very svirt executes with VMs' labels lies there? */
static bool
holds_programs(const char *path)
{
    g_autofree char *self = g_file_read_link("/proc/self/exe", NULL);
    char monitor[PATH_MAX] = "";

    return self == NULL || is_below(self, path) ||
           (svirt_program_path("monitor", SVIRT_PROGRAM_MONITOR, monitor,
                               sizeof(monitor)) &&
            is_below(monitor, path));
}

static bool
check_tree(const char *path, GError **error)
{
    const char *in_use = holds_programs(path) ? "svirt's programs" : NULL;

    for (unsigned i = 0; in_use == NULL && i < G_N_ELEMENTS(never); i++) {
        if (is_below(path, never[i]) || is_below(never[i], path) ||
            strcmp(path, "/") == 0) {
            in_use = never[i];
        }
    }
    return in_use == NULL ||
           svirt_raise(error, SVIRT_ERROR_REFUSED, NULL,
                       "name directories of data",
                       "'%s' would take %s from VMs, who execute or read what "
                       "is there", path, in_use);
}

static bool
add_tree(const char *path, void *data, GError **error)
{
    g_autofree char *clean = g_canonicalize_filename(path, "/");
    Job *job = data;

    if (path[0] != '/' || strcmp(clean, path) != 0 ||
        strchr(path, '\n') != NULL) {
        return svirt_raise(error, SVIRT_ERROR_INVALID, NULL,
                           "begin with '/', and leave '.', '..' and the last "
                           "'/' out",
                           "'%s' is not the whole path of a directory", path);
    }
    if (!check_tree(path, error)) {
        return false;
    }
    put_tree(job, path);
    job->named = true;
    return true;
}

static void
merge_count(SvirtSmackTreeCount *sum, SvirtSmackTreeCount *more)
{
    sum->changed += more->changed;
    sum->left += more->left;
    if (sum->first_left == NULL) {
        sum->first_left = g_steal_pointer(&more->first_left);
    }
    if (sum->mounts == NULL) {
        sum->mounts = g_steal_pointer(&more->mounts);
    } else {
        g_ptr_array_extend_and_steal(sum->mounts,
                                     g_steal_pointer(&more->mounts));
    }
}

static char **
tree_list(const Job *job)
{
    g_autoptr(GStrvBuilder) builder = g_strv_builder_new();

    for (unsigned i = 0; i < job->trees->len; i++) {
        g_strv_builder_add(builder, g_ptr_array_index(job->trees, i));
    }
    return g_strv_builder_end(builder);
}

static bool
open_smack(int *ret_root, GError **error)
{
    bool active;

    if (!svirt_model_smack.probe(&active, error)) {
        return false;
    }
    if (!active) {
        return svirt_raise(error, SVIRT_ERROR_UNSUPPORTED, NULL,
                           "boot it with security=smack",
                           "this kernel does not run Smack");
    }
    return svirt_smackfs_open(ret_root, error);
}

static bool
start_job(const SvirtCli *cli, int root, SvirtSmackFloor **ret_floor,
          Job *ret, GError **error)
{
    *ret = (Job){
        .cli = cli,
        .dry_run = svirt_arguments_flag(cli->args, "dry-run"),
        .trees = g_ptr_array_new_with_free_func(g_free),
    };
    return svirt_smack_floor_read(root, ret_floor, error) &&
           svirt_arguments_each(cli->args, "tree", add_tree, ret, error);
}

/* Labels that definitions have: those processes are VMs. */
static bool
read_claimed(const SvirtCli *cli, GPtrArray **ret, GError **error)
{
    SvirtState *state =
        svirt_manager_state(cli->manager, SVIRT_STATE_READ, error);
    g_autoptr(GPtrArray) labels = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GPtrArray) claims = NULL;

    if (state == NULL || !svirt_claims_list(state, NULL, &claims, error)) {
        return false;
    }
    for (unsigned i = 0; i < claims->len; i++) {
        const SvirtClaim *claim = g_ptr_array_index(claims, i);

        if (claim->model == SVIRT_MODEL_SMACK) {
            g_ptr_array_add(labels, g_strdup(claim->label));
        }
    }
    *ret = g_steal_pointer(&labels);
    return true;
}

static bool
write_rules(const Job *job, int root, GError **error)
{
    g_autoptr(GPtrArray) claimed = NULL;
    g_auto(GStrv) subjects = NULL;
    g_auto(GStrv) trees = tree_list(job);

    return read_claimed(job->cli, &claimed, error) &&
           svirt_smack_floor_subjects(root, claimed, &subjects, error) &&
           svirt_smack_floor_note(trees, error) &&
           svirt_smack_floor_rule(root, subjects, error);
}

/* One that is only usual, and takes no label, is left out and said to be. */
static bool
label_trees(Job *job, char *const *noted, GError **error)
{
    for (unsigned i = 0; i < job->trees->len;) {
        const char *tree = g_ptr_array_index(job->trees, i);
        g_auto(SvirtSmackTreeCount) count = { .changed = 0 };
        g_autoptr(GError) cause = NULL;
        const bool again =
            noted != NULL && g_strv_contains((const char *const *)noted, tree);

        svirt_cli_say(job->cli, "Labelling what is in '%s'", tree);
        (void)fflush(stdout);
        if (svirt_smack_tree_label(tree, again, job->dry_run, &count,
                                   &cause)) {
            merge_count(&job->sum, &count);
            i++;
            continue;
        }
        if (job->named || again) {
            g_propagate_error(error, g_steal_pointer(&cause));
            return false;
        }
        svirt_cli_say(job->cli, "Left out: %s", cause->message);
        g_ptr_array_remove_index(job->trees, i);
    }
    return true;
}

static void
say_rest(const Job *job)
{
    const GPtrArray *mounts = job->sum.mounts;

    for (unsigned i = 0; mounts != NULL && i < mounts->len; i++) {
        svirt_cli_say(job->cli, "Not entered: '%s', a file system of its own",
                      (const char *)g_ptr_array_index(mounts, i));
    }
    if (job->sum.left > 0) {
        svirt_cli_say(job->cli, "Left as they are: %" PRIu64 ", the first "
                                "of them '%s'",
                      job->sum.left, job->sum.first_left);
    }
}

static void
add_usual(Job *job)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(usual); i++) {
        g_autoptr(GError) cause = NULL;

        if (!g_file_test(usual[i], G_FILE_TEST_IS_DIR) ||
            g_file_test(usual[i], G_FILE_TEST_IS_SYMLINK)) {
            continue;
        }
        if (check_tree(usual[i], &cause)) {
            put_tree(job, usual[i]);
        } else {
            svirt_cli_say(job->cli, "Left out: %s", cause->message);
        }
    }
}

bool
svirt_policy_install_smack(const SvirtCli *cli, GError **error)
{
    g_autoptr(SvirtSmackFloor) floor = NULL;
    g_auto(GStrv) done = NULL;
    SVIRT_AUTO_FD root = -1;
    g_auto(Job) job = { .cli = cli };

    if (!open_smack(&root, error) ||
        !start_job(cli, root, &floor, &job, error)) {
        return false;
    }
    if (!job.named) {
        add_usual(&job);
    }
    for (char **tree = floor->trees; tree != NULL && *tree != NULL; tree++) {
        put_tree(&job, *tree);
    }
    if ((!job.dry_run && !write_rules(&job, root, error)) ||
        !label_trees(&job, floor->trees, error)) {
        return false;
    }
    done = tree_list(&job);
    if (!job.dry_run && !svirt_smack_floor_note(done, error)) {
        return false;
    }
    say_rest(&job);
    svirt_cli_done(cli, NULL, "%" PRIu64 " files and directories %s",
                   job.sum.changed,
                   job.dry_run ? "would leave Smack's floor"
                               : "left Smack's floor");
    return true;
}

static bool
unlabel_trees(Job *job, GError **error)
{
    for (unsigned i = 0; i < job->trees->len; i++) {
        const char *tree = g_ptr_array_index(job->trees, i);
        g_auto(SvirtSmackTreeCount) count = { .changed = 0 };
        g_autoptr(GError) cause = NULL;

        if (svirt_smack_tree_unlabel(tree, job->dry_run, &count, &cause)) {
            merge_count(&job->sum, &count);
        } else if (!g_error_matches(cause, SVIRT_ERROR,
                                    SVIRT_ERROR_NOT_FOUND)) {
            g_propagate_error(error, g_steal_pointer(&cause));
            return false;
        }
    }
    /* The rules go last: what kept the label would be nobody's. */
    return job->sum.left == 0 ||
           svirt_raise(error, SVIRT_ERROR_REFUSED, NULL,
                       "see lsattr for what makes it immutable; the rules "
                       "stay until then",
                       "%" PRIu64 " files keep their label, the first of "
                       "them '%s'", job->sum.left, job->sum.first_left);
}

static bool
forget(const Job *job, int root, GError **error)
{
    SvirtState *state =
        svirt_manager_state(job->cli->manager, SVIRT_STATE_WRITE, error);

    if (state == NULL || !svirt_state_begin(state, error)) {
        return false;
    }
    if (!svirt_objects_rename_original(state, SVIRT_MODEL_SMACK,
                                       SVIRT_SMACK_HOST, SVIRT_SMACK_FLOOR,
                                       error)) {
        svirt_state_rollback(state);
        return false;
    }
    return svirt_state_commit(state, error) &&
           svirt_smack_floor_unrule(root, error) &&
           svirt_smack_floor_note(NULL, error);
}

bool
svirt_policy_uninstall_smack(const SvirtCli *cli, GError **error)
{
    g_autoptr(SvirtSmackFloor) floor = NULL;
    SVIRT_AUTO_FD root = -1;
    g_auto(Job) job = { .cli = cli };

    if (!open_smack(&root, error) ||
        !start_job(cli, root, &floor, &job, error)) {
        return false;
    }
    for (char **tree = floor->trees; tree != NULL && *tree != NULL; tree++) {
        put_tree(&job, *tree);
    }
    if (!unlabel_trees(&job, error) ||
        (!job.dry_run && !forget(&job, root, error))) {
        return false;
    }
    say_rest(&job);
    svirt_cli_done(cli, NULL, "%" PRIu64 " files and directories %s",
                   job.sum.changed,
                   job.dry_run ? "would be back on Smack's floor"
                               : "are back on Smack's floor");
    return true;
}
