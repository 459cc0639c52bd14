/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "selftest/targets-private.h"

#include "base/error.h"
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>


static bool
directory_make(const char *parent, char *ret, GError **error)
{
    char path[SVIRT_PROBE_PATH];

    (void)g_snprintf(path, sizeof(path), "%s/svirt-selftest-XXXXXX", parent);
    if (!mkdtemp(path)) {
        return svirt_raise_errno(error, errno, NULL,
                                 "cannot make a directory in '%s'", parent);
    }
    (void)g_strlcpy(ret, path, SVIRT_PROBE_PATH);
    /* As the directory it is in: everybody may create in it. */
    if (chmod(path, 01777) < 0) {
        return svirt_raise_errno(error, errno, NULL,
                                 "cannot set the mode of '%s'", path);
    }
    return true;
}

static bool
file_make(const char *path, mode_t mode, const char *content, int *ret_fd,
          GError **error)
{
    SVIRT_AUTO_FD fd =
        open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    if (fd < 0 || !svirt_write_full(fd, content, strlen(content)) ||
        fchmod(fd, mode) < 0) {
        return svirt_raise_errno(error, errno, NULL, "cannot make '%s'",
                                 path);
    }
    if (ret_fd) {
        *ret_fd = svirt_fd_steal(&fd);
    }
    return true;
}

static bool
image_make(const char *path, int *ret_fd, GError **error)
{
    if (!file_make(path, 0600, "", ret_fd, error)) {
        return false;
    }
    if (ftruncate(*ret_fd, SVIRT_SELFTEST_FILE_BYTES) < 0) {
        return svirt_raise_errno(error, errno, NULL, "cannot size '%s'",
                                 path);
    }
    return true;
}

/* "TYPE:HEX"; left empty where the file system gives no handles. */
static void
handle_take(const char *path, char *ret)
{
    union {
        struct file_handle handle;
        unsigned char room[sizeof(struct file_handle) + MAX_HANDLE_SZ];
    } at = { .handle.handle_bytes = MAX_HANDLE_SZ };
    int mount;
    size_t used;

    if (name_to_handle_at(AT_FDCWD, path, &at.handle, &mount, 0) < 0) {
        return;
    }
    used = (size_t)g_snprintf(ret, SVIRT_PROBE_PATH, "%d:",
                              at.handle.handle_type);
    for (unsigned i = 0; i < at.handle.handle_bytes &&
                         used + 3 < SVIRT_PROBE_PATH;
         i++) {
        used += (size_t)g_snprintf(ret + used, SVIRT_PROBE_PATH - used,
                                   "%02x", at.handle.f_handle[i]);
    }
}

static void
name_below(const char *directory, const char *name, char *ret)
{
    (void)g_snprintf(ret, SVIRT_PROBE_PATH, "%s/%s", directory, name);
}

static bool
files_make(SvirtSelftestTargets *targets, GError **error)
{
    SvirtProbeTarget *at = &targets->target;

    name_below(at->var_directory, "private", targets->private_directory);
    if (mkdir(targets->private_directory, 0700) < 0) {
        return svirt_raise_errno(error, errno, NULL, "cannot make '%s'",
                                 targets->private_directory);
    }
    name_below(targets->private_directory, "disk", at->disk);
    name_below(at->var_directory, "readable", at->host_file);
    name_below(at->var_directory, "program", at->program);
    name_below(at->var_directory, "fifo", at->fifo);
    name_below(at->shm_directory, "shared", at->shm_file);
    name_below(targets->private_directory, "state", at->state_file);
    name_below(targets->private_directory, "key", at->key_file);
    if (!image_make(at->disk, &targets->other_disk_fd, error) ||
        !file_make(at->host_file, 0644, "readable\n", NULL, error) ||
        !file_make(at->program, 0755, "\001svirt\001", NULL, error) ||
        !file_make(at->shm_file, 0666, "shared\n", NULL, error) ||
        !file_make(at->state_file, 0600, "", NULL, error) ||
        !file_make(at->key_file, 0600, "", NULL, error)) {
        return false;
    }
    handle_take(at->disk, at->handle);
    return true;
}

/* The real ones where the caller names them. */
static void
places_apply(SvirtSelftestTargets *targets,
             const SvirtSelftestPlaces *places)
{
    SvirtProbeTarget *at = &targets->target;

    (void)g_strlcpy(at->run_directory, targets->private_directory,
                    sizeof(at->run_directory));
    if (places && places->state_file) {
        (void)g_strlcpy(at->state_file, places->state_file,
                        sizeof(at->state_file));
    }
    if (places && places->key_file) {
        (void)g_strlcpy(at->key_file, places->key_file,
                        sizeof(at->key_file));
    }
    if (places && places->run_directory) {
        (void)g_strlcpy(at->run_directory, places->run_directory,
                        sizeof(at->run_directory));
    }
}

