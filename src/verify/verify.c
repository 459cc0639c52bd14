/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "verify/verify.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "verify/check.h"
#include "verify/descriptors.h"
#include "verify/namespaces.h"
#include "verify/process.h"

/* Threads of one process looked at; more is a finding of its own. */
#define THREADS_MAX 65536u

#define add_row svirt_verify_add_row
typedef SvirtVerifyCheck Check;

const char *
svirt_verify_process_word(SvirtProcess process)
{
    return process == SVIRT_PROCESS_VMM   ? "emulator"
           : process == SVIRT_PROCESS_MAX ? "keeper"
                                          : svirt_process_to_string(process);
}

void
svirt_verify_row_free(SvirtVerifyRow *row)
{
    if (row == NULL) {
        return;
    }
    g_free(row->what);
    g_free(row->expected);
    g_free(row->found);
    g_free(row);
}

SvirtVerifyRow *
svirt_verify_add_row(SvirtVerifyCheck *check, const char *what, bool ok,
                     const char *expected, char *found)
{
    SvirtVerifyRow *row = g_new0(SvirtVerifyRow, 1);

    row->what = g_strdup(what);
    row->process = check->process;
    row->ok = ok;
    row->expected = g_strdup(expected);
    row->found = found;
    g_ptr_array_add(check->rows, row);
    return row;
}

static bool
all_equal(const uint32_t ids[4], uint32_t wanted)
{
    return ids[0] == wanted && ids[1] == wanted && ids[2] == wanted &&
           ids[3] == wanted;
}

/* The threads' worst answers; a leader alone proves nothing. */
typedef struct Worst {
    unsigned threads;
    SvirtThreadFacts uid, capabilities, privileges; /* a thread that fails */
    bool bounded; /* the bounding set counts */
    bool uid_ok, capabilities_ok, no_new_privs_ok, seccomp_ok, groups_ok;
} Worst;

/* The bounding set is not a user's to lower; no_new_privs makes it idle. */
static bool
capabilities_empty(const SvirtThreadFacts *facts, bool bounded)
{
    uint64_t any = 0;

    for (unsigned i = 0; i < 5; i++) {
        any |= i == 3 && !bounded ? 0 : facts->capabilities[i];
    }
    return any == 0;
}

static void
look_at_thread(Worst *worst, const SvirtThreadFacts *facts, uint32_t uid)
{
    worst->threads++;
    /* 0 is planned for a user's own alone: the spec refuses it otherwise. */
    if (!all_equal(facts->uid, uid) || !all_equal(facts->gid, facts->gid[0]) ||
        (facts->gid[0] == 0 && uid != 0)) {
        worst->uid_ok = false;
        worst->uid = *facts;
    }
    if (!capabilities_empty(facts, worst->bounded)) {
        worst->capabilities_ok = false;
        worst->capabilities = *facts;
    }
    worst->groups_ok = worst->groups_ok && facts->group_count == 0;
    worst->no_new_privs_ok = worst->no_new_privs_ok && facts->no_new_privs;
    if (facts->seccomp_mode != 2) {
        worst->seccomp_ok = false;
        worst->privileges = *facts;
    }
}

