/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hypervisor/orphan.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>

#include "base/error.h"
#include "base/fd.h"
#include "hypervisor/runtime.h"
#include "hypervisor/unit.h"
#include "monitor/client.h"

#define CLEAR_MS 10000
#define ANSWER_MS 10000

/* -1 with errno; ENOENT: no cgroup v2 here, or never a VM of this instance. */
static int
open_cgroups(SvirtManager *manager, const SvirtUuid *uuid)
{
    const SvirtConnection *connection = svirt_manager_connection(manager);
    g_autofree char *parent = svirt_runtime_cgroup_parent(connection);
    g_autofree char *unit = svirt_unit_cgroup(uuid);
    g_autofree char *path = NULL;
    char mount[PATH_MAX];
    int dir = -1;

    if (!svirt_cgroup_find_mount(-1, mount, sizeof(mount))) {
        return -1;
    }
    path = g_build_filename(mount, unit, NULL);
    if (!connection->embedded) {
        dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    }
    if (dir >= 0) {
        return dir;
    }
    g_free(path);
    path = g_build_filename(mount, parent, NULL);
    return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static bool
remove_cgroups(SvirtManager *manager, const SvirtUuid *uuid, int timeout_ms)
{
    SVIRT_AUTO_FD dir = open_cgroups(manager, uuid);

    return dir >= 0 ? svirt_cgroup_remove(dir, uuid, timeout_ms)
                    : errno == ENOENT;
}

bool
svirt_orphan_lives(SvirtManager *manager, SvirtAdopt *orphan)
{
    SVIRT_AUTO_FD dir =
        open_cgroups(manager, &svirt_adopt_status(orphan)->uuid);
    SVIRT_AUTO_FD control = svirt_control_connect(svirt_adopt_run_dir(orphan));

    return control >= 0 ||
           (dir >= 0 &&
            !svirt_cgroup_rmdir(dir, &svirt_adopt_status(orphan)->uuid));
}

bool
svirt_orphan_kill(SvirtManager *manager, const SvirtUuid *uuid, int timeout_ms)
{
    SVIRT_AUTO_FD dir = open_cgroups(manager, uuid);
    SVIRT_AUTO_FD vmm = -1;
    char path[SVIRT_UUID_TEXT + sizeof("/vmm")];
    char text[SVIRT_UUID_TEXT];

    svirt_uuid_format(uuid, text);
    (void)g_snprintf(path, sizeof(path), "%s/vmm", text);
    vmm = dir >= 0 ? openat(dir, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
                   : -1;
    return vmm >= 0 && svirt_cgroup_kill(vmm, timeout_ms);
}

/* A guest that ran once, paused by now or not, is not one that never began. */
static bool
guest_runs(const SvirtAdopt *orphan, int timeout_ms)
{
    SVIRT_AUTO_FD fd = svirt_control_connect(svirt_adopt_run_dir(orphan));
    char why[SVIRT_CONTROL_WHY];
    SvirtControlState state;

    return fd >= 0 && svirt_control_state(fd, timeout_ms, &state, why) &&
           state.state != SVIRT_GUEST_NOSTATE &&
           (state.state != SVIRT_GUEST_PAUSED ||
            state.reason != SVIRT_REASON_STARTING);
}

SvirtAdoptState
svirt_orphan_decide(SvirtAdopt *orphan, int timeout_ms)
{
    if (svirt_adopt_state(orphan) == SVIRT_ADOPT_COMMITTING) {
        svirt_adopt_decide(orphan, guest_runs(orphan, timeout_ms));
    }
    return svirt_adopt_state(orphan);
}

bool
svirt_orphan_end(SvirtManager *manager, SvirtAdopt *orphan, int timeout_ms)
{
    /* First, while the run lock is held: no new run can have made them. */
    bool ok = remove_cgroups(manager, &svirt_adopt_status(orphan)->uuid,
                             timeout_ms);

    return svirt_adopt_end(orphan, timeout_ms) && ok;
}

bool
svirt_orphan_clear(SvirtManager *manager, int runs,
                   const SvirtDefinition *definition, GError **error)
{
    const char *name = definition->name;
    g_autofree char *destroy = g_strdup_printf("svirt destroy '%s'", name);
    char text[SVIRT_UUID_TEXT];
    const char *why = "";
    SvirtAdopt *orphan;
    bool ok = true;

    svirt_uuid_format(&definition->uuid, text);
    orphan = svirt_adopt_open(runs, text, &why);
    if (orphan == NULL) {
        /* None, or one with a keeper, or damaged: the lock will tell. */
        return true;
    }
    switch (svirt_orphan_decide(orphan, ANSWER_MS)) {
    case SVIRT_ADOPT_MANAGED:
    case SVIRT_ADOPT_UNMANAGED:
        ok = svirt_raise(error, SVIRT_ERROR_STATE, NULL, "svirt recover",
                         "domain '%s' is running without its keeper", name);
        break;
    case SVIRT_ADOPT_DAMAGED:
        if (svirt_orphan_lives(manager, orphan)) {
            ok = svirt_raise(error, SVIRT_ERROR_STATE, NULL, destroy,
                             "domain '%s' is running and its status is "
                             "damaged", name);
            break;
        }
        G_GNUC_FALLTHROUGH;
    case SVIRT_ADOPT_COMMITTING:
    case SVIRT_ADOPT_UNFINISHED:
    case SVIRT_ADOPT_DEAD:
    case SVIRT_ADOPT_STATE_MAX:
        ok = svirt_orphan_end(manager, orphan, CLEAR_MS) ||
             svirt_raise_errno(error, errno, "svirt recover",
                               "cannot clear what an earlier run of '%s' left",
                               name);
        break;
    }
    svirt_adopt_free(orphan);
    return ok;
}