static bool
images_make(SvirtSelftestTargets *targets, GError **error)
{
    char path[SVIRT_PROBE_PATH];

    name_below(targets->private_directory, "own", path);
    if (!image_make(path, &targets->disk_fd, error)) {
        return false;
    }
    name_below(targets->private_directory, "base", path);
    if (!image_make(path, &targets->base_write_fd, error)) {
        return false;
    }
    targets->base_read_fd = open(path, O_RDONLY | O_CLOEXEC);
    if (targets->base_read_fd < 0) {
        return svirt_raise_errno(error, errno, NULL, "cannot open '%s'",
                                 path);
    }
    /* No writer, or a lease is refused to everybody. */
    name_below(targets->private_directory, "locked", path);
    if (!file_make(path, 0600, "", NULL, error)) {
        return false;
    }
    targets->lock_fd = open(path, O_RDONLY | O_CLOEXEC);
    if (targets->lock_fd < 0) {
        return svirt_raise_errno(error, errno, NULL, "cannot open '%s'",
                                 path);
    }
    return true;
}

bool
svirt_selftest_targets_label(SvirtSelftestTargets *targets,
                             const SvirtSelftestLabels *own,
                             const SvirtSelftestLabels *other,
                             GError **error)
{
    return svirt_selftest_labels_object(own, targets->disk_fd, false,
                                        error) &&
           svirt_selftest_labels_object(own, targets->base_read_fd, true,
                                        error) &&
           svirt_selftest_labels_object(own, targets->lock_fd, false,
                                        error) &&
           svirt_selftest_labels_object(other, targets->other_disk_fd, false,
                                        error);
}

static int
memory_make(bool sealed)
{
    SVIRT_AUTO_FD fd =
        memfd_create("svirt-selftest", MFD_CLOEXEC | MFD_ALLOW_SEALING);

    if (fd < 0 || ftruncate(fd, 4096) < 0 ||
        (sealed && fcntl(fd, F_ADD_SEALS,
                         F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK |
                             F_SEAL_SEAL) < 0)) {
        return -1;
    }
    return svirt_fd_steal(&fd);
}

static bool
descriptors_make(SvirtSelftestTargets *targets, GError **error)
{
    targets->memory_fd = memory_make(false);
    targets->sealed_fd = memory_make(true);
    targets->null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (targets->memory_fd < 0 || targets->sealed_fd < 0 ||
        targets->null_fd < 0 || pipe2(targets->pipe_fds, O_CLOEXEC) < 0) {
        return svirt_raise_errno(error, errno, NULL,
                                 "cannot make the probe's descriptors");
    }
    return true;
}

/* What an attempt made where it may not remove it again. */
static void
leftovers_remove(const SvirtProbeTarget *at)
{
    const char *directories[] = { at->tmp_directory, at->var_directory,
                                  at->shm_directory, "/",    "/usr/lib",
                                  "/dev",            "/tmp" };

    for (size_t i = 0; i < G_N_ELEMENTS(directories); i++) {
        g_autofree char *path =
            g_build_filename(directories[i], at->attempt_name, NULL);

        /* Not made yet. */
        if (!*directories[i]) {
            continue;
        }
        /* A rename that could not be taken back. */
        if (directories[i] == at->var_directory &&
            !g_file_test(at->host_file, G_FILE_TEST_EXISTS)) {
            (void)rename(path, at->host_file);
        }
        (void)g_remove(path);
    }
}

bool
svirt_selftest_targets_renew(SvirtSelftestTargets *targets, GError **error)
{
    const SvirtProbeTarget *at = &targets->target;

    leftovers_remove(at);
    (void)unlink(at->fifo);
    if (mkfifo(at->fifo, 0600) < 0 || chmod(at->fifo, 0666) < 0) {
        return svirt_raise_errno(error, errno, NULL, "cannot make '%s'",
                                 at->fifo);
    }
    /* A socket that was bound or connected once stays so. */
    for (unsigned i = 0; i < 2; i++) {
        svirt_fd_close(&targets->stream_fds[i]);
        svirt_fd_close(&targets->datagram_fds[i]);
    }
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0,
                   targets->stream_fds) < 0 ||
        socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0,
                   targets->datagram_fds) < 0) {
        return svirt_raise_errno(error, errno, NULL,
                                 "cannot make the probe's sockets");
    }
    return true;
}

