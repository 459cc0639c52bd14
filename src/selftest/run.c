/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "selftest/probe.h"

#include "base/fd.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>

#define TIMEOUT_S 2
#define SLOW_TIMEOUT_S 30
/* A child that its own timer cannot wake is killed this much later. */
#define CHILD_GRACE_S 3

/*
 * The way out of an attempt that the filter, the timer or the processor
 * stopped. A signal handler has no argument to find it by.
 */
static sigjmp_buf escape;

static void
leave_attempt(int number)
{
    siglongjmp(escape, number);
}

static void
signals_prepare(void)
{
    static const int ends[] = { SIGALRM, SIGSYS, SIGSEGV, SIGBUS, SIGILL };
    static const int ignored[] = { SIGPIPE, SIGXFSZ, SIGUSR1, SIGIO };
    struct sigaction action = { .sa_handler = leave_attempt };

    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        (void)sigaction(ends[i], &action, NULL);
    }
    action.sa_handler = SIG_IGN;
    for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++) {
        (void)sigaction(ignored[i], &action, NULL);
    }
}

static time_t
seconds_for(const SvirtProbeAttempt *attempt)
{
    return attempt->flags & SVIRT_PROBE_FLAG_SLOW ? SLOW_TIMEOUT_S
                                                  : TIMEOUT_S;
}

static void
timer_set(time_t seconds)
{
    struct itimerval timer = { .it_value.tv_sec = seconds };

    (void)setitimer(ITIMER_REAL, &timer, NULL);
}

static uint32_t
milliseconds_since(const struct timespec *start)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint32_t)((now.tv_sec - start->tv_sec) * 1000 +
                      (now.tv_nsec - start->tv_nsec) / 1000000);
}

static void
attempt_make(const SvirtProbeTarget *target, const SvirtProbeAttempt *attempt,
             SvirtProbeRecord *record)
{
    SvirtProbeNote note = { "" };
    int stopped = sigsetjmp(escape, 1);
    int result;

    if (stopped) {
        timer_set(0);
        record->outcome = stopped == SIGALRM ? SVIRT_PROBE_OUTCOME_TIMEOUT
                                             : SVIRT_PROBE_OUTCOME_SIGNAL;
        record->signal = stopped;
        return;
    }
    timer_set(seconds_for(attempt));
    result = attempt->run(target, attempt, &note);
    timer_set(0);
    if (result == SVIRT_PROBE_UNAIMED) {
        record->outcome = SVIRT_PROBE_OUTCOME_UNAIMED;
    } else if (result) {
        record->outcome = SVIRT_PROBE_OUTCOME_BLOCKED;
        record->error = result;
    } else {
        record->outcome = SVIRT_PROBE_OUTCOME_DONE;
    }
    (void)snprintf(record->detail, sizeof(record->detail), "%s", note.text);
}

/* A number of /proc/PID/status, all ones when there is none. */
static unsigned long long
status_number(const char *path, const char *key, int base)
{
    char status[8192];
    const char *line;

    if (svirt_read_small(AT_FDCWD, path, status, sizeof(status)) < 0 ||
        !(line = strstr(status, key))) {
        return ~0ull;
    }
    return strtoull(line + strlen(key), NULL, base);
}

/* Under a filter, ENOSYS proves nothing about the kernel. */
static bool
is_filtered(void)
{
    return status_number("/proc/self/status", "\nSeccomp:", 10) != 0;
}

static bool
init_has_more(void)
{
    unsigned long long init =
        status_number("/proc/1/status", "\nCapPrm:", 16);

    return init & ~status_number("/proc/self/status", "\nCapPrm:", 16);
}

static bool
has_capability(int number)
{
    struct __user_cap_header_struct header = {
        .version = _LINUX_CAPABILITY_VERSION_3
    };
    struct __user_cap_data_struct data[2];

    return syscall(SYS_capget, &header, data) == 0 &&
           (data[number / 32].effective & (1u << (number % 32)));
}

