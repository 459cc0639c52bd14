/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reaching the host's files, and the other VM's, by their names. */
#include "selftest/probe.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/fanotify.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>

#define PRIVATE (L(ROOT) | L(LANDLOCK) | L(DAC))
#define PUBLIC (L(ROOT) | L(LANDLOCK))
/* Calls a VMM never makes: the filter stops them whatever the name. */
#define CLOSED (L(ROOT) | L(LANDLOCK) | L(FILTER))

int
svirt_probe_open_path(const SvirtProbeTarget *target,
                      const SvirtProbeAttempt *attempt, SvirtProbeNote *note)
{
    return svirt_probe_opened(
        open(attempt->path, attempt->number | O_CLOEXEC | O_NOCTTY, 0600));
}

static int
open_target(const char *path, int flags)
{
    if (!*path) {
        return SVIRT_PROBE_UNAIMED;
    }
    return svirt_probe_opened(
        open(path, flags | O_CLOEXEC | O_NOCTTY, 0600));
}

static int
open_disk(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
          SvirtProbeNote *note)
{
    return open_target(t->disk, O_RDWR);
}

static int
truncate_disk(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
              SvirtProbeNote *note)
{
    /* A length no file has: refused after the access check. */
    return *t->disk ? svirt_probe_past(truncate(t->disk, INT64_MAX), EFBIG)
                    : SVIRT_PROBE_UNAIMED;
}

static int
open_host_file(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
               SvirtProbeNote *note)
{
    return open_target(t->host_file, O_RDONLY);
}

static int
open_state(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
           SvirtProbeNote *note)
{
    return open_target(t->state_file, O_RDWR);
}

static int
open_key(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
         SvirtProbeNote *note)
{
    return open_target(t->key_file, O_RDONLY);
}

static int
list_run_directory(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
                   SvirtProbeNote *note)
{
    return open_target(t->run_directory, O_RDONLY | O_DIRECTORY);
}

static int
open_fifo(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
          SvirtProbeNote *note)
{
    return open_target(t->fifo, O_RDWR | O_NONBLOCK);
}

static int
open_path_only(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
               SvirtProbeNote *note)
{
    return open_target(t->disk, O_PATH);
}

/* A name to make there; false when the driver gave no directory. */
static bool
scratch_path(const SvirtProbeTarget *t, const char *directory,
             char path[2 * SVIRT_PROBE_PATH])
{
    (void)snprintf(path, 2 * SVIRT_PROBE_PATH, "%s/%s", directory,
                   t->attempt_name);
    return *directory && *t->attempt_name;
}

static int
create_file(const SvirtProbeTarget *t, const char *directory)
{
    char path[2 * SVIRT_PROBE_PATH];
    int fd;

    if (!scratch_path(t, directory, path)) {
        return SVIRT_PROBE_UNAIMED;
    }
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) {
        return errno;
    }
    (void)close(fd);
    (void)unlink(path);
    return 0;
}

static int
create_in_tmp(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
              SvirtProbeNote *note)
{
    return create_file(t, t->tmp_directory);
}

static int
create_in_var(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
              SvirtProbeNote *note)
{
    return create_file(t, t->var_directory);
}

static int
create_in_shm(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
              SvirtProbeNote *note)
{
    return create_file(t, t->shm_directory);
}

static int
create_unnamed(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
               SvirtProbeNote *note)
{
    return open_target(t->tmp_directory, O_TMPFILE | O_RDWR);
}

static int
create_in_place(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
                SvirtProbeNote *note)
{
    return create_file(t, a->path);
}

static int
make_directory(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
               SvirtProbeNote *note)
{
    char path[2 * SVIRT_PROBE_PATH];

    if (!scratch_path(t, t->tmp_directory, path)) {
        return SVIRT_PROBE_UNAIMED;
    }
    if (mkdir(path, 0700) < 0) {
        return errno;
    }
    (void)rmdir(path);
    return 0;
}

static int
make_symlink(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
             SvirtProbeNote *note)
{
    char path[2 * SVIRT_PROBE_PATH];

    if (!scratch_path(t, t->tmp_directory, path)) {
        return SVIRT_PROBE_UNAIMED;
    }
    if (symlink("/etc/shadow", path) < 0) {
        return errno;
    }
    (void)unlink(path);
    return 0;
}

