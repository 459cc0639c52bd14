/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hypervisor/keeper-link.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "hypervisor/unit.h"
#include "keeper/layout.h"
#include "keeper/message.h"
#include "keeper/programs.h"
#include "launch/hand-over.h"

/* Above the keeper's own limits, so that its word arrives before ours. */
#define PATIENCE_MS 10000

struct SvirtKeeperLink {
    int fd;
    pid_t pid;
    char *name; /* owned */
    unsigned ready_timeout_ms;
    bool committed;
    bool ready_seen; /* READY came before it was waited for */
};

/* Its lock on the run goes with the process, a moment after its last word. */
static void
wait_gone(pid_t pid)
{
    SVIRT_AUTO_FD process = (int)syscall(SYS_pidfd_open, pid, 0);
    struct pollfd end = { .fd = process, .events = POLLIN };

    (void)poll(&end, process >= 0, PATIENCE_MS);
    (void)waitpid(pid, NULL, WNOHANG);
}

void
svirt_keeper_link_free(SvirtKeeperLink *link)
{
    SvirtMessage message = { .type = SVIRT_MESSAGE_ABORT };

    if (link == NULL) {
        return;
    }
    if (!link->committed && link->fd >= 0 && link->pid > 0) {
        /* One that still waits for its spec takes this for an end as well.
           The end of the conversation is the keeper's word that everything
           of this run is gone again. */
        (void)svirt_message_send(link->fd, &message);
        while (svirt_message_receive(link->fd, PATIENCE_MS, &message)) {
        }
        wait_gone(link->pid);
    }
    svirt_fd_close(&link->fd);
    g_free(link->name);
    g_free(link);
}

static SvirtErrorCode
code_of(const SvirtMessage *message)
{
    return message->errnum == ETIMEDOUT ? SVIRT_ERROR_TIMEOUT
                                        : SVIRT_ERROR_LAUNCH;
}

/* What the VMM said is text from outside: one printable line. */
static char *
last_words(const SvirtMessage *message)
{
    g_auto(GStrv) lines = g_strsplit(message->text, "\n", -1);
    g_autoptr(GString) out = g_string_new(NULL);

    for (char **line = lines; *line != NULL; line++) {
        g_autofree char *valid = g_utf8_make_valid(*line, -1);

        g_strstrip(valid);
        if (*valid != '\0') {
            g_string_append_printf(out, "%s%s", out->len > 0 ? "; " : "",
                                   valid);
        }
    }
    /* A terminal takes orders from C1 controls too: two bytes of UTF-8. */
    for (char *p = out->str; *p != '\0'; p = g_utf8_next_char(p)) {
        if (g_unichar_iscntrl(g_utf8_get_char(p))) {
            memset(p, ' ', (size_t)(g_utf8_next_char(p) - p));
        }
    }
    return g_string_free(g_steal_pointer(&out), FALSE);
}

static char *
hint_for(const SvirtKeeperLink *link, const SvirtMessage *message)
{
    if (message->step == SVIRT_STEP_EXEC) {
        return g_strdup("name a program in <emulator> that this host can run");
    }
    if (message->step == SVIRT_STEP_IDENTITY) {
        return g_strdup("run svirt as root of the host, in no user namespace: "
                        "uid_range of svirt.conf must exist");
    }
    if (message->errnum == ETIMEDOUT) {
        return g_strdup("raise ready_timeout_s in svirt.conf if it is only "
                        "slow");
    }
    return g_strdup_printf("svirt start '%s' --dry-run shows its command line",
                           link->name);
}

static bool
report_failed(const SvirtKeeperLink *link, const SvirtMessage *message,
              GError **error)
{
    const char *step = message->step < SVIRT_STEP_MAX
                           ? svirt_step_to_string(message->step)
                           : "?";
    g_autofree char *words = last_words(message);
    g_autofree char *hint = hint_for(link, message);
    GError *cause = NULL;

    if (message->errnum != 0) {
        svirt_raise_errno(&cause, message->errnum, NULL, "%s",
                          *words != '\0' ? words : step);
    } else if (*words != '\0') {
        svirt_raise(&cause, SVIRT_ERROR_LAUNCH, NULL, NULL, "%s", words);
    }
    return svirt_raise(error, code_of(message), cause, hint,
                       "domain '%s' did not start: step '%s' failed",
                       link->name, step);
}

