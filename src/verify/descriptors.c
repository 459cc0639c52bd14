/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "verify/descriptors.h"

#include <dirent.h>
#include <fcntl.h>
#include <glib.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"

/* A VMM has a handful of sockets of its own, a line has 60 bytes. */
#define SOCKETS_BYTES 65536u
#define SOCKET_CONNECTED 3u /* SS_CONNECTED, linux/net.h */

static int
number_in(const SvirtSpecFd *fd, SvirtProcess process)
{
    switch (process) {
    case SVIRT_PROCESS_VMM:
        return fd->vmm;
    case SVIRT_PROCESS_MONITOR:
        return fd->monitor;
    case SVIRT_PROCESS_PASST:
        return fd->passt;
    case SVIRT_PROCESS_MAX:
        break;
    }
    return -1;
}

/* Sockets and pipes have no name to compare: their kind must be the role's. */
static bool
role_fits(uint32_t role, const char *target)
{
    switch ((SvirtFdRole)role) {
    case SVIRT_FD_NULL:
        return strcmp(target, "/dev/null") == 0;
    case SVIRT_FD_LOG:
        return g_str_has_prefix(target, "pipe:");
    case SVIRT_FD_QMP:
    case SVIRT_FD_SERIAL:
    case SVIRT_FD_NET:
    case SVIRT_FD_CONTROL:
    case SVIRT_FD_SERIAL_LISTEN:
        return g_str_has_prefix(target, "socket:");
    case SVIRT_FD_KERNEL:
        return g_str_has_prefix(target, "/memfd:");
    case SVIRT_FD_IMAGE:
    case SVIRT_FD_LOCK:
    case SVIRT_FD_LOG_FILE:
    case SVIRT_FD_SERIAL_FILE:
        return target[0] == '/' && !g_str_has_prefix(target, "/proc/");
    case SVIRT_FD_DEVICE:
        return g_str_has_prefix(target, "/dev/");
    case SVIRT_FD_PROBE:
        return true;
    case SVIRT_FD_RUN_DIR:
    case SVIRT_FD_RUN_LOCK:
    case SVIRT_FD_CGROUP:
    case SVIRT_FD_STATUS:
    case SVIRT_FD_MAX:
        break;
    }
    return false; /* the keeper's alone */
}

static bool
given_by_spec(const SvirtLaunchSpec *spec, SvirtProcess process, int number,
              const char *target)
{
    for (uint32_t i = 0; spec != NULL && i < spec->n_fds; i++) {
        if ((spec->fds[i].to & (1u << process)) != 0 &&
            number_in(&spec->fds[i], process) == number) {
            return role_fits(spec->fds[i].role, target);
        }
    }
    return false;
}

/* What a program makes for itself and what stands in its own root. */
static bool
made_by_itself(SvirtProcess process, const char *target)
{
    static const char *const kinds[] = {
        "anon_inode:[eventfd]",  "anon_inode:[eventpoll]",
        "anon_inode:[signalfd]", "anon_inode:[timerfd]",
        "anon_inode:kvm-vm",     "anon_inode:kvm-vcpu:",
        "/memfd:",
    };
    static const char *const files[] = {
        "/dev/null", "/dev/random", "/dev/urandom", "/dev/zero", "/dev/kvm",
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(kinds); i++) {
        if (g_str_has_prefix(target, kinds[i])) {
            return true;
        }
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(files); i++) {
        if (strcmp(target, files[i]) == 0) {
            return true;
        }
    }
    /* passt's own sockets are what the guest's connections become. */
    return g_str_has_prefix(target, "/usr/") ||
           (process == SVIRT_PROCESS_PASST &&
            (g_str_has_prefix(target, "socket:") ||
             g_str_has_prefix(target, "pipe:")));
}

/*
 * A socket pair of its own (QEMU's display qxl makes one): it belongs to the
 * process' network namespace, which nobody else is in, while what it was given
 * comes from the host's; connected, and without a name. unix(7), proc(5).
 */
