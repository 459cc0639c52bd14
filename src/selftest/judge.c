/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "selftest/selftest.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

SVIRT_ENUM_TABLE(SvirtSelftestVerdict, svirt_selftest_verdict,
                 SVIRT_SELFTEST_MAX, [SVIRT_SELFTEST_HELD] = "held",
                 [SVIRT_SELFTEST_OPEN] = "open",
                 [SVIRT_SELFTEST_ABSENT] = "absent",
                 [SVIRT_SELFTEST_BREACH] = "breach",
                 [SVIRT_SELFTEST_BROKEN] = "broken")

SvirtSelftestVerdict
svirt_selftest_judge(const SvirtSelftestRow *row)
{
    bool absent = row->control.outcome == SVIRT_PROBE_OUTCOME_ABSENT;

    if (!row->control_made || !row->confined_made) {
        return SVIRT_SELFTEST_BROKEN;
    }
    /* Inside is what counts, whatever the control says. */
    if (row->confined.outcome == SVIRT_PROBE_OUTCOME_DONE) {
        return *row->open_reason ? SVIRT_SELFTEST_OPEN
                                 : SVIRT_SELFTEST_BREACH;
    }
    if (absent) {
        return SVIRT_SELFTEST_ABSENT;
    }
    if (row->control.outcome != SVIRT_PROBE_OUTCOME_DONE ||
        (row->confined.outcome != SVIRT_PROBE_OUTCOME_BLOCKED &&
         row->confined.outcome != SVIRT_PROBE_OUTCOME_SIGNAL)) {
        return SVIRT_SELFTEST_BROKEN;
    }
    return SVIRT_SELFTEST_HELD;
}

/* What each layer answers with, the likeliest first. */
static const struct {
    int error;
    SvirtProbeLayer layer;
} answers[] = {
    { EPERM, SVIRT_PROBE_LAYER_FILTER },
    { ENOSYS, SVIRT_PROBE_LAYER_FILTER },
    { EPERM, SVIRT_PROBE_LAYER_CAPABILITY },
    { EACCES, SVIRT_PROBE_LAYER_CAPABILITY },
    { EPERM, SVIRT_PROBE_LAYER_LANDLOCK },
    { EPERM, SVIRT_PROBE_LAYER_RLIMIT },
    { ENOENT, SVIRT_PROBE_LAYER_ROOT },
    { ENOTDIR, SVIRT_PROBE_LAYER_ROOT },
    { EROFS, SVIRT_PROBE_LAYER_ROOT },
    { ENODEV, SVIRT_PROBE_LAYER_ROOT },
    { EACCES, SVIRT_PROBE_LAYER_LANDLOCK },
    { EACCES, SVIRT_PROBE_LAYER_DAC },
    { EPERM, SVIRT_PROBE_LAYER_DAC },
    { EPERM, SVIRT_PROBE_LAYER_CGROUP },
    { ESRCH, SVIRT_PROBE_LAYER_NAMESPACE },
    { ENOENT, SVIRT_PROBE_LAYER_NAMESPACE },
    { EINVAL, SVIRT_PROBE_LAYER_NAMESPACE },
    { EIDRM, SVIRT_PROBE_LAYER_NAMESPACE },
    { ECONNREFUSED, SVIRT_PROBE_LAYER_NAMESPACE },
    { ENETUNREACH, SVIRT_PROBE_LAYER_NAMESPACE },
    { EADDRNOTAVAIL, SVIRT_PROBE_LAYER_NAMESPACE },
    /* passt's way to say that it could not, and a gateway that is none. */
    { ECONNREFUSED, SVIRT_PROBE_LAYER_CGROUP },
    { ETIMEDOUT, SVIRT_PROBE_LAYER_PASST },
    { ETIMEDOUT, SVIRT_PROBE_LAYER_CGROUP },
    { EFBIG, SVIRT_PROBE_LAYER_RLIMIT },
    { EINVAL, SVIRT_PROBE_LAYER_RLIMIT },
    { ENOMEM, SVIRT_PROBE_LAYER_RLIMIT },
    { EAGAIN, SVIRT_PROBE_LAYER_RLIMIT },
    { EAGAIN, SVIRT_PROBE_LAYER_CGROUP },
    { EBADF, SVIRT_PROBE_LAYER_DESCRIPTOR },
    { EINVAL, SVIRT_PROBE_LAYER_DESCRIPTOR },
    { EACCES, SVIRT_PROBE_LAYER_DESCRIPTOR },
    { EPERM, SVIRT_PROBE_LAYER_DESCRIPTOR },
    { EISCONN, SVIRT_PROBE_LAYER_DESCRIPTOR },
    { ENOTTY, SVIRT_PROBE_LAYER_DESCRIPTOR },
    { ENOTDIR, SVIRT_PROBE_LAYER_DESCRIPTOR },
};

