/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launch/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/enum-table.h"
#include "base/fd.h"
#include "launch/cgroup-file.h"

#define DIRECTORY (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

static const char *const controllers[] = { "memory", "pids", "cpu", "io" };
#define N_CONTROLLERS (sizeof(controllers) / sizeof(controllers[0]))
/* To make directories that others remove. */
#define ATTEMPTS 100
_Static_assert((1u << N_CONTROLLERS) - 1 == SVIRT_CONTROLLER_ALL,
               "a word per controller");

const char *
svirt_controller_to_string(uint32_t controller)
{
    return svirt_enum_word(controllers, N_CONTROLLERS,
                           (unsigned)__builtin_ctz(controller));
}

bool
svirt_controller_from_string(const char *text, uint32_t *ret)
{
    int found = svirt_enum_find(controllers, N_CONTROLLERS, text);

    if (found < 0) {
        return false;
    }
    *ret = 1u << found;
    return true;
}

void
svirt_cgroup_limits_for_guest(uint64_t guest_bytes, uint32_t n_vcpus,
                              SvirtCgroupLimits *ret)
{
    const uint64_t mib = 1024 * 1024;

    ret->memory_max_bytes = guest_bytes + guest_bytes / 8 + 1280 * mib;
    ret->helper_memory_max_bytes = 512 * mib;
    ret->pids_max = n_vcpus + 512;
    ret->helper_pids_max = 64;
    ret->cpu_weight = 0;
    ret->wishes = NULL;
    ret->wish_count = 0;
}

static bool
fail(SvirtLaunchFailure *failure, const char *what, const char *path)
{
    return svirt_launch_fail(failure, SVIRT_STEP_CLONE, "%s cgroup '%s'",
                             what, path);
}

/* What a process in `dir` would be limited by. */
static uint32_t
read_controllers(int dir)
{
    char text[512];
    uint32_t found = 0;

    if (svirt_read_small(dir, "cgroup.controllers", text, sizeof(text)) < 0) {
        return 0;
    }
    for (char *save = NULL, *word = strtok_r(text, " \n", &save);
         word != NULL; word = strtok_r(NULL, " \n", &save)) {
        uint32_t bit;

        if (svirt_controller_from_string(word, &bit)) {
            found |= bit;
        }
    }
    return found;
}

/* What cannot be enabled for the children is seen there as missing. */
static void
enable_controllers(int dir)
{
    uint32_t there = read_controllers(dir);

    for (size_t i = 0; i < N_CONTROLLERS; i++) {
        char word[16];

        if ((there & (1u << i)) != 0) {
            (void)snprintf(word, sizeof(word), "+%s", controllers[i]);
            (void)svirt_cgroup_file_write(dir, "cgroup.subtree_control",
                                          word);
        }
    }
}

/* The child directory `name`, made if `make`; -1 with errno. */
static int
open_child(int dir, const char *name, bool make)
{
    if (make && mkdirat(dir, name, 0755) < 0 && errno != EEXIST) {
        return -1;
    }
    return openat(dir, name, DIRECTORY);
}

/* Walks `parent` from the mount point; each level passes controllers on. */
static bool
open_parent(const char *parent, bool make, SvirtCgroup *cgroup,
            SvirtLaunchFailure *failure)
{
    char mount[256];
    char copy[256];
    struct statfs fs;
    SVIRT_AUTO_FD dir = -1;
    int length;

    if (!svirt_cgroup_find_mount(-1, mount, sizeof(mount))) {
        return svirt_launch_fail(failure, SVIRT_STEP_CLONE,
                                 "no cgroup2 file system is mounted");
    }
    length = snprintf(cgroup->path, sizeof(cgroup->path), "%s/%s", mount,
                      parent);
    if (length < 0 || (size_t)length + SVIRT_UUID_TEXT >=
        sizeof(cgroup->path) || strlen(parent) >= sizeof(copy)) {
        errno = ENAMETOOLONG;
        return fail(failure, "open", parent);
    }
    dir = open(mount, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0 || fstatfs(dir, &fs) < 0 ||
        fs.f_type != CGROUP2_SUPER_MAGIC) {
        return fail(failure, "open", mount);
    }
    memcpy(copy, parent, strlen(parent) + 1);
    for (char *save = NULL, *name = strtok_r(copy, "/", &save); name != NULL;
         name = strtok_r(NULL, "/", &save)) {
        int next = -1;

        if (name[0] != '.') {
            if (make) {
                enable_controllers(dir);
            }
            next = open_child(dir, name, make);
        } else {
            errno = EINVAL;
        }
        if (next < 0) {
            return fail(failure, "open", cgroup->path);
        }
        svirt_fd_close(&dir);
        dir = next;
    }
    if (make) {
        enable_controllers(dir);
    }
    cgroup->parent_fd = svirt_fd_steal(&dir);
    return true;
}

static bool
open_vm(const SvirtUuid *uuid, bool make, SvirtCgroup *cgroup,
        SvirtLaunchFailure *failure)
{
    size_t length = strlen(cgroup->path);
    char name[SVIRT_UUID_TEXT];

    svirt_uuid_format(uuid, name);
    cgroup->path[length] = '/';
    memcpy(cgroup->path + length + 1, name, sizeof(name));
    cgroup->vm_fd = open_child(cgroup->parent_fd, name, make);
    if (cgroup->vm_fd < 0) {
        return fail(failure, "open", cgroup->path);
    }
    if (make && !svirt_cgroup_is_empty(cgroup->vm_fd)) {
        errno = EBUSY;
        return fail(failure, "processes run in", cgroup->path);
    }
    if (make) {
        enable_controllers(cgroup->vm_fd);
    }
    cgroup->vmm_fd = open_child(cgroup->vm_fd, "vmm", make);
    cgroup->helper_fd = open_child(cgroup->vm_fd, "helper", make);
    if (cgroup->vmm_fd < 0 || cgroup->helper_fd < 0) {
        return fail(failure, "open the leaves of", cgroup->path);
    }
    cgroup->missing_controllers = SVIRT_CONTROLLER_ALL &
        ~read_controllers(cgroup->vmm_fd);
    return true;
}

