/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launch/session.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The kernel's __NEW_UTS_LEN. */
#define MAX_HOST_NAME 64
/* QEMU's worker threads and vCPUs together; the uid is this VM's alone. */
#define VMM_THREADS 4096
#define HELPER_THREADS 16
/* What a monitor writes beyond the limit before it rotates. */
#define LOG_SLACK_BYTES (4u * 1024 * 1024)

bool
svirt_session_start(SvirtLaunchFailure *failure)
{
    /* The kernel's struct; all zero is the default. */
    static const unsigned long action[4];
    sigset_t none;

    if (setsid() < 0) {
        return svirt_launch_fail(failure, SVIRT_STEP_SESSION, "setsid");
    }
    (void)umask(077); /* cannot fail */
    /* Ignored signals survive exec, and a libc refuses the numbers it keeps
     * for itself. SIGKILL and SIGSTOP fail. */
    for (int signo = 1; signo < NSIG; signo++) {
        (void)syscall(SYS_rt_sigaction, signo, action, NULL, 8);
    }
    if (sigemptyset(&none) < 0 || sigprocmask(SIG_SETMASK, &none, NULL) < 0) {
        return svirt_launch_fail(failure, SVIRT_STEP_SESSION, "signal mask");
    }
    /* An inherited ADDR_NO_RANDOMIZE would make the VMM's layout known. */
    if (personality(PER_LINUX) < 0) {
        return svirt_launch_fail(failure, SVIRT_STEP_SESSION, "personality");
    }
    return true;
}

typedef struct Limit {
    int resource;
    const char *name;
    rlim_t value;
} Limit;

static bool
lower(const Limit *limit, SvirtLaunchFailure *failure)
{
    struct rlimit now;

    if (getrlimit(limit->resource, &now) < 0) {
        return svirt_launch_fail(failure, SVIRT_STEP_RLIMIT, "%s",
                                 limit->name);
    }
    if (limit->value < now.rlim_max) {
        now.rlim_max = limit->value;
    }
    now.rlim_cur = now.rlim_max;
    if (setrlimit(limit->resource, &now) < 0) {
        return svirt_launch_fail(failure, SVIRT_STEP_RLIMIT, "%s to %llu",
                                 limit->name,
                                 (unsigned long long)now.rlim_max);
    }
    return true;
}

bool
svirt_session_limit(const SvirtLaunchSpec *spec, SvirtProcess which,
                    SvirtLaunchFailure *failure)
{
    const rlim_t log = spec->log_limit_bytes > 0
        ? spec->log_limit_bytes + LOG_SLACK_BYTES : RLIM_INFINITY;
    const rlim_t fsize[SVIRT_PROCESS_KINDS] = {
        [SVIRT_PROCESS_VMM] = spec->rlimit_fsize_bytes > 0
            ? spec->rlimit_fsize_bytes : RLIM_INFINITY,
        [SVIRT_PROCESS_MONITOR] = log,
        [SVIRT_PROCESS_PASST] = 0,
    };
    const bool vmm = which == SVIRT_PROCESS_VMM;
    const Limit limits[] = {
        { RLIMIT_CORE, "core size", 0 },
        { RLIMIT_FSIZE, "file size", fsize[svirt_process_kind(which)] },
        { RLIMIT_MEMLOCK, "locked memory",
          vmm ? spec->rlimit_memlock_bytes : 0 },
        { RLIMIT_NPROC, "threads", vmm ? VMM_THREADS : HELPER_THREADS },
        { RLIMIT_MSGQUEUE, "message queues", 0 },
        { RLIMIT_RTPRIO, "realtime priority", 0 },
        { RLIMIT_NICE, "nice", 0 },
    };

    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        if (!lower(&limits[i], failure)) {
            return false;
        }
    }
    return true;
}

bool
svirt_session_name_host(const char *name, SvirtLaunchFailure *failure)
{
    if (sethostname(name, strnlen(name, MAX_HOST_NAME)) < 0) {
        return svirt_launch_fail(failure, SVIRT_STEP_HOSTNAME, "'%s'", name);
    }
    if (setdomainname("", 0) < 0) {
        return svirt_launch_fail(failure, SVIRT_STEP_HOSTNAME, "domain name");
    }
    return true;
}