static bool
read_threads(const Check *check, uint32_t uid, Worst *ret)
{
    int copy = openat(check->dir, "task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *tasks = copy >= 0 ? fdopendir(copy) : NULL;
    const struct dirent *entry;
    bool ok = tasks != NULL;

    while (ok && (entry = readdir(tasks)) != NULL) {
        SvirtThreadFacts facts;
        pid_t tid = (pid_t)atoi(entry->d_name);

        if (tid <= 0) {
            continue;
        }
        if (svirt_thread_facts_read(check->dir, tid, &facts)) {
            look_at_thread(ret, &facts, uid);
        } else {
            /* A thread may end while it is looked at, but not change sides. */
            ok = errno == ENOENT || errno == ESRCH;
        }
        ok = ok && ret->threads < THREADS_MAX;
    }
    if (tasks != NULL) {
        (void)closedir(tasks);
    } else {
        svirt_fd_close(&copy);
    }
    return ok && ret->threads > 0;
}

static void
check_threads(Check *check)
{
    uint32_t uid = check->status->process[check->process].uid;
    g_autofree char *wanted = g_strdup_printf("%" PRIu32 ", no groups", uid);
    Worst worst = { .uid_ok = true,
                    .capabilities_ok = true,
                    .no_new_privs_ok = true,
                    .seccomp_ok = true,
                    .groups_ok = true,
                    .bounded = (check->status->waived_layers &
                                SVIRT_LAYER_NAMESPACES) == 0 };

    if (!read_threads(check, uid, &worst)) {
        add_row(check, "threads", false, "all readable",
                g_strdup("cannot be read"));
        return;
    }
    if ((check->status->waived_layers & SVIRT_LAYER_UID) != 0) {
        /* Its user's own, as dominfo says. */
        worst.groups_ok = true;
    }
    add_row(check, "uid", worst.uid_ok && worst.groups_ok &&
            (uid != 0 ||
             (check->status->waived_layers & SVIRT_LAYER_UID) != 0), wanted,
            worst.uid_ok ? g_strdup_printf("%" PRIu32 "%s", uid,
                                           worst.groups_ok ? ", no groups"
                                                           : ", with groups")
                         : g_strdup_printf("%" PRIu32 " in a thread",
                                           worst.uid.uid[1]));
    add_row(check, "capabilities", worst.capabilities_ok, "none",
            worst.capabilities_ok
                ? g_strdup_printf("none in %u threads", worst.threads)
                : g_strdup_printf("%" PRIx64 " effective",
                                  worst.capabilities.capabilities[2]));
    add_row(check, "no_new_privs", worst.no_new_privs_ok, "set",
            g_strdup(worst.no_new_privs_ok ? "set" : "not set"));
    add_row(check, "seccomp", worst.seccomp_ok, "a filter in every thread",
            worst.seccomp_ok ? g_strdup("a filter in every thread")
                             : g_strdup_printf("mode %u in a thread",
                                               worst.privileges.seccomp_mode));
}

static void
check_namespaces(Check *check)
{
    /* passt reaches the network: it stays in the host's. */
    bool network =
        svirt_process_kind(check->process) != SVIRT_PROCESS_PASST;
    const char *wanted =
        network ? "own mnt pid ipc uts net" : "own mnt pid ipc uts";
    g_autofree char *shared =
        svirt_verify_shared_namespaces(check->dir, network);

    if ((check->status->waived_layers & SVIRT_LAYER_NAMESPACES) != 0) {
        return;
    }
    add_row(check, "namespaces", shared[0] == '\0', wanted,
            shared[0] == '\0' ? g_strdup(wanted)
                              : g_strdup_printf("the host's:%s", shared));
}

/* "0::/svirt/<uuid>/vmm" must be the end of the planned directory. */
static void
check_cgroup(Check *check)
{
    const char *planned =
        check->status->cgroup[svirt_process_leaf(check->process)];
    char text[4096];
    const char *line;
    g_autofree char *found = NULL;

    if (planned[0] == '\0') {
        return;
    }
    if (svirt_read_small(check->dir, "cgroup", text, sizeof(text)) < 0) {
        add_row(check, "cgroup", false, planned, g_strdup("cannot be read"));
        return;
    }
    line = g_str_has_prefix(text, "0::") ? text : strstr(text, "\n0::");
    if (line != NULL) {
        line = strchr(line, '/');
        found = line != NULL ? g_strndup(line, strcspn(line, "\n")) : NULL;
    }
    add_row(check, "cgroup",
            found != NULL && strlen(found) > 1 &&
                g_str_has_suffix(planned, found),
            planned, g_strdup(found != NULL ? found : "none"));
}

/* Held by the keeper's descriptions: nothing the emulator does frees them. */
static void
check_locks(Check *check, const SvirtLaunchSpec *spec)
{
    bool lapsed = (check->status->flags & SVIRT_RUN_UNLOCKED) != 0;
    unsigned wanted = 0;
    unsigned held = 0;

    for (uint32_t i = 0; i < spec->n_locks; i++) {
        const SvirtSpecLock *lock = &spec->locks[i];

        if (lock->bytes.used != 0 || lock->bytes.unshared != 0) {
            wanted++;
            held += svirt_lock_bytes_held_by(check->keeper_dir, lock->source,
                                             lock->bytes);
        }
    }
    add_row(check, "image locks", held == wanted && !lapsed,
            "held by the keeper, always",
            g_strdup_printf("%u of %u held%s", held, wanted,
                            lapsed ? ", given up by the emulator before"
                                   : ""));
}

static void
check_descriptors(Check *check, const SvirtLaunchSpec *spec)
{
    g_autofree char *strange = NULL;
    unsigned count = 0;
    const SvirtRunProcess *other =
        &check->status->process[SVIRT_PROCESS_MONITOR];
    SVIRT_AUTO_FD monitor = check->process == SVIRT_PROCESS_VMM &&
                                    svirt_run_process_alive(other)
                                ? svirt_process_open_dir(other->pid)
                                : -1;
    bool ok = svirt_verify_descriptors(check->dir, check->keeper_dir, monitor,
                                       check->process, spec, &count,
                                       &strange);

    add_row(check, "descriptors", ok, "every one known",
            ok ? g_strdup_printf("%u, every one known", count)
               : g_strdup(strange));
    if (check->process == SVIRT_PROCESS_VMM && spec != NULL &&
        check->keeper_dir >= 0) {
        check_locks(check, spec);
    }
}

static bool
check_process(GPtrArray *rows, const SvirtRunStatus *status,
              SvirtProcess process, const SvirtLaunchSpec *spec,
              int keeper_dir, GError **error)
{
    const SvirtRunProcess *run = &status->process[process];
    Check check = { rows, process, status, -1, keeper_dir };

    if (run->pid == 0 && process != SVIRT_PROCESS_VMM) {
        if (spec != NULL && spec->argv[process].count > 0) {
            add_row(&check, "process", false, "alive", g_strdup("gone"));
        }
        return true;
    }
    check.dir = svirt_process_open_dir(run->pid);
    if (check.dir < 0 || !svirt_run_process_alive(run)) {
        svirt_fd_close(&check.dir);
        if (process == SVIRT_PROCESS_VMM) {
            return svirt_raise(error, SVIRT_ERROR_STATE, NULL,
                               "svirt recover",
                               "the emulator of domain '%s' is gone",
                               status->name);
        }
        add_row(&check, "process", false, "alive", g_strdup("gone"));
        return true;
    }
    if (process == SVIRT_PROCESS_VMM) {
        if (keeper_dir >= 0) {
            svirt_verify_check_keeper(&check, spec);
        } else {
            add_row(&check, "keeper", false, "alive",
                    g_strdup("gone: svirt recover"));
        }
    }
    check_threads(&check);
    svirt_verify_check_labels(&check, spec);
    check_namespaces(&check);
    check_cgroup(&check);
    /* A user who is root in no namespace cannot look into what shows itself
     * to nobody; dominfo says that there is none. */
    if (process == SVIRT_PROCESS_VMM ||
        (status->waived_layers & SVIRT_LAYER_NAMESPACES) == 0) {
        check_descriptors(&check, spec);
    }
    svirt_fd_close(&check.dir);
    return true;
}

bool
svirt_verify_run(const SvirtRunStatus *status, const SvirtLaunchSpec *spec,
                 GPtrArray **ret_rows, GError **error)
{
    g_autoptr(GPtrArray) rows = g_ptr_array_new_with_free_func(
        (GDestroyNotify)svirt_verify_row_free);
    SVIRT_AUTO_FD keeper = svirt_run_process_alive(&status->keeper)
                               ? svirt_process_open_dir(status->keeper.pid)
                               : -1;

    for (unsigned i = 0; i < SVIRT_PROCESS_MAX; i++) {
        if (!check_process(rows, status, i, spec, keeper, error)) {
            return false;
        }
    }
    *ret_rows = g_steal_pointer(&rows);
    return true;
}

bool
svirt_verify_foreign(pid_t pid, GPtrArray **ret_rows, char **labels,
                     GError **error)
{
    g_autoptr(GPtrArray) rows = g_ptr_array_new_with_free_func(
        (GDestroyNotify)svirt_verify_row_free);
    SvirtRunStatus status = { .process = { { .pid = pid } } };
    Check check = { rows, SVIRT_PROCESS_VMM, &status, -1, -1 };
    SVIRT_AUTO_FD dir = svirt_process_open_dir(pid);
    struct stat st;

    if (dir < 0 || fstat(dir, &st) < 0) {
        return svirt_raise_errno(error, errno, NULL,
                                 "cannot look at process %d", (int)pid);
    }
    check.dir = dir;
    status.process[SVIRT_PROCESS_VMM].uid = st.st_uid;
    check_threads(&check);
    check_namespaces(&check);
    for (unsigned i = 0; i < rows->len; i++) {
        ((SvirtVerifyRow *)rows->pdata[i])->advice = true;
    }
    for (unsigned i = 0; i < SVIRT_MODEL_MAX; i++) {
        const SvirtModel *model = svirt_model_by_kind((SvirtModelKind)i);
        bool active = false;

        if (model != NULL && model->labels_processes &&
            i != SVIRT_MODEL_TEST && model->probe(&active, NULL) && active) {
            svirt_verify_foreign_label(&check, model, &labels[i]);
        }
    }
    *ret_rows = g_steal_pointer(&rows);
    return true;
}

bool
svirt_verify_rows_ok(const GPtrArray *rows)
{
    for (unsigned i = 0; i < rows->len; i++) {
        const SvirtVerifyRow *row = rows->pdata[i];

        if (!row->ok && !row->advice) {
            return false;
        }
    }
    return rows->len > 0;
}

bool
svirt_verify_started(const SvirtRunStatus *status,
                     const SvirtLaunchSpec *spec, GError **error)
{
    g_autoptr(GPtrArray) rows = NULL;

    if (!svirt_verify_run(status, spec, &rows, error)) {
        return false;
    }
    for (unsigned i = 0; i < rows->len; i++) {
        const SvirtVerifyRow *row = rows->pdata[i];

        if (!row->ok && !row->of_host) {
            return svirt_raise(error, SVIRT_ERROR_UNVERIFIED, NULL, NULL,
                               "domain '%s' was stopped: %s of its %s: "
                               "expected %s, found %s",
                               status->name, row->what,
                               svirt_verify_process_word(row->process),
                               row->expected, row->found);
        }
    }
    return true;
}
