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
    switch (svirt_process_kind(process)) {
    case SVIRT_PROCESS_VMM:
        return fd->vmm;
    case SVIRT_PROCESS_MONITOR:
        return fd->monitor;
    case SVIRT_PROCESS_PASST:
        return fd->passt;
    case SVIRT_PROCESS_PASST_LAST:
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
    case SVIRT_FD_SERIAL_PEER:
    case SVIRT_FD_GRAPHICS_LISTEN:
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
    case SVIRT_FD_SOCKET_DIR:
    case SVIRT_FD_MAX:
        break;
    }
    return false; /* the keeper's alone */
}

static const SvirtSpecFd *
entry_of(const SvirtLaunchSpec *spec, SvirtProcess process, int number)
{
    for (uint32_t i = 0; i < spec->n_fds; i++) {
        if ((spec->fds[i].to & (1u << process)) != 0 &&
            number_in(&spec->fds[i], process) == number) {
            return &spec->fds[i];
        }
    }
    return NULL;
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
           (svirt_process_kind(process) == SVIRT_PROCESS_PASST &&
            (g_str_has_prefix(target, "socket:") ||
             g_str_has_prefix(target, "pipe:")));
}

static bool
parse_socket(const char *target, guint64 *ret_inode)
{
    return sscanf(target, "socket:[%" G_GUINT64_FORMAT "]", ret_inode) == 1;
}

/*
 * A socket pair of its own (QEMU's display qxl makes one): it belongs to the
 * process' network namespace, which nobody else is in, while what it was given
 * comes from the host's; connected, and without a name. Or one of its monitor's
 * making, which stands between the VMM and a viewer. unix(7), proc(5).
 */