bool
svirt_selftest_targets_new(const SvirtSelftestPlaces *places,
                           SvirtSelftestTargets **ret, GError **error)
{
    g_autoptr(SvirtSelftestTargets) targets = g_new(SvirtSelftestTargets, 1);

    /* Every descriptor unset. */
    memset(targets, 0xff, sizeof(*targets));
    targets->private_directory[0] = '\0';
    svirt_probe_target_init(&targets->target);
    (void)g_snprintf(targets->target.attempt_name, SVIRT_PROBE_PATH,
                     ".svirt-selftest-%d", getpid());
    if (!directory_make("/tmp", targets->target.tmp_directory, error) ||
        !directory_make("/var/tmp", targets->target.var_directory, error) ||
        !directory_make("/dev/shm", targets->target.shm_directory, error) ||
        !files_make(targets, error) || !images_make(targets, error) ||
        !descriptors_make(targets, error) ||
        !svirt_selftest_sockets_make(targets, error) ||
        !svirt_selftest_ipc_make(targets, error) ||
        !svirt_selftest_targets_renew(targets, error)) {
        return false;
    }
    places_apply(targets, places);
    svirt_selftest_devices_find(targets);
    targets->target.file_limit_bytes = SVIRT_SELFTEST_FILE_BYTES;
    targets->target.task_limit = SVIRT_SELFTEST_TASKS;
    targets->target.memory_limit_bytes = SVIRT_SELFTEST_MEMORY_BYTES;
    *ret = g_steal_pointer(&targets);
    return true;
}

static void
directory_remove(const char *path)
{
    g_autoptr(GDir) directory = NULL;
    const char *name;

    if (!*path || !(directory = g_dir_open(path, 0, NULL))) {
        return;
    }
    while ((name = g_dir_read_name(directory))) {
        g_autofree char *entry = g_build_filename(path, name, NULL);

        (void)g_remove(entry);
    }
    (void)g_rmdir(path);
}

void
svirt_selftest_targets_free(SvirtSelftestTargets *targets)
{
    if (!targets) {
        return;
    }
    leftovers_remove(&targets->target);
    svirt_selftest_ipc_remove(targets);
    for (size_t i = 0; i < G_N_ELEMENTS(targets->fds); i++) {
        svirt_fd_close(&targets->fds[i]);
    }
    directory_remove(targets->private_directory);
    directory_remove(targets->target.tmp_directory);
    directory_remove(targets->target.var_directory);
    directory_remove(targets->target.shm_directory);
    g_free(targets);
}

void
svirt_selftest_targets_limit_tasks(SvirtSelftestTargets *targets,
                                   gint64 tasks)
{
    targets->target.task_limit = tasks;
}

void
svirt_selftest_targets_aim(SvirtSelftestTargets *targets, gint64 pid,
                           gint64 address)
{
    targets->target.pid = pid;
    targets->target.address = address;
}

void
svirt_selftest_targets_passt(SvirtSelftestTargets *targets, int outside_fd,
                             int inside_fd, int port)
{
    targets->passt_outside_fd = outside_fd;
    targets->passt_inside_fd = inside_fd;
    targets->target.passt_port = port;
}

void
svirt_selftest_targets_describe(
    const SvirtSelftestTargets *targets, bool control, SvirtProbeTarget *ret,
    SvirtSelftestDescriptor ret_fds[SVIRT_SELFTEST_DESCRIPTORS],
    size_t *ret_count)
{
    int64_t *numbers[SVIRT_SELFTEST_DESCRIPTORS] = {
        &ret->base_fd, &ret->disk_fd, &ret->lock_fd,   &ret->socket_fd,
        &ret->pipe_fd, &ret->tty_fd,  &ret->memory_fd, &ret->passt_fd,
    };
    const int fds[SVIRT_SELFTEST_DESCRIPTORS] = {
        control ? targets->base_write_fd : targets->base_read_fd,
        targets->disk_fd,
        targets->lock_fd,
        control ? targets->datagram_fds[0] : targets->stream_fds[0],
        targets->pipe_fds[1],
        control ? targets->terminal_fd : targets->null_fd,
        control ? targets->memory_fd : targets->sealed_fd,
        control ? targets->passt_outside_fd : targets->passt_inside_fd,
    };

    *ret = targets->target;
    *ret_count = 0;
    for (unsigned i = 0; i < SVIRT_SELFTEST_DESCRIPTORS; i++) {
        int as = SVIRT_SELFTEST_FIRST_FD + (int)i;

        if (fds[i] >= 0) {
            ret_fds[(*ret_count)++] = (SvirtSelftestDescriptor){ fds[i], as };
            *numbers[i] = as;
        }
    }
}