typedef struct Setting {
    uint32_t controller;
    int dir;
    const char *file;
    uint64_t value;
} Setting;

static bool
set_limits(const SvirtCgroup *cgroup, const SvirtCgroupLimits *limits,
           SvirtLaunchFailure *failure)
{
    const Setting settings[] = {
        { SVIRT_CONTROLLER_MEMORY, cgroup->vmm_fd, "memory.max",
          limits->memory_max_bytes },
        /* Half a VMM is of no use to anybody. */
        { SVIRT_CONTROLLER_MEMORY, cgroup->vmm_fd, "memory.oom.group", 1 },
        { SVIRT_CONTROLLER_MEMORY, cgroup->helper_fd, "memory.max",
          limits->helper_memory_max_bytes },
        { SVIRT_CONTROLLER_PIDS, cgroup->vmm_fd, "pids.max",
          limits->pids_max },
        { SVIRT_CONTROLLER_PIDS, cgroup->helper_fd, "pids.max",
          limits->helper_pids_max },
        { SVIRT_CONTROLLER_CPU, cgroup->vm_fd, "cpu.weight",
          limits->cpu_weight },
    };

    for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
        const Setting *s = &settings[i];
        char text[24];

        if (s->value == 0 ||
            (cgroup->missing_controllers & s->controller) != 0) {
            continue;
        }
        (void)snprintf(text, sizeof(text), "%llu",
                       (unsigned long long)s->value);
        if (!svirt_cgroup_file_write(s->dir, s->file, text)) {
            return svirt_launch_fail(failure, SVIRT_STEP_CLONE,
                                     "%s = %s in cgroup '%s'", s->file, text,
                                     cgroup->path);
        }
    }
    return true;
}

static bool
grant_wishes(const SvirtCgroup *cgroup, const SvirtCgroupLimits *limits,
             SvirtLaunchFailure *failure)
{
    for (size_t i = 0; i < limits->wish_count; i++) {
        const SvirtCgroupWish *wish = &limits->wishes[i];
        int dir = strstr(wish->file, ".weight") != NULL ? cgroup->vm_fd
                                                        : cgroup->vmm_fd;

        if ((cgroup->missing_controllers & wish->controller) != 0) {
            errno = EOPNOTSUPP;
            return svirt_launch_fail(
                failure, SVIRT_STEP_CLONE,
                "%s = %s: this host's cgroups have no controller '%s'",
                wish->file, wish->text,
                svirt_controller_to_string(wish->controller));
        }
        if (!svirt_cgroup_file_write(dir, wish->file, wish->text)) {
            return svirt_launch_fail(failure, SVIRT_STEP_CLONE,
                                     "%s = %s in cgroup '%s'", wish->file,
                                     wish->text, cgroup->path);
        }
    }
    return true;
}

/* An empty parent may be removed at any moment, also between the two. */
static bool
make_directories(const char *parent, const SvirtUuid *uuid, SvirtCgroup *made,
                 SvirtLaunchFailure *failure)
{
    bool ok = false;

    for (unsigned i = 0; i < ATTEMPTS && !ok; i++) {
        svirt_cgroup_close(made);
        ok = open_parent(parent, true, made, failure) &&
             open_vm(uuid, true, made, failure);
        if (errno != ENOENT && errno != ENODEV) {
            break;
        }
    }
    return ok;
}

bool
svirt_cgroup_create(const char *parent, const SvirtUuid *uuid,
                    const SvirtCgroupLimits *limits, SvirtCgroup *ret,
                    SvirtLaunchFailure *ret_failure)
{
    SvirtCgroup made = SVIRT_CGROUP_INIT;

    if (!make_directories(parent, uuid, &made, ret_failure) ||
        !set_limits(&made, limits, ret_failure) ||
        !grant_wishes(&made, limits, ret_failure)) {
        int saved = errno;

        /* Only what is empty goes: never another start's processes. */
        if (made.vm_fd >= 0 && saved != EBUSY) {
            svirt_cgroup_rmdir(made.parent_fd, uuid);
        }
        svirt_cgroup_close(&made);
        errno = saved;
        return false;
    }
    *ret = made;
    return true;
}

bool
svirt_cgroup_open(const char *parent, const SvirtUuid *uuid,
                  SvirtCgroup *ret, SvirtLaunchFailure *ret_failure)
{
    SvirtCgroup found = SVIRT_CGROUP_INIT;

    if (!open_parent(parent, false, &found, ret_failure) ||
        !open_vm(uuid, false, &found, ret_failure)) {
        int saved = errno;

        svirt_cgroup_close(&found);
        errno = saved;
        return false;
    }
    *ret = found;
    return true;
}

void
svirt_cgroup_close(SvirtCgroup *cgroup)
{
    svirt_fd_close(&cgroup->parent_fd);
    svirt_fd_close(&cgroup->vm_fd);
    svirt_fd_close(&cgroup->vmm_fd);
    svirt_fd_close(&cgroup->helper_fd);
}