static bool
report_exited(const SvirtKeeperLink *link, const SvirtMessage *message,
              GError **error)
{
    g_autofree char *words = last_words(message);
    char how[SVIRT_END_WORDS];
    g_autofree char *hint =
        g_strdup_printf("svirt start '%s' --dry-run shows its command line",
                        link->name);
    GError *cause = NULL;

    svirt_message_end_words((int)message->a, how);
    if (*words != '\0') {
        svirt_raise(&cause, SVIRT_ERROR_LAUNCH, NULL, NULL, "%s", words);
    }
    return svirt_raise(error, SVIRT_ERROR_LAUNCH, cause, hint,
                       "the emulator of domain '%s' ended at once with %s",
                       link->name, how);
}

static bool
expect(SvirtKeeperLink *link, SvirtMessageType type, int timeout_ms,
       GError **error)
{
    SvirtMessage message;

    if (type == SVIRT_MESSAGE_READY && link->ready_seen) {
        return true;
    }
    while (svirt_message_receive(link->fd, timeout_ms, &message)) {
        switch (message.type) {
        case SVIRT_MESSAGE_FAILED:
            return report_failed(link, &message, error);
        case SVIRT_MESSAGE_EXITED:
            return report_exited(link, &message, error);
        case SVIRT_MESSAGE_READY:
            link->ready_seen = true;
            break;
        default:
            break;
        }
        if (message.type == type) {
            return true;
        }
    }
    if (errno == ETIMEDOUT) {
        return svirt_raise(error, SVIRT_ERROR_TIMEOUT, NULL,
                           "raise ready_timeout_s in svirt.conf",
                           "the keeper of domain '%s' did not answer",
                           link->name);
    }
    return svirt_raise(error, SVIRT_ERROR_LAUNCH, NULL, "svirt recover",
                       "the keeper of domain '%s' ended unexpectedly",
                       link->name);
}

/*
 * 0, or why not. vfork(2): glibc's posix_spawn first asks for and sets every
 * signal's disposition, 124 system calls, and there is no handler to reset.
 */
static __attribute__((noinline)) int
run_program(const char *program, char *const *argv, char *const *environment,
            int socket, pid_t *ret)
{
    volatile int failed = 0;
    pid_t pid = vfork();

    if (pid == 0) {
        /* In the memory of the caller, which waits: calls and nothing else. */
        if (dup2(socket, SVIRT_KEEPER_FD_SVIRT) >= 0) {
            (void)execve(program, argv, environment);
        }
        failed = errno;
        _exit(127);
    }
    if (pid < 0) {
        return errno;
    }
    if (failed != 0) {
        (void)waitpid(pid, NULL, 0);
        return failed;
    }
    *ret = pid;
    return 0;
}

static bool
spawn(const char *program, const char *name, int socket, const char *uri,
      pid_t *ret, GError **error)
{
    static char path[] = "PATH=/usr/bin:/bin";
    static char locale[] = "LC_ALL=C.UTF-8";
    g_autofree char *own =
        uri != NULL ? svirt_unit_own_program() : NULL;
    g_autofree char *at_end =
        uri != NULL ? g_strdup_printf(SVIRT_KEEPER_AT_END "=%s", own) : NULL;
    g_autofree char *where =
        uri != NULL ? g_strdup_printf("SVIRT_DEFAULT_URI=%s", uri) : NULL;
    char *const environment[] = { path, locale, at_end, where, NULL };
    char *const argv[] = { (char *)"svirt-keeper", (char *)name, NULL };
    int result = run_program(program, argv, environment, socket, ret);

    return result == 0 ||
           svirt_raise_errno(error, result, NULL, "cannot run '%s'", program);
}

/* Above the number that spawn's dup2 writes to. */
static bool
move_up(int *fd)
{
    int moved = fcntl(*fd, F_DUPFD_CLOEXEC, SVIRT_KEEPER_FIRST_SOURCE);

    svirt_fd_close(fd);
    *fd = moved;
    return moved >= 0;
}

static bool
wait_placed(SvirtKeeperLink *link, GError **error)
{
    SvirtMessage message;

    if (!svirt_message_receive(link->fd, PATIENCE_MS, &message) ||
        message.type != SVIRT_MESSAGE_PLACED || message.a <= 0) {
        return svirt_raise(error, SVIRT_ERROR_LAUNCH, NULL,
                           "journalctl -b says why; svirt run starts it "
                           "without systemd",
                           "systemd did not start the keeper of domain '%s'",
                           link->name);
    }
    link->pid = (pid_t)message.a;
    return message.errnum == 0 ||
           svirt_raise_errno(error, message.errnum,
                             "svirt needs the unified hierarchy: boot with "
                             "systemd.unified_cgroup_hierarchy=1",
                             "the keeper of domain '%s' cannot enter the "
                             "cgroup of its unit", link->name);
}

