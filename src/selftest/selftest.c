/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "selftest/selftest.h"

#include "base/error.h"
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define TARGET_FD (SVIRT_SELFTEST_FIRST_FD - 2)
#define RECORD_FD (SVIRT_SELFTEST_FIRST_FD - 1)
/* Longer than any attempt may take. */
#define SILENCE_MS 40000
#define SLICE_MS 100
#define COLUMNS 7

static void
row_free(gpointer data)
{
    SvirtSelftestRow *row = data;

    g_free(row->name);
    g_free(row->group);
    g_free(row->what);
    g_free(row->open_reason);
    g_free(row->kind);
    g_free(row);
}

void
svirt_selftest_free(SvirtSelftest *selftest)
{
    if (selftest) {
        g_ptr_array_unref(selftest->rows);
        g_free(selftest);
    }
}

static bool
row_parse(const char *line, GPtrArray *rows, GError **error)
{
    g_auto(GStrv) columns = g_strsplit(line, "\t", -1);
    uint32_t layers;
    SvirtSelftestRow *row;

    if (g_strv_length(columns) != COLUMNS ||
        strlen(columns[0]) >= SVIRT_PROBE_NAME ||
        !svirt_probe_layers_parse(columns[2], &layers)) {
        return svirt_raise(error, SVIRT_ERROR_CORRUPT, NULL,
                           "install svirt and svirt-probe of one version",
                           "the probe's table has the line '%s'", line);
    }
    row = g_new0(SvirtSelftestRow, 1);
    row->name = g_strdup(columns[0]);
    row->group = g_strdup(columns[1]);
    row->layers = layers;
    row->together = strcmp(columns[3], "together") == 0;
    row->what = g_strdup(columns[4]);
    row->open_reason = g_strdup(columns[5]);
    row->kind = g_strdup(columns[6]);
    g_ptr_array_add(rows, row);
    return true;
}

bool
svirt_selftest_new(const char *program, SvirtSelftest **ret, GError **error)
{
    const char *const argv[] = { program, "list", NULL };
    g_autoptr(SvirtSelftest) selftest = g_new0(SvirtSelftest, 1);
    g_autofree char *text = NULL;
    g_auto(GStrv) lines = NULL;
    GError *cause = NULL;
    int status;

    selftest->rows = g_ptr_array_new_with_free_func(row_free);
    if (!g_spawn_sync("/", (char **)argv, NULL, G_SPAWN_DEFAULT, NULL, NULL,
                      &text, NULL, &status, &cause) ||
        !g_spawn_check_wait_status(status, &cause)) {
        return svirt_raise(error, SVIRT_ERROR_LAUNCH, cause, NULL,
                           "cannot run '%s'", program);
    }
    lines = g_strsplit(text, "\n", -1);
    for (size_t i = 0; lines[i]; i++) {
        if (*lines[i] && !row_parse(lines[i], selftest->rows, error)) {
            return false;
        }
    }
    if (selftest->rows->len == 0 ||
        selftest->rows->len > SVIRT_PROBE_ROWS_MAX) {
        return svirt_raise(error, SVIRT_ERROR_CORRUPT, NULL, NULL,
                           "the probe's table has %u rows",
                           selftest->rows->len);
    }
    *ret = g_steal_pointer(&selftest);
    return true;
}

/* A pipe's read end that holds the target block. */
static int
target_pipe(const SvirtProbeTarget *target, GError **error)
{
    char text[SVIRT_PROBE_TARGET_TEXT];
    SVIRT_AUTO_FD read_fd = -1;
    SVIRT_AUTO_FD write_fd = -1;
    int ends[2];

    if (!svirt_probe_target_format(target, text, sizeof(text))) {
        (void)svirt_raise(error, SVIRT_ERROR_FAILED, NULL, NULL,
                          "the probe's targets do not fit their message");
        return -1;
    }
    if (pipe2(ends, O_CLOEXEC) < 0) {
        (void)svirt_raise_errno(error, errno, NULL, "cannot make a pipe");
        return -1;
    }
    read_fd = ends[0];
    write_fd = ends[1];
    /* Less than a pipe holds, so this does not wait for a reader. */
    if (!svirt_write_full(write_fd, text, strlen(text))) {
        (void)svirt_raise_errno(error, errno, NULL, "cannot fill a pipe");
        return -1;
    }
    return svirt_fd_steal(&read_fd);
}