/* What the administrator or Secure Boot keeps from root itself. */
static const char *
closed_to_root(const SvirtProbeAttempt *attempt)
{
    char text[64];

    if (attempt->switch_path &&
        svirt_read_small(AT_FDCWD, attempt->switch_path, text,
                         sizeof(text)) > 0 &&
        strtol(text, NULL, 10) == attempt->switch_value) {
        return "switched off on this host by a sysctl";
    }
    if ((attempt->absence == SVIRT_PROBE_ABSENCE_SYSCALL ||
         attempt->absence == SVIRT_PROBE_ABSENCE_PATH) &&
        svirt_read_small(AT_FDCWD, "/sys/kernel/security/lockdown", text,
                         sizeof(text)) > 0 &&
        !strstr(text, "[none]")) {
        return "the host is locked down, for root too";
    }
    return NULL;
}

static const char *
path_absence(const SvirtProbeAttempt *attempt, int error)
{
    switch (error) {
    case ENXIO:
    case ENODEV:
        return "no driver behind the device node";
    case EBUSY:
        return "in use by somebody else";
    default:
        return access(attempt->path, F_OK) < 0 && errno == ENOENT
                   ? "no such file on this host"
                   : NULL;
    }
}

/* Why this kernel or host has no such thing; NULL when it ought to. */
static const char *
absence_of(const SvirtProbeAttempt *attempt, const SvirtProbeRecord *record)
{
    int error = record->error;

    switch (attempt->absence) {
    case SVIRT_PROBE_ABSENCE_NONE:
        return NULL;
    case SVIRT_PROBE_ABSENCE_FILESYSTEM:
        return error == ENOTTY || error == EOPNOTSUPP
                   ? "the file system of the targets has no such thing"
                   : NULL;
    case SVIRT_PROBE_ABSENCE_SYSCALL:
        return error == ENOSYS && !is_filtered()
                   ? "the kernel has no such system call"
                   : NULL;
    case SVIRT_PROBE_ABSENCE_FAMILY:
        return error == EAFNOSUPPORT || error == EPROTONOSUPPORT ||
                       error == ESOCKTNOSUPPORT || error == ENOPROTOOPT
                   ? "the kernel has no such socket family, protocol or option"
                   : NULL;
    case SVIRT_PROBE_ABSENCE_PATH:
        return path_absence(attempt, error);
    case SVIRT_PROBE_ABSENCE_CAPABILITY:
        return has_capability(attempt->number)
                   ? NULL
                   : "root itself lacks the capability";
    case SVIRT_PROBE_ABSENCE_TARGET:
        return record->outcome == SVIRT_PROBE_OUTCOME_UNAIMED
                   ? "this host has no such target"
                   : NULL;
    case SVIRT_PROBE_ABSENCE_INIT:
        return init_has_more() ? "init has capabilities that root lacks"
                               : NULL;
    case SVIRT_PROBE_ABSENCE_SEGV:
        return record->signal == SIGSEGV ? "no ia32 emulation" : NULL;
    }
    return NULL;
}

static void
absence_apply(const SvirtProbeAttempt *attempt, SvirtProbeRecord *record)
{
    const char *reason = NULL;

    if (record->outcome != SVIRT_PROBE_OUTCOME_DONE) {
        reason = absence_of(attempt, record);
    }
    if (!reason && (record->error == EPERM || record->error == ENOSPC)) {
        reason = closed_to_root(attempt);
    }
    if (reason) {
        record->outcome = SVIRT_PROBE_OUTCOME_ABSENT;
        (void)snprintf(record->detail, sizeof(record->detail), "%s", reason);
    }
}

static _Noreturn void
child_make(const SvirtProbeTarget *target, const SvirtProbeAttempt *attempt,
           SvirtProbeMode mode, SvirtProbeRecord *shared)
{
    /* A mount that works must not be the host's; who may not even unshare
     * may not mount either. */
    if ((attempt->flags & SVIRT_PROBE_FLAG_MOUNTS) &&
        (unshare(CLONE_NEWNS) < 0 ||
         mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) &&
        mode == SVIRT_PROBE_CONTROL) {
        shared->outcome = SVIRT_PROBE_OUTCOME_BLOCKED;
        shared->error = errno;
        (void)snprintf(shared->detail, sizeof(shared->detail),
                       "no mount namespace for the control");
        _exit(0);
    }
    attempt_make(target, attempt, shared);
    _exit(0);
}