bool
svirt_keeper_link_spawn(SvirtManager *manager,
                        const SvirtDefinition *definition, bool unit,
                        bool transient, SvirtKeeperLink **ret, GError **error)
{
    const char *uri = svirt_manager_connection(manager)->uri;
    const char *name = definition->name;
    g_autoptr(SvirtKeeperLink) link = g_new0(SvirtKeeperLink, 1);
    SVIRT_AUTO_FD peer = -1;
    char program[PATH_MAX];
    int pair[2];

    link->fd = -1;
    link->name = g_strdup(name);
    if (!svirt_program_path("keeper", SVIRT_PROGRAM_KEEPER, program,
                            sizeof(program))) {
        return svirt_raise_errno(error, errno, "install svirt completely",
                                 "cannot find program '%s'",
                                 SVIRT_PROGRAM_KEEPER);
    }
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
        return svirt_raise_errno(error, errno, NULL,
                                 "cannot prepare the keeper of '%s'", name);
    }
    peer = pair[1];
    if (!move_up(&peer)) {
        (void)close(pair[0]);
        return svirt_raise_errno(error, errno, "raise it: ulimit -n",
                                 "no descriptor is left for the keeper");
    }
    link->fd = pair[0];
    if (!(unit ? svirt_unit_start(manager, definition, program, peer, error)
               : spawn(program, name, peer, transient ? uri : NULL, &link->pid,
                       error))) {
        return false;
    }
    svirt_fd_close(&peer);
    if (unit && !wait_placed(link, error)) {
        return false;
    }
    *ret = g_steal_pointer(&link);
    return true;
}

static bool
hand_over(SvirtKeeperLink *link, SvirtHandOver kind,
          const SvirtNumberedFd *fds, size_t count, GError **error)
{
    return svirt_hand_over_send(link->fd, kind, fds, count) ||
           svirt_raise_errno(error, errno, NULL,
                             "cannot hand descriptors to the keeper of '%s'",
                             link->name);
}

bool
svirt_keeper_link_give_cgroup(SvirtKeeperLink *link, int cgroup_fd,
                              GError **error)
{
    SvirtNumberedFd fd = { cgroup_fd, SVIRT_KEEPER_FD_CGROUP };

    return cgroup_fd < 0 ||
           hand_over(link, SVIRT_HAND_OVER_CGROUP, &fd, 1, error);
}

bool
svirt_keeper_link_launch(SvirtKeeperLink *link, const SvirtRuntime *runtime,
                         GError **error)
{
    SVIRT_AUTO_FD spec = svirt_spec_seal(runtime->spec);
    const GArray *entries = runtime->fds->entries;
    g_autoptr(GArray) fds = g_array_new(FALSE, FALSE, sizeof(SvirtNumberedFd));
    SvirtNumberedFd fd = { spec, SVIRT_KEEPER_FD_SPEC };

    if (spec < 0) {
        return svirt_raise_errno(error, errno, NULL,
                                 "cannot prepare the keeper of '%s'",
                                 link->name);
    }
    g_array_append_val(fds, fd);
    for (unsigned i = 0; i < entries->len; i++) {
        fd.fd = g_array_index(runtime->fds->fds, int, i);
        fd.number = g_array_index(entries, SvirtSpecFd, i).source;
        g_array_append_val(fds, fd);
    }
    link->ready_timeout_ms = runtime->spec->ready_timeout_ms;
    return hand_over(link, SVIRT_HAND_OVER_ALL,
                     (const SvirtNumberedFd *)(const void *)fds->data,
                     fds->len, error);
}

bool
svirt_keeper_link_wait_started(SvirtKeeperLink *link, GError **error)
{
    return expect(link, SVIRT_MESSAGE_STARTED, PATIENCE_MS + 30000, error);
}

bool
svirt_keeper_link_wait_ready(SvirtKeeperLink *link, GError **error)
{
    return expect(link, SVIRT_MESSAGE_READY,
                  (int)link->ready_timeout_ms + PATIENCE_MS, error);
}

bool
svirt_keeper_link_commit(SvirtKeeperLink *link, bool run, GError **error)
{
    SvirtMessage message = { .type = SVIRT_MESSAGE_COMMIT, .a = run };

    if (!svirt_message_send(link->fd, &message)) {
        return svirt_raise_errno(error, errno, "svirt recover",
                                 "the keeper of domain '%s' is gone",
                                 link->name);
    }
    link->committed = expect(link, SVIRT_MESSAGE_COMMITTED,
                             SVIRT_KEEPER_CONTINUE_MS + PATIENCE_MS, error);
    return link->committed;
}