/* The rows behind `made` that one run of the probe got to. */
typedef struct Progress {
    guint next;      /* step to start the next run with */
    gint begun_row;  /* begun and not ended, -1 for none */
    bool finished;
} Progress;

static bool
record_apply(SvirtSelftest *selftest, SvirtSelftestMode mode,
             const SvirtProbeRecord *record, Progress *progress,
             GError **error)
{
    const bool control = mode == SVIRT_SELFTEST_OUTSIDE;
    SvirtSelftestRow *row = NULL;

    if (record->phase == SVIRT_PROBE_PHASE_FINISH &&
        progress->next == selftest->rows->len) {
        progress->finished = true;
        return true;
    }
    if (record->row < selftest->rows->len) {
        row = selftest->rows->pdata[record->row];
    }
    if (!row || record->phase == SVIRT_PROBE_PHASE_FINISH ||
        strcmp(row->name, record->name) != 0 ||
        record->step != progress->next ||
        (record->phase == SVIRT_PROBE_PHASE_END) !=
            (progress->begun_row == (gint)record->row)) {
        return svirt_raise(error, SVIRT_ERROR_CORRUPT, NULL, NULL,
                           "the probe's record '%s' is out of order",
                           record->name);
    }
    *(control ? &row->control : &row->confined) = *record;
    if (record->phase == SVIRT_PROBE_PHASE_BEGIN) {
        progress->begun_row = (gint)record->row;
        return true;
    }
    progress->begun_row = -1;
    progress->next++;
    *(control ? &row->control_made : &row->confined_made) = true;
    if (selftest->tell != NULL) {
        selftest->tell(mode, progress->next, selftest->rows->len);
    }
    return true;
}

/* perform.c blocks them, so that the targets are removed first. */
static bool
is_interrupted(void)
{
    sigset_t set;

    return sigpending(&set) == 0 &&
           (sigismember(&set, SIGINT) == 1 ||
            sigismember(&set, SIGTERM) == 1 || sigismember(&set, SIGHUP) == 1);
}

static bool
records_read(SvirtSelftest *selftest, SvirtSelftestMode mode, int fd,
             Progress *progress, GError **error)
{
    struct pollfd wait = { .fd = fd, .events = POLLIN };
    int silence_ms = 0;

    for (;;) {
        SvirtProbeRecord record;
        int got = poll(&wait, 1, SLICE_MS);

        if (is_interrupted()) {
            return svirt_raise(error, SVIRT_ERROR_FAILED, NULL, NULL,
                               "interrupted");
        }
        if (got < 0 && errno == EINTR) {
            continue;
        }
        silence_ms = got == 0 ? silence_ms + SLICE_MS : 0;
        if (got == 0 && silence_ms < SILENCE_MS) {
            continue;
        }
        if (got == 0) {
            return svirt_raise(error, SVIRT_ERROR_TIMEOUT, NULL, NULL,
                               "the probe said nothing for %d seconds",
                               SILENCE_MS / 1000);
        }
        got = svirt_probe_record_read(fd, &record);
        if (got == 0) {
            return true;
        }
        if (got < 0) {
            return svirt_raise(error, SVIRT_ERROR_CORRUPT, NULL, NULL,
                               "the probe's records cannot be read: %s",
                               g_strerror(errno));
        }
        if (!record_apply(selftest, mode, &record, progress, error)) {
            return false;
        }
    }
}

