/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hypervisor/holder.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/error.h"
#include "hypervisor/live.h"

static bool
has_open(pid_t pid, const SvirtObject *object)
{
    char path[64];
    const struct dirent *entry;
    bool found = false;
    DIR *dir;

    (void)g_snprintf(path, sizeof(path), "/proc/%d/fd", pid);
    dir = opendir(path);
    while (dir != NULL && !found && (entry = readdir(dir)) != NULL) {
        struct stat st;

        found = fstatat(dirfd(dir), entry->d_name, &st, 0) == 0 &&
                st.st_dev == object->dev && st.st_ino == object->ino;
    }
    if (dir != NULL) {
        (void)closedir(dir);
    }
    return found;
}

static char *
holder_of(const GPtrArray *runs, const SvirtPrepared *prepared)
{
    for (unsigned i = 0; i < prepared->disks->len; i++) {
        const SvirtDiskImages *disk = prepared->disks->pdata[i];

        for (unsigned j = 0; j < disk->images->len; j++) {
            const SvirtImage *image = disk->images->pdata[j];

            for (unsigned k = 0; k < runs->len; k++) {
                const SvirtRunStatus *run = runs->pdata[k];

                if (!svirt_uuid_equal(&run->uuid,
                                      &prepared->definition->uuid) &&
                    has_open(run->process[SVIRT_PROCESS_VMM].pid,
                             image->object)) {
                    return g_strdup_printf(
                        "disk '%s' ('%s') is held by running domain '%s'",
                        disk->disk->target, image->object->shown_path,
                        run->name);
                }
            }
        }
    }
    return NULL;
}

/* A port that another VM's viewers come in at. */
static char *
port_holder(SvirtManager *manager, const SvirtPrepared *prepared)
{
    for (size_t i = 0; i < prepared->domain->graphics_count; i++) {
        const SvirtGraphics *graphics = &prepared->domain->graphics[i];
        g_autofree char *name =
            graphics->listen == SVIRT_GRAPHICS_LISTEN_ADDRESS &&
                    graphics->port != 0
                ? svirt_live_holder(manager, &prepared->definition->uuid,
                                    graphics->port)
                : NULL;

        if (name != NULL) {
            return g_strdup_printf("port %u is held by running domain '%s'",
                                   graphics->port, name);
        }
    }
    return NULL;
}

void
svirt_holder_explain(SvirtManager *manager, const SvirtPrepared *prepared,
                     GError *problem, GError **error)
{
    g_autoptr(GPtrArray) runs = NULL;
    g_autofree char *holder = NULL;

    if (!g_error_matches(problem, SVIRT_ERROR, SVIRT_ERROR_BUSY) ||
        !svirt_manager_list_runs(manager, &runs, NULL)) {
        g_propagate_error(error, problem);
        return;
    }
    holder = port_holder(manager, prepared);
    if (holder != NULL) {
        svirt_raise(error, SVIRT_ERROR_BUSY, problem,
                    "stop that domain, or give this one autoport='yes'",
                    "domain '%s' cannot start: %s",
                    prepared->definition->name, holder);
        return;
    }
    holder = holder_of(runs, prepared);
    /* A lock alone leaves the question open; the others have their hint. */
    if (holder == NULL && svirt_error_hint(problem) != NULL) {
        g_propagate_error(error, problem);
        return;
    }
    svirt_raise(error, SVIRT_ERROR_BUSY, problem,
                holder != NULL ? "stop that domain, or give this one a disk "
                                 "of its own"
                               : "another program on this host uses it",
                "domain '%s' cannot start: %s", prepared->definition->name,
                holder != NULL ? holder : "a disk is in use");
}