static int
make_fifo(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
          SvirtProbeNote *note)
{
    char path[2 * SVIRT_PROBE_PATH];

    if (!scratch_path(t, t->tmp_directory, path)) {
        return SVIRT_PROBE_UNAIMED;
    }
    if (mknod(path, S_IFIFO | 0600, 0) < 0) {
        return errno;
    }
    (void)unlink(path);
    return 0;
}

static int
link_disk(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
          SvirtProbeNote *note)
{
    char path[2 * SVIRT_PROBE_PATH];

    if (!*t->disk || !scratch_path(t, t->tmp_directory, path)) {
        return SVIRT_PROBE_UNAIMED;
    }
    if (link(t->disk, path) < 0) {
        return errno;
    }
    (void)unlink(path);
    return 0;
}

static int
rename_host_file(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
                 SvirtProbeNote *note)
{
    char path[2 * SVIRT_PROBE_PATH];

    if (!*t->host_file || !scratch_path(t, t->var_directory, path)) {
        return SVIRT_PROBE_UNAIMED;
    }
    if (rename(t->host_file, path) < 0) {
        return errno;
    }
    return svirt_probe_result(rename(path, t->host_file));
}

static int
unlink_fifo(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
            SvirtProbeNote *note)
{
    if (!*t->fifo) {
        return SVIRT_PROBE_UNAIMED;
    }
    if (unlink(t->fifo) < 0) {
        return errno;
    }
    (void)mkfifo(t->fifo, 0600);
    (void)chmod(t->fifo, 0666);
    return 0;
}

static int
stat_disk(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
          SvirtProbeNote *note)
{
    struct stat st;

    return *t->disk ? svirt_probe_result(stat(t->disk, &st))
                    : SVIRT_PROBE_UNAIMED;
}

static int
chmod_disk(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
           SvirtProbeNote *note)
{
    return *t->disk ? svirt_probe_result(chmod(t->disk, 0600))
                    : SVIRT_PROBE_UNAIMED;
}

static int
list_attributes(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
                SvirtProbeNote *note)
{
    return *t->host_file ? svirt_probe_result(llistxattr(t->host_file, NULL, 0))
                         : SVIRT_PROBE_UNAIMED;
}

static int
change_directory(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
                 SvirtProbeNote *note)
{
    if (!*t->tmp_directory) {
        return SVIRT_PROBE_UNAIMED;
    }
    if (chdir(t->tmp_directory) < 0) {
        return errno;
    }
    return svirt_probe_result(chdir("/"));
}

static int
watch_host_file(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
                SvirtProbeNote *note)
{
    int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    int error;

    if (fd < 0) {
        return errno;
    }
    error = svirt_probe_result(
        inotify_add_watch(fd, *t->host_file ? t->host_file : "/", IN_ACCESS));
    (void)close(fd);
    return error;
}

static int
mark_host_file(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
               SvirtProbeNote *note)
{
    int fd = fanotify_init(FAN_CLASS_NOTIF | FAN_CLOEXEC, O_RDONLY);
    int error;

    if (fd < 0) {
        return errno;
    }
    error = svirt_probe_result(fanotify_mark(
        fd, FAN_MARK_ADD, FAN_OPEN, AT_FDCWD,
        *t->host_file ? t->host_file : "/"));
    (void)close(fd);
    return error;
}

static int
open_handle(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
            SvirtProbeNote *note)
{
    union {
        struct file_handle handle;
        unsigned char room[sizeof(struct file_handle) + MAX_HANDLE_SZ];
    } at = { .handle.handle_bytes = 0 };
    const char *hex = strchr(t->handle, ':');
    unsigned byte;

    if (!hex || t->base_fd < 0) {
        return SVIRT_PROBE_UNAIMED;
    }
    at.handle.handle_type = (int)strtol(t->handle, NULL, 10);
    while (at.handle.handle_bytes < MAX_HANDLE_SZ &&
           sscanf(hex + 1 + 2 * at.handle.handle_bytes, "%2x", &byte) == 1) {
        at.handle.f_handle[at.handle.handle_bytes++] = (unsigned char)byte;
    }
    return svirt_probe_opened(
        open_by_handle_at((int)t->base_fd, &at.handle, O_RDWR | O_CLOEXEC));
}