/* The attempt that ended the probe: killed by it, or replaced by a program. */
static bool
ending_apply(SvirtSelftest *selftest, bool control, int status,
             Progress *progress, GError **error)
{
    SvirtSelftestRow *row;
    SvirtProbeRecord *record;

    if (progress->begun_row < 0) {
        return svirt_raise(error, SVIRT_ERROR_FAILED, NULL, NULL,
                           "the probe ended with wait status %d between two "
                           "attempts, at step %u",
                           status, progress->next);
    }
    row = selftest->rows->pdata[progress->begun_row];
    record = control ? &row->control : &row->confined;
    record->phase = SVIRT_PROBE_PHASE_END;
    if (WIFSIGNALED(status)) {
        record->outcome = SVIRT_PROBE_OUTCOME_SIGNAL;
        record->signal = WTERMSIG(status);
    } else {
        record->outcome = SVIRT_PROBE_OUTCOME_DONE;
    }
    *(control ? &row->control_made : &row->confined_made) = true;
    progress->begun_row = -1;
    progress->next++;
    return true;
}

static const char *
mode_option(SvirtSelftestMode mode)
{
    switch (mode) {
    case SVIRT_SELFTEST_OUTSIDE:
        return "--control";
    case SVIRT_SELFTEST_APART:
        return "--separate";
    case SVIRT_SELFTEST_INSIDE:
        return NULL;
    }
    return NULL;
}

static bool
run_from(SvirtSelftest *selftest, SvirtSelftestMode mode,
         const SvirtSelftestTargets *targets,
         const SvirtSelftestRunner *runner, Progress *progress,
         GError **error)
{
    const bool control = mode == SVIRT_SELFTEST_OUTSIDE;
    SvirtSelftestDescriptor fds[SVIRT_SELFTEST_DESCRIPTORS + 2];
    char target_text[16], record_text[16], first_text[16];
    const char *const arguments[] = {
        "run",       "--target-fd", target_text, "--record-fd", record_text,
        "--first",   first_text,    mode_option(mode), NULL,
    };
    SvirtSelftestRun run = { arguments, fds, 0 };
    SvirtProbeTarget target;
    SVIRT_AUTO_FD target_fd = -1;
    SVIRT_AUTO_FD read_fd = -1;
    SVIRT_AUTO_FD write_fd = -1;
    int ends[2];
    int status;
    bool read;
    pid_t pid;

    (void)g_snprintf(target_text, sizeof(target_text), "%d", TARGET_FD);
    (void)g_snprintf(record_text, sizeof(record_text), "%d", RECORD_FD);
    (void)g_snprintf(first_text, sizeof(first_text), "%u", progress->next);
    svirt_selftest_targets_describe(targets, control, &target, fds,
                                    &run.fd_count);
    target_fd = target_pipe(&target, error);
    if (target_fd < 0) {
        return false;
    }
    if (pipe2(ends, O_CLOEXEC) < 0) {
        return svirt_raise_errno(error, errno, NULL, "cannot make a pipe");
    }
    read_fd = ends[0];
    write_fd = ends[1];
    fds[run.fd_count++] = (SvirtSelftestDescriptor){ target_fd, TARGET_FD };
    fds[run.fd_count++] = (SvirtSelftestDescriptor){ write_fd, RECORD_FD };
    if (!runner->start(runner->data, &run, &pid, error)) {
        return false;
    }
    svirt_fd_close(&write_fd);
    read = records_read(selftest, mode, read_fd, progress, error);
    if (!runner->finish(runner->data, pid, !read, &status,
                        read ? error : NULL) ||
        !read) {
        return false;
    }
    return progress->finished ||
           ending_apply(selftest, control, status, progress, error);
}

bool
svirt_selftest_run(SvirtSelftest *selftest, SvirtSelftestMode mode,
                   SvirtSelftestTargets *targets,
                   const SvirtSelftestRunner *runner, GError **error)
{
    Progress progress = { 0, -1, false };

    if (!svirt_selftest_targets_renew(targets, error)) {
        return false;
    }
    while (!progress.finished && progress.next < selftest->rows->len) {
        if (!run_from(selftest, mode, targets, runner, &progress, error)) {
            return false;
        }
    }
    return true;
}
