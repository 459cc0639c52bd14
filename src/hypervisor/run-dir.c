/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hypervisor/run-dir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "hypervisor/orphan.h"
#include "keeper/layout.h"
#include "keeper/release.h"

#define NEXT_ID "next-id"

void
svirt_run_dir_clear(SvirtRunDir *run)
{
    /* The directory goes while the lock is still ours. */
    if (run->dir >= 0 && !run->keep) {
        (void)svirt_release_run_dir(run->dir, &run->uuid);
    }
    svirt_fd_close(&run->status);
    svirt_fd_close(&run->dir);
    svirt_fd_close(&run->lock);
}

/* Ids grow for as long as the host is up, as virsh users expect. */
bool
svirt_run_dir_number(SvirtRunDir *run, GError **error)
{
    SVIRT_AUTO_FD fd =
        openat(run->parent, NEXT_ID, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    uint32_t id = 0;

    if (fd < 0 || flock(fd, LOCK_EX) < 0 ||
        svirt_pread_full(fd, &id, sizeof(id), 0) < 0) {
        return svirt_raise_errno(error, errno, NULL,
                                 "cannot number the running VM");
    }
    id = id == UINT32_MAX ? 1 : id + 1;
    if (pwrite(fd, &id, sizeof(id), 0) != (ssize_t)sizeof(id)) {
        return svirt_raise_errno(error, errno, "free space in /run",
                                 "cannot number the running VM");
    }
    run->id = id;
    return true;
}

/* A keeper that just ended removed the directory under our hands. */
static bool
is_ending(const char *name, GError **error)
{
    return svirt_raise(error, SVIRT_ERROR_BUSY, NULL, "try again",
                       "domain '%s' is just ending", name);
}

static bool
lock_run(SvirtRunDir *run, const char *name, GError **error)
{
    SvirtRunStatus status;
    struct stat st;

    run->lock =
        openat(run->dir, SVIRT_RUN_LOCK, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (run->lock < 0 && errno == ENOENT) {
        return is_ending(name, error);
    }
    if (run->lock < 0) {
        return svirt_raise_errno(error, errno, NULL, "cannot lock domain '%s'",
                                 name);
    }
    if (flock(run->lock, LOCK_EX | LOCK_NB) < 0) {
        if (errno == EWOULDBLOCK &&
            svirt_run_status_read(run->dir, NULL, &status) &&
            svirt_run_process_alive(&status.process[SVIRT_PROCESS_VMM])) {
            return svirt_raise(error, SVIRT_ERROR_STATE, NULL,
                               "svirt list shows it",
                               "domain '%s' is already running", name);
        }
        return svirt_raise(error, SVIRT_ERROR_BUSY, NULL, "try again",
                           "domain '%s' is being started or ended", name);
    }
    return (fstat(run->dir, &st) == 0 && st.st_nlink > 0) ||
           is_ending(name, error);
}

static bool
refuse_orphan(SvirtRunDir *run, const char *name, GError **error)
{
    SvirtRunStatus status;

    if (svirt_run_status_read(run->dir, NULL, &status) &&
        svirt_run_process_alive(&status.process[SVIRT_PROCESS_VMM])) {
        return svirt_raise(error, SVIRT_ERROR_STATE, NULL, "svirt recover",
                           "domain '%s' is running without its keeper", name);
    }
    return true;
}

static bool
make_dir(SvirtRunDir *run, const char *text, const char *name, GError **error)
{
    if (mkdirat(run->parent, text, 0700) < 0 && errno != EEXIST) {
        return svirt_raise_errno(error, errno,
                                 "svirt needs room in a writable run "
                                 "directory",
                                 "cannot make the run directory of '%s'",
                                 name);
    }
    run->dir = openat(run->parent, text,
                      O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (run->dir < 0 && errno == ENOENT) {
        return is_ending(name, error);
    }
    return run->dir >= 0 ||
           svirt_raise_errno(error, errno, NULL,
                             "cannot open the run directory of '%s'", name);
}

/* `run` is SVIRT_RUN_DIR_INIT. */
static bool
make_and_lock(SvirtManager *manager, const SvirtDefinition *definition,
              SvirtRunDir *run, GError **error)
{
    char text[SVIRT_UUID_TEXT];

    run->uuid = definition->uuid;
    run->keep = true; /* not ours to remove until the lock is */
    run->parent = svirt_manager_run_dir(manager, true, error);
    svirt_uuid_format(&definition->uuid, text);
    if (run->parent < 0 ||
        !svirt_orphan_clear(manager, run->parent, definition, error) ||
        !make_dir(run, text, definition->name, error) ||
        !lock_run(run, definition->name, error) ||
        !refuse_orphan(run, definition->name, error)) {
        return false;
    }
    run->keep = false;
    return true;
}

bool
svirt_run_dir_hold(SvirtManager *manager, const SvirtDefinition *definition,
                   const char *why, SvirtRunDir *ret, GError **error)
{
    SVIRT_AUTO_RUN_DIR run = SVIRT_RUN_DIR_INIT;

    /* First, for its better words. */
    if (!svirt_manager_refuse_running(manager, definition, why, error) ||
        !make_and_lock(manager, definition, &run, error)) {
        return false;
    }
    *ret = run;
    run.dir = run.lock = -1;
    run.keep = true;
    return true;
}

bool
svirt_run_dir_exists(SvirtManager *manager, const SvirtUuid *uuid)
{
    g_autoptr(GError) problem = NULL;
    int parent = svirt_manager_run_dir(manager, false, &problem);
    char text[SVIRT_UUID_TEXT];
    struct stat st;

    if (parent < 0) {
        return problem != NULL; /* what is wrong is said by who holds it */
    }
    svirt_uuid_format(uuid, text);
    return fstatat(parent, text, &st, AT_SYMLINK_NOFOLLOW) == 0 ||
           errno != ENOENT;
}

bool
svirt_run_dir_make(SvirtManager *manager, const SvirtDefinition *definition,
                   SvirtRunDir *ret, GError **error)
{
    SVIRT_AUTO_RUN_DIR run = SVIRT_RUN_DIR_INIT;

    if (!make_and_lock(manager, definition, &run, error)) {
        return false;
    }
    (void)unlinkat(run.dir, SVIRT_RUN_CONTROL, 0);
    run.status = openat(run.dir, SVIRT_RUN_STATUS,
                        O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (run.status < 0) {
        return svirt_raise_errno(error, errno, NULL,
                                 "cannot make the status file of '%s'",
                                 definition->name);
    }
    *ret = run;
    run.dir = run.lock = run.status = -1;
    run.keep = true;
    return true;
}
