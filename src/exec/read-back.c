/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "exec/read-back.h"

#include <string.h>
#include <unistd.h>

#include "keeper/status.h"
#include "verify/verify.h"

/* False: it is gone. */
static bool
set_process(SvirtRunProcess *ret, const SvirtLaunched *launched, uint32_t uid)
{
    ret->pid = launched->pid;
    ret->uid = uid;
    return svirt_process_start_time(launched->pid, &ret->start_time);
}

static void
set_cgroup(SvirtRunStatus *status, SvirtLeaf leaf, int fd)
{
    char link[32];
    ssize_t got;

    (void)g_snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    got = fd >= 0 ? readlink(link, status->cgroup[leaf],
                             SVIRT_STATUS_MAX_CGROUP - 1)
                  : 0;
    status->cgroup[leaf][MAX(got, 0)] = '\0';
}

bool
svirt_exec_row_matters(const struct SvirtVerifyRow *row, bool connects)
{
    static const char *const others[] = { "descriptors", "image locks" };

    for (size_t i = 0; i < G_N_ELEMENTS(others); i++) {
        if (strcmp(row->what, others[i]) == 0) {
            return false;
        }
    }
    /* --tcp-connect leaves it the host's network, and Landlock one port. */
    if (connects && strcmp(row->what, "namespaces") == 0 &&
        strcmp(row->found, "the host's: net") == 0) {
        return false;
    }
    return !row->ok && !row->advice && !row->of_host;
}

bool
svirt_exec_read_back(const SvirtExecProcesses *processes,
                     const SvirtLaunchSpec *spec, const char *shown,
                     GError **error)
{
    const bool connects = (spec->exec & SVIRT_EXEC_CONNECT) != 0;
    g_autoptr(GPtrArray) rows = NULL;
    SvirtRunStatus status;

    svirt_run_status_init(&status, &spec->uuid, "program");
    status.waived_layers = spec->waived_layers;
    status.keeper.pid = getpid();
    set_cgroup(&status, SVIRT_LEAF_VMM, processes->vmm_cgroup_fd);
    set_cgroup(&status, SVIRT_LEAF_HELPER, processes->helper_cgroup_fd);
    if (!svirt_process_start_time(getpid(), &status.keeper.start_time) ||
        !set_process(&status.process[SVIRT_PROCESS_VMM], processes->program,
                     spec->ids[SVIRT_PROCESS_VMM].uid) ||
        (processes->passt != NULL &&
         !set_process(&status.process[SVIRT_PROCESS_PASST], processes->passt,
                      spec->ids[SVIRT_PROCESS_PASST].uid)) ||
        !svirt_verify_run(&status, spec, &rows, NULL)) {
        return svirt_raise(error, SVIRT_ERROR_UNVERIFIED, NULL, NULL,
                           "'%s' was ended: it cannot be looked at", shown);
    }
    for (unsigned i = 0; i < rows->len; i++) {
        const SvirtVerifyRow *row = rows->pdata[i];

        if (svirt_exec_row_matters(row, connects)) {
            return svirt_raise(error, SVIRT_ERROR_UNVERIFIED, NULL, NULL,
                               "'%s' was ended: %s of its %s: expected %s, "
                               "found %s", shown, row->what,
                               row->process == SVIRT_PROCESS_VMM
                                   ? "process"
                                   : svirt_verify_process_word(row->process),
                               row->expected, row->found);
        }
    }
    return true;
}