static int
run_program(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
            SvirtProbeNote *note)
{
    char *argv[] = { (char *)"attempt", NULL };
    char *envp[] = { NULL };

    /* No format the kernel knows: it says so after every permission. */
    return *t->program
               ? svirt_probe_past(execve(t->program, argv, envp), ENOEXEC)
               : SVIRT_PROBE_UNAIMED;
}

SVIRT_PROBE_ROWS(
    files,
    { "disk-open", "open the other VM's disk by its path", PRIVATE, open_disk },
    { "disk-truncate", "truncate the other VM's disk",
      PRIVATE | L(FILTER), truncate_disk },
    { "disk-stat", "read size and times of the other VM's disk",
      L(ROOT) | L(DAC), stat_disk },
    { "disk-o-path", "get a path descriptor of the other VM's disk",
      L(ROOT) | L(DAC), open_path_only },
    { "disk-chmod", "change the mode of the other VM's disk",
      L(ROOT) | L(FILTER) | L(DAC), chmod_disk },
    { "disk-link", "hard-link the other VM's disk into /tmp",
      PRIVATE | L(FILTER), link_disk },
    { "disk-handle", "open the other VM's disk by its file handle",
      L(FILTER) | L(CAPABILITY) | L(LANDLOCK), open_handle,
      .absence = SVIRT_PROBE_ABSENCE_TARGET },
    { "shadow", "read /etc/shadow", PRIVATE, svirt_probe_open_path,
      "/etc/shadow", O_RDONLY },
    { "passwd", "read /etc/passwd", PUBLIC, svirt_probe_open_path,
      "/etc/passwd", O_RDONLY },
    { "world-readable", "read a file of mode 0644", PUBLIC, open_host_file },
    { "state-database", "open svirt's state database", PRIVATE, open_state },
    { "doi-key", "read the key of the domain of interpretation", PRIVATE,
      open_key },
    { "run-directory", "list svirt's run directory", PRIVATE,
      list_run_directory },
    { "fifo", "open a FIFO of mode 0666", PUBLIC, open_fifo },
    { "tmp-create", "create a file in /tmp", PUBLIC, create_in_tmp },
    { "var-tmp-create", "create a file in /var/tmp", PUBLIC, create_in_var },
    { "dev-shm-create", "create a file in /dev/shm", PUBLIC, create_in_shm },
    { "tmp-unnamed", "create an unnamed file on the host's /tmp", PUBLIC,
      create_unnamed, .absence = SVIRT_PROBE_ABSENCE_FILESYSTEM },
    { "root-create", "create a file in its own root directory",
      L(ROOT) | L(LANDLOCK) | L(DAC), create_in_place, "/." },
    { "usr-create", "create a file in /usr/lib",
      L(ROOT) | L(LANDLOCK) | L(DAC), create_in_place, "/usr/lib" },
    { "mkdir", "create a directory in /tmp", CLOSED, make_directory },
    { "symlink", "plant a symbolic link to /etc/shadow in /tmp", CLOSED,
      make_symlink },
    { "mkfifo", "create a FIFO in /tmp", CLOSED, make_fifo },
    { "rename", "rename a file of the host",
      PRIVATE | L(FILTER), rename_host_file },
    { "unlink", "remove a name from a shared directory",
      PRIVATE | L(FILTER), unlink_fifo },
    { "list-xattr", "list extended attributes of a file of the host",
      L(ROOT) | L(FILTER), list_attributes },
    { "chdir", "make a directory of the host its working directory", L(ROOT),
      change_directory },
    { "inotify", "watch a file of the host", L(ROOT) | L(FILTER),
      watch_host_file },
    { "fanotify", "watch a file of the host with fanotify",
      L(ROOT) | L(FILTER) | L(CAPABILITY), mark_host_file },
    { "program", "execute a program of the host",
      CLOSED, run_program,
      .flags = SVIRT_PROBE_FLAG_LAST })