/* From the runs with one layer each. */
static SvirtProbeLayer
layer_measured(uint32_t alone)
{
    for (unsigned i = 0; i < SVIRT_PROBE_LAYER_MAX; i++) {
        if (alone & (1u << i)) {
            return i;
        }
    }
    return SVIRT_PROBE_LAYER_MAX;
}

SvirtProbeLayer
svirt_selftest_layer(const SvirtSelftestRow *row)
{
    const SvirtProbeRecord *got = &row->confined;

    if (row->alone) {
        return layer_measured(row->alone);
    }
    if (got->outcome == SVIRT_PROBE_OUTCOME_SIGNAL) {
        return got->signal == SIGSYS    ? SVIRT_PROBE_LAYER_FILTER
               : got->signal == SIGXFSZ ? SVIRT_PROBE_LAYER_RLIMIT
               : got->signal == SIGKILL ? SVIRT_PROBE_LAYER_CGROUP
                                        : SVIRT_PROBE_LAYER_MAX;
    }
    if (got->outcome != SVIRT_PROBE_OUTCOME_BLOCKED) {
        return SVIRT_PROBE_LAYER_MAX;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(answers); i++) {
        if (answers[i].error == got->error &&
            (row->layers & (1u << answers[i].layer))) {
            return answers[i].layer;
        }
    }
    /* What would be blocked elsewhere has no name in its own root at all. */
    return got->error == ENOENT ? SVIRT_PROBE_LAYER_ROOT
                                : SVIRT_PROBE_LAYER_MAX;
}

void
svirt_selftest_outcome_format(const SvirtProbeRecord *record, bool made,
                              char *text, size_t size)
{
    const char *word = NULL;

    if (!made) {
        word = "not made";
    } else if (record->outcome == SVIRT_PROBE_OUTCOME_BLOCKED) {
        word = strerrorname_np(record->error);
    } else if (record->outcome == SVIRT_PROBE_OUTCOME_SIGNAL) {
        (void)g_snprintf(text, (gulong)size, "SIG%s",
                         sigabbrev_np(record->signal)
                             ? sigabbrev_np(record->signal)
                             : "?");
        return;
    } else {
        word = svirt_probe_outcome_to_string(record->outcome);
    }
    (void)g_strlcpy(text, word ? word : "?", size);
}

SvirtSelftestRow *
svirt_selftest_row(SvirtSelftest *selftest, const char *name)
{
    for (guint i = 0; i < selftest->rows->len; i++) {
        SvirtSelftestRow *row = selftest->rows->pdata[i];

        if (strcmp(row->name, name) == 0) {
            return row;
        }
    }
    return NULL;
}

bool
svirt_selftest_excuse(SvirtSelftest *selftest, const char *name,
                      const char *reason)
{
    SvirtSelftestRow *row = svirt_selftest_row(selftest, name);

    if (!row) {
        return false;
    }
    g_free(row->open_reason);
    row->open_reason = g_strdup(reason);
    return true;
}

void
svirt_selftest_count(const SvirtSelftest *selftest,
                     unsigned ret_counts[SVIRT_SELFTEST_MAX])
{
    memset(ret_counts, 0, sizeof(*ret_counts) * SVIRT_SELFTEST_MAX);
    for (guint i = 0; i < selftest->rows->len; i++) {
        ret_counts[svirt_selftest_judge(selftest->rows->pdata[i])]++;
    }
}

int
svirt_selftest_exit_code(const SvirtSelftest *selftest)
{
    unsigned counts[SVIRT_SELFTEST_MAX];

    svirt_selftest_count(selftest, counts);
    return counts[SVIRT_SELFTEST_BREACH] || counts[SVIRT_SELFTEST_BROKEN];
}