/* In a process of its own: what the attempt gains or breaks ends there. */
static void
separate_make(const SvirtProbeTarget *target, const SvirtProbeAttempt *attempt,
              SvirtProbeMode mode, SvirtProbeRecord *shared)
{
    const struct timespec limit = {
        .tv_sec = seconds_for(attempt) + CHILD_GRACE_S,
    };
    sigset_t set;
    int status = 0;
    pid_t pid;

    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGCHLD);
    (void)sigprocmask(SIG_BLOCK, &set, NULL);
    /* Stands unless the child says otherwise. */
    shared->outcome = SVIRT_PROBE_OUTCOME_SIGNAL;
    pid = fork();
    if (pid < 0) {
        shared->outcome = SVIRT_PROBE_OUTCOME_BLOCKED;
        shared->error = errno;
        return;
    }
    if (pid == 0) {
        (void)sigprocmask(SIG_UNBLOCK, &set, NULL);
        child_make(target, attempt, mode, shared);
    }
    if (sigtimedwait(&set, NULL, &limit) < 0) {
        (void)kill(pid, SIGKILL);
        shared->outcome = SVIRT_PROBE_OUTCOME_TIMEOUT;
    }
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    if (shared->outcome == SVIRT_PROBE_OUTCOME_SIGNAL && !shared->signal) {
        shared->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    }
}

/* Descriptors that are not open would make attempts look blocked. */
static bool
descriptors_open(const SvirtProbeTarget *target)
{
    const int64_t fds[] = { target->base_fd,   target->disk_fd,
                            target->lock_fd,   target->socket_fd,
                            target->pipe_fd,   target->tty_fd,
                            target->memory_fd, target->passt_fd };

    for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
        if (fds[i] >= 0 && fcntl((int)fds[i], F_GETFD) < 0) {
            return false;
        }
    }
    return true;
}

/* Row made at `step`: those that may end the probe come last. */
static uint32_t
row_at(uint32_t step)
{
    uint32_t count = (uint32_t)svirt_probe_attempt_count();

    for (unsigned last = 0; last < 2; last++) {
        for (uint32_t row = 0; row < count; row++) {
            unsigned flags = svirt_probe_attempt(row, NULL)->flags;

            if (!!(flags & SVIRT_PROBE_FLAG_LAST) == last && step-- == 0) {
                return row;
            }
        }
    }
    return count;
}

int
svirt_probe_run(const SvirtProbeTarget *target, SvirtProbeMode mode,
                int record_fd, uint32_t first)
{
    uint32_t count = (uint32_t)svirt_probe_attempt_count();
    SvirtProbeRecord *shared =
        mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
             MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (shared == MAP_FAILED || !descriptors_open(target)) {
        return 3;
    }
    signals_prepare();
    for (uint32_t step = first; step < count; step++) {
        uint32_t row = row_at(step);
        const SvirtProbeAttempt *attempt = svirt_probe_attempt(row, NULL);
        struct timespec start;

        svirt_probe_record_init(shared, SVIRT_PROBE_PHASE_BEGIN, step, row,
                                attempt->name);
        if (!svirt_probe_record_write(record_fd, shared)) {
            return 2;
        }
        shared->phase = SVIRT_PROBE_PHASE_END;
        (void)clock_gettime(CLOCK_MONOTONIC, &start);
        if (mode == SVIRT_PROBE_INLINE) {
            attempt_make(target, attempt, shared);
        } else {
            separate_make(target, attempt, mode, shared);
        }
        if (mode == SVIRT_PROBE_CONTROL) {
            absence_apply(attempt, shared);
        }
        shared->duration_ms = milliseconds_since(&start);
        if (!svirt_probe_record_write(record_fd, shared)) {
            return 2;
        }
    }
    svirt_probe_record_init(shared, SVIRT_PROBE_PHASE_FINISH, count, 0, "");
    return svirt_probe_record_write(record_fd, shared) ? 0 : 2;
}
