/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hypervisor/session.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <sched.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"

#define LOCK "namespace"
#define NEWUIDMAP "/usr/bin/newuidmap"
#define NEWGIDMAP "/usr/bin/newgidmap"
/* Somebody else's first VM is starting: its keeper is there after this. */
#define PATIENCE_MS 5000
#define PAUSE_MS 20

/* A row of subuid(5). */
typedef struct Range {
    unsigned first;
    unsigned count;
} Range;

static bool
find_range(const char *file, const char *name, uid_t uid, Range *ret)
{
    g_autofree char *text = NULL;
    g_autofree char *number = g_strdup_printf("%u", uid);
    g_auto(GStrv) lines = NULL;

    if (!g_file_get_contents(file, &text, NULL, NULL)) {
        return false;
    }
    lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; *line != NULL; line++) {
        g_auto(GStrv) word = g_strsplit(*line, ":", 4);

        if (g_strv_length(word) == 3 &&
            (strcmp(word[0], name) == 0 || strcmp(word[0], number) == 0)) {
            ret->first = (unsigned)g_ascii_strtoull(word[1], NULL, 10);
            ret->count = (unsigned)g_ascii_strtoull(word[2], NULL, 10);
            return ret->first > 0 && ret->count >= 64;
        }
    }
    return false;
}

/* 0 is the user, and from `inside` on the subordinate ones. */
static bool
run_mapper(const char *program, pid_t pid, unsigned own, unsigned inside,
           const Range *range)
{
    char text[6][16];
    char one[] = "1";
    char zero[] = "0";
    char *argv[] = { (char *)program, text[0], zero, text[1], one, text[2],
                     text[3], text[4], NULL };
    char *environment[] = { NULL };
    pid_t child;
    int status = -1;

    (void)g_snprintf(text[0], 16, "%d", (int)pid);
    (void)g_snprintf(text[1], 16, "%u", own);
    (void)g_snprintf(text[2], 16, "%u", inside);
    (void)g_snprintf(text[3], 16, "%u", range->first);
    (void)g_snprintf(text[4], 16, "%u", range->count);
    return posix_spawn(&child, program, NULL, NULL, argv, environment) == 0 &&
           waitpid(child, &status, 0) == child && status == 0;
}

/* newuidmap works from outside alone: a process that stays there waits. */
static pid_t
start_mapper(unsigned inside, int *ret_go)
{
    const struct passwd *account = getpwuid(geteuid());
    const pid_t self = getpid();
    Range uids;
    Range gids;
    int ends[2];
    pid_t pid;
    char byte;

    if (account == NULL || access(NEWUIDMAP, X_OK) < 0 ||
        access(NEWGIDMAP, X_OK) < 0 ||
        !find_range("/etc/subuid", account->pw_name, account->pw_uid,
                    &uids) ||
        !find_range("/etc/subgid", account->pw_name, account->pw_uid,
                    &gids) ||
        pipe2(ends, O_CLOEXEC) < 0) {
        return -1;
    }
    pid = fork();
    if (pid == 0) {
        (void)close(ends[1]);
        _exit(read(ends[0], &byte, 1) == 1 &&
                      run_mapper(NEWUIDMAP, self, geteuid(), inside, &uids) &&
                      run_mapper(NEWGIDMAP, self, getegid(), inside, &gids)
                  ? 0 : 1);
    }
    (void)close(ends[0]);
    *ret_go = ends[1];
    return pid;
}

static bool
write_file(const char *path, const char *text)
{
    SVIRT_AUTO_FD fd = open(path, O_WRONLY | O_CLOEXEC);

    return fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
}

static bool
map_alone(uid_t uid, gid_t gid)
{
    char text[64];

    (void)g_snprintf(text, sizeof(text), "0 %u 1\n", uid);
    if (!write_file("/proc/self/setgroups", "deny") ||
        !write_file("/proc/self/uid_map", text)) {
        return false;
    }
    (void)g_snprintf(text, sizeof(text), "0 %u 1\n", gid);
    return write_file("/proc/self/gid_map", text);
}

static void
make(unsigned inside, const char **ret_lost)
{
    const uid_t uid = geteuid();
    const gid_t gid = getegid();
    SVIRT_AUTO_FD go = -1;
    pid_t mapper = start_mapper(inside, &go);
    int status = -1;
    bool made = unshare(CLONE_NEWUSER) == 0;

    if (mapper > 0) {
        (void)(made && write(go, "", 1) == 1);
        svirt_fd_close(&go);
        (void)waitpid(mapper, &status, 0);
    }
    if (!made) {
        *ret_lost = "this kernel refuses user namespaces: no root directory, "
                    "namespaces or user of its own";
    } else if (mapper <= 0 || status != 0) {
        *ret_lost = map_alone(uid, gid)
            ? "no subordinate uids (subuid(5), newuidmap(1)): it runs as you"
            : "this kernel refuses user namespaces: nothing can be started";
    }
}

/* The one that a living keeper or emulator is in; -1: there is none. */
static int
find_namespace(SvirtManager *manager)
{
    g_autoptr(GPtrArray) runs = NULL;
    char path[64];

    if (!svirt_manager_list_runs(manager, &runs, NULL)) {
        return -1;
    }
    for (unsigned i = 0; i < runs->len; i++) {
        const SvirtRunStatus *run = runs->pdata[i];
        pid_t pid = svirt_run_process_alive(&run->keeper)
                        ? run->keeper.pid
                        : run->process[SVIRT_PROCESS_VMM].pid;
        int fd;

        (void)g_snprintf(path, sizeof(path), "/proc/%d/ns/user", (int)pid);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd >= 0) {
            return fd;
        }
    }
    return -1;
}

static bool
join(int fd, GError **error)
{
    /* EINVAL: the one it is in already, where none could be made. */
    return setns(fd, CLONE_NEWUSER) == 0 || errno == EINVAL ||
           svirt_raise_errno(error, errno, NULL,
                             "cannot join the user namespace of the VMs that "
                             "run");
}

bool
svirt_session_enter(SvirtManager *manager, const char **ret_lost,
                    GError **error)
{
    g_autoptr(SvirtConfig) config = NULL; /* of this side */
    int lock = -1; /* held until this process ends: a keeper may follow */
    int run;

    *ret_lost = NULL;
    if (!svirt_manager_connection(manager)->unprivileged) {
        return true;
    }
    if (!svirt_config_load(svirt_manager_connection(manager), &config,
                           error)) {
        return false;
    }
    run = svirt_manager_run_dir(manager, true, error);
    if (run < 0) {
        return false;
    }
    lock = openat(run, LOCK, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    for (int waited = 0;; waited += PAUSE_MS) {
        SVIRT_AUTO_FD fd = find_namespace(manager);

        if (fd >= 0) {
            (void)close(lock);
            return join(fd, error);
        }
        if (lock < 0 || flock(lock, LOCK_EX | LOCK_NB) == 0 ||
            waited >= PATIENCE_MS) {
            break;
        }
        g_usleep(PAUSE_MS * 1000);
    }
    make(config->uid_first, ret_lost);
    return true;
}