static bool
is_own_pair(int process_dir, const char *target)
{
    g_autofree char *table = g_malloc(SOCKETS_BYTES);
    g_auto(GStrv) lines = NULL;
    guint64 wanted = 0;

    if (!parse_socket(target, &wanted) ||
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

typedef struct FileId {
    uint32_t major, minor;
    uint64_t inode;
} FileId;

/* What the kernel has of it: a file system of FUSE's is asked nothing, for its
 * server may never answer. statx(2). */
static bool
identify(int dir, const char *name, FileId *ret)
{
    struct statx stx;

    if (statx(dir, name, AT_STATX_DONT_SYNC, STATX_INO, &stx) < 0) {
        return false;
    }
    *ret = (FileId){ stx.stx_dev_major, stx.stx_dev_minor, stx.stx_ino };
    return true;
}

/*
 * The files a VMM was given. QEMU keeps duplicates of a set's descriptors
 * under numbers of its own and closes what it was given, so they are known by
 * the descriptions that hold the images' locks. Those are looked up in the
 * keeper: what stands at their numbers in the VMM is the VMM's own word, and
 * only asked where the keeper is gone.
 */
static GArray *
given_files(const SvirtLaunchSpec *spec, SvirtProcess process, int fd_dir,
            int keeper_dir)
{
    GArray *files = g_array_new(FALSE, FALSE, sizeof(FileId));

    for (uint32_t i = 0; spec != NULL && i < spec->n_fds; i++) {
        int number = number_in(&spec->fds[i], process);
        char name[32];
        FileId id;

        if (spec->fds[i].role != SVIRT_FD_LOCK || number < 0) {
            continue;
        }
        (void)g_snprintf(name, sizeof(name), keeper_dir >= 0 ? "fd/%d" : "%d",
                         keeper_dir >= 0 ? spec->fds[i].source : number);
        if (identify(keeper_dir >= 0 ? keeper_dir : fd_dir, name, &id)) {
            g_array_append_val(files, id);
        }
    }
    return files;
}

static bool
is_given_file(const GArray *files, int fd_dir, const char *name)
{
    FileId wanted;

    if (!identify(fd_dir, name, &wanted)) {
        return false;
    }
    for (unsigned i = 0; i < files->len; i++) {
        const FileId *id = &g_array_index(files, FileId, i);

        if (id->major == wanted.major && id->minor == wanted.minor &&
            id->inode == wanted.inode) {
            return true;
        }
    }
    return false;
}

typedef struct Known {
    const SvirtLaunchSpec *spec; /* NULL: by kind only */
    SvirtProcess process;
    int process_dir;
    int monitor_dir;
    int fd_dir;
    const GArray *files; /* FileId */
} Known;

/* Its viewers' connections, and the ends of pairs between them and the VMM. */
static bool
serves(const Known *known)
{
    for (uint32_t i = 0; i < known->spec->n_fds; i++) {
        if (known->spec->fds[i].role == SVIRT_FD_GRAPHICS_LISTEN) {
            return true;
        }
    }
    return false;
}

/* The name of a unix socket of the host's; NULL: it has none. proc(5). */
static char *
name_of_socket(guint64 wanted)
{
    FILE *table = fopen("/proc/self/net/unix", "re");
    char line[512];
    char *name = NULL;

    while (table != NULL && name == NULL &&
           fgets(line, sizeof(line), table) != NULL) {
        guint64 inode;
        int end = 0;

        if (sscanf(line, "%*x: %*x %*x %*x %*x %*x %" G_GUINT64_FORMAT " %n",
                   &inode, &end) == 1 &&
            inode == wanted && end > 0 && line[end] != '\0') {
            name = g_strdup(line + end);
        }
    }
    if (table != NULL) {
        (void)fclose(table);
    }
    return name;
}

/* A client of the monitor's: its connection has the name of what it called. */
static bool
is_client(const Known *known, const char *target)
{
    g_autofree char *name = NULL;
    guint64 inode;

    if (!parse_socket(target, &inode)) {
        return false;
    }
    name = name_of_socket(inode);
    for (uint32_t i = 0; name != NULL && i < known->spec->n_fds; i++) {
        const SvirtSpecFd *fd = &known->spec->fds[i];
        g_autofree char *listener = NULL;
        char number[16], link[64];
        ssize_t length;

        if ((fd->to & SVIRT_TO_MONITOR) == 0 ||
            (fd->role != SVIRT_FD_CONTROL &&
             fd->role != SVIRT_FD_SERIAL_LISTEN)) {
            continue;
        }
        (void)g_snprintf(number, sizeof(number), "%d", fd->monitor);
        length = readlinkat(known->fd_dir, number, link, sizeof(link) - 1);
        link[MAX(length, 0)] = '\0';
        listener = parse_socket(link, &inode) ? name_of_socket(inode) : NULL;
        if (g_strcmp0(name, listener) == 0) {
            return true;
        }
    }
    return false;
}

static bool
is_known(const Known *known, const char *name, const char *target)
{
    const SvirtSpecFd *entry;

    if (made_by_itself(known->process, target)) {
        return true;
    }
    if (known->spec == NULL) {
        return plausible(target);
    }
    entry = entry_of(known->spec, known->process, atoi(name));
    if (entry != NULL && entry->role != SVIRT_FD_IMAGE &&
        entry->role != SVIRT_FD_LOCK) {
        return role_fits(entry->role, target);
    }
    return is_given_file(known->files, known->fd_dir, name) ||
           (known->process == SVIRT_PROCESS_VMM &&
            (is_own_pair(known->process_dir, target) ||
             (known->monitor_dir >= 0 &&
              is_own_pair(known->monitor_dir, target)))) ||
           (known->process == SVIRT_PROCESS_MONITOR &&
            (is_client(known, target) ||
             (serves(known) && g_str_has_prefix(target, "socket:"))));
}

/* The first strange one of an open fd directory; NULL: there is none. */
static char *
find_strange(DIR *dir, const Known *known, unsigned *ret_count)
{
    const struct dirent *entry;

    while ((entry = readdir(dir)) != NULL) {
        char target[PATH_MAX];
        ssize_t length;

        if (entry->d_name[0] == '.') {
            continue;
        }
        length = readlinkat(known->fd_dir, entry->d_name, target,
                            sizeof(target) - 1);
        if (length < 0) {
            continue; /* closed meanwhile */
        }
        target[length] = '\0';
        (*ret_count)++;
        if (!is_known(known, entry->d_name, target)) {
            return g_strdup_printf("%s is %s", entry->d_name, target);
        }
    }
    return NULL;
}

bool
svirt_verify_descriptors(int process_dir, int keeper_dir, int monitor_dir,
                         SvirtProcess process, const SvirtLaunchSpec *spec,
                         unsigned *ret_count, char **ret_strange)
{
    int copy = openat(process_dir, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = copy >= 0 ? fdopendir(copy) : NULL;
    g_autoptr(GArray) files = NULL;
    Known known = { spec, process, process_dir, monitor_dir, copy, NULL };

    *ret_count = 0;
    if (dir == NULL) {
        svirt_fd_close(&copy);
        *ret_strange = g_strdup("cannot be read");
        return false;
    }
    files = given_files(spec, process, copy, keeper_dir);
    known.files = files;
    *ret_strange = find_strange(dir, &known, ret_count);
    (void)closedir(dir);
    return *ret_strange == NULL;
}