static bool
is_own_pair(int process_dir, const char *target)
{
    g_autofree char *table = g_malloc(SOCKETS_BYTES);
    g_auto(GStrv) lines = NULL;
    guint64 wanted = 0;

    if (sscanf(target, "socket:[%" G_GUINT64_FORMAT "]", &wanted) != 1 ||
        svirt_read_small(process_dir, "net/unix", table, SOCKETS_BYTES) < 0) {
        return false;
    }
    lines = g_strsplit(table, "\n", -1);
    for (char **line = lines; *line != NULL; line++) {
        unsigned flags, type, state;
        guint64 inode;
        int end = 0;

        /* Num: RefCount Protocol Flags Type St Inode, then a path. */
        if (sscanf(*line, "%*x: %*x %*x %x %x %x %" G_GUINT64_FORMAT "%n",
                   &flags, &type, &state, &inode, &end) == 4 &&
            inode == wanted) {
            return flags == 0 && state == SOCKET_CONNECTED &&
                   (*line)[end] == '\0';
        }
    }
    return false;
}

/* The kind alone, when there is no spec to compare with. */
static bool
plausible(const char *target)
{
    return g_str_has_prefix(target, "socket:") ||
           g_str_has_prefix(target, "pipe:") ||
           (target[0] == '/' && !g_str_has_prefix(target, "/proc/"));
}

/*
 * QEMU keeps duplicates of a set's descriptors under numbers of its own and
 * closes what it was given. The description that holds an image's lock stays
 * where it was: whatever else is open must be one of those files.
 */
static bool
copy_of_given(const SvirtLaunchSpec *spec, SvirtProcess process, int fd_dir,
              const char *target)
{
    for (uint32_t i = 0; i < spec->n_fds; i++) {
        int number = number_in(&spec->fds[i], process);
        char name[16];
        char given[PATH_MAX];
        ssize_t length;

        if (spec->fds[i].role != SVIRT_FD_LOCK || number < 0) {
            continue;
        }
        (void)g_snprintf(name, sizeof(name), "%d", number);
        length = readlinkat(fd_dir, name, given, sizeof(given) - 1);
        if (length > 0 && (size_t)length == strlen(target) &&
            memcmp(given, target, (size_t)length) == 0) {
            return true;
        }
    }
    return false;
}

static bool
is_known(const SvirtLaunchSpec *spec, SvirtProcess process, int process_dir,
         int fd_dir, int number, const char *target)
{
    if (made_by_itself(process, target)) {
        return true;
    }
    if (spec == NULL) {
        return plausible(target);
    }
    return given_by_spec(spec, process, number, target) ||
           copy_of_given(spec, process, fd_dir, target) ||
           (process == SVIRT_PROCESS_VMM && is_own_pair(process_dir, target));
}

bool
svirt_verify_descriptors(int process_dir, SvirtProcess process,
                         const SvirtLaunchSpec *spec, unsigned *ret_count,
                         char **ret_strange)
{
    int copy = openat(process_dir, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = copy >= 0 ? fdopendir(copy) : NULL;
    const struct dirent *entry;

    *ret_count = 0;
    *ret_strange = NULL;
    if (dir == NULL) {
        svirt_fd_close(&copy);
        *ret_strange = g_strdup("cannot be read");
        return false;
    }
    while (*ret_strange == NULL && (entry = readdir(dir)) != NULL) {
        char target[PATH_MAX];
        ssize_t length;

        if (entry->d_name[0] == '.') {
            continue;
        }
        length = readlinkat(dirfd(dir), entry->d_name, target,
                            sizeof(target) - 1);
        if (length < 0) {
            continue; /* closed meanwhile */
        }
        target[length] = '\0';
        (*ret_count)++;
        if (!is_known(spec, process, process_dir, dirfd(dir),
                      atoi(entry->d_name), target)) {
            *ret_strange = g_strdup_printf("%s is %s", entry->d_name, target);
        }
    }
    (void)closedir(dir);
    return *ret_strange == NULL;
}
