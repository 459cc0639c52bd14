/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Looking into the other VM's process, and changing how it runs. */
#include "selftest/probe.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/kcmp.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>

#define TRACE (L(FILTER) | L(LANDLOCK) | L(DAC) | L(NAMESPACE))
#define TUNE (L(FILTER) | L(DAC) | L(NAMESPACE))
/* A /proc of the host shows the host's processes, in any namespace. */
#define PROC (L(LANDLOCK) | L(DAC))
#define IOPRIO_WHO_PROCESS 1

static int
trace_seize(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
            SvirtProbeNote *note)
{
    pid_t pid = (pid_t)t->pid;

    if (pid < 0) {
        return SVIRT_PROBE_UNAIMED;
    }
    if (ptrace(PTRACE_SEIZE, pid, NULL, NULL) < 0) {
        return errno;
    }
    (void)ptrace(PTRACE_INTERRUPT, pid, NULL, NULL);
    (void)waitpid(pid, NULL, __WALL);
    return svirt_probe_result(ptrace(PTRACE_DETACH, pid, NULL, NULL));
}

static int
copy_memory(const SvirtProbeTarget *t, bool out)
{
    char secret[sizeof(SVIRT_PROBE_SECRET)] = SVIRT_PROBE_SECRET;
    struct iovec here = { .iov_base = secret, .iov_len = sizeof(secret) };
    struct iovec there = { .iov_base = (void *)(uintptr_t)t->address,
                           .iov_len = sizeof(secret) };

    if (t->pid < 0 || t->address < 0) {
        return SVIRT_PROBE_UNAIMED;
    }
    return svirt_probe_result(
        out ? process_vm_writev((pid_t)t->pid, &here, 1, &there, 1, 0)
            : process_vm_readv((pid_t)t->pid, &here, 1, &there, 1, 0));
}

static int
read_memory(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
            SvirtProbeNote *note)
{
    return copy_memory(t, false);
}

static int
write_memory(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
             SvirtProbeNote *note)
{
    return copy_memory(t, true);
}

/* A pidfd of the other VM, or -1 with errno. */
static int
open_pidfd(const SvirtProbeTarget *t)
{
    return (int)syscall(SYS_pidfd_open, t->pid, 0);
}

static int
pidfd_open_one(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
               SvirtProbeNote *note)
{
    return t->pid < 0 ? SVIRT_PROBE_UNAIMED
                      : svirt_probe_opened(open_pidfd(t));
}

static int
pidfd_get(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
          SvirtProbeNote *note)
{
    int pidfd;
    int error;

    if (t->pid < 0) {
        return SVIRT_PROBE_UNAIMED;
    }
    pidfd = open_pidfd(t);
    if (pidfd < 0) {
        return errno;
    }
    error = svirt_probe_opened(syscall(SYS_pidfd_getfd, pidfd, 0, 0));
    (void)close(pidfd);
    return error;
}

static int
advise_memory(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
              SvirtProbeNote *note)
{
    struct iovec there = {
        .iov_base = (void *)((uintptr_t)t->address & ~(uintptr_t)4095),
        .iov_len = 4096,
    };
    int pidfd;
    int error;

    if (t->pid < 0 || t->address < 0) {
        return SVIRT_PROBE_UNAIMED;
    }
    pidfd = open_pidfd(t);
    if (pidfd < 0) {
        return errno;
    }
    error = svirt_probe_result(
        syscall(SYS_process_madvise, pidfd, &there, 1, MADV_COLD, 0));
    (void)close(pidfd);
    return error;
}

static int
compare_objects(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
                SvirtProbeNote *note)
{
    return t->pid < 0 ? SVIRT_PROBE_UNAIMED
                      : svirt_probe_result(syscall(SYS_kcmp, getpid(), t->pid,
                                                   KCMP_VM, 0, 0));
}

static int
robust_list(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
            SvirtProbeNote *note)
{
    void *head;
    size_t size;

    return t->pid < 0 ? SVIRT_PROBE_UNAIMED
                      : svirt_probe_result(syscall(SYS_get_robust_list, t->pid,
                                                   &head, &size));
}

static int
move_pages(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
           SvirtProbeNote *note)
{
    return t->pid < 0 ? SVIRT_PROBE_UNAIMED
                      : svirt_probe_result(syscall(SYS_move_pages, t->pid, 0,
                                                   NULL, NULL, NULL, 0));
}

static int
session_of(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
           SvirtProbeNote *note)
{
    return t->pid < 0 ? SVIRT_PROBE_UNAIMED
                      : svirt_probe_result(getsid((pid_t)t->pid));
}

static int
limit_other(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
            SvirtProbeNote *note)
{
    struct rlimit limit;

    if (t->pid < 0) {
        return SVIRT_PROBE_UNAIMED;
    }
    if (prlimit((pid_t)t->pid, RLIMIT_NOFILE, NULL, &limit) < 0) {
        return errno;
    }
    return svirt_probe_result(
        prlimit((pid_t)t->pid, RLIMIT_NOFILE, &limit, NULL));
}

static int
nice_other(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
           SvirtProbeNote *note)
{
    if (t->pid < 0) {
        return SVIRT_PROBE_UNAIMED;
    }
    return svirt_probe_result(setpriority(PRIO_PROCESS, (id_t)t->pid, 0));
}

static int
affinity_other(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
               SvirtProbeNote *note)
{
    cpu_set_t set;

    if (t->pid < 0) {
        return SVIRT_PROBE_UNAIMED;
    }
    if (sched_getaffinity((pid_t)t->pid, sizeof(set), &set) < 0) {
        return errno;
    }
    return svirt_probe_result(
        sched_setaffinity((pid_t)t->pid, sizeof(set), &set));
}

static int
schedule_other(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
               SvirtProbeNote *note)
{
    struct sched_param param = { .sched_priority = 0 };

    return t->pid < 0
               ? SVIRT_PROBE_UNAIMED
               : svirt_probe_result(syscall(SYS_sched_setscheduler,
                                          t->pid, SCHED_OTHER, &param));
}

static int
ioprio_other(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
             SvirtProbeNote *note)
{
    return t->pid < 0 ? SVIRT_PROBE_UNAIMED
                      : svirt_probe_result(syscall(SYS_ioprio_set,
                                                   IOPRIO_WHO_PROCESS, t->pid,
                                                   0));
}

/* Opens attempt->path below /proc/PID with attempt->number as flags. */
static int
open_proc(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
          SvirtProbeNote *note)
{
    char path[64];

    if (t->pid < 0) {
        return SVIRT_PROBE_UNAIMED;
    }
    (void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)t->pid, a->path);
    return svirt_probe_opened(open(path, a->number | O_CLOEXEC));
}

static int
read_proc_memory(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
                 SvirtProbeNote *note)
{
    char secret[sizeof(SVIRT_PROBE_SECRET)];
    char path[64];
    int fd;
    int error;

    if (t->pid < 0 || t->address < 0) {
        return SVIRT_PROBE_UNAIMED;
    }
    (void)snprintf(path, sizeof(path), "/proc/%d/mem", (int)t->pid);
    fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0) {
        return errno;
    }
    error = svirt_probe_result(
        pread(fd, secret, sizeof(secret), (off_t)t->address));
    (void)close(fd);
    return error;
}

static int
init_root(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
          SvirtProbeNote *note)
{
    char path[SVIRT_PROBE_PATH + 16];

    if (!*t->host_file) {
        return SVIRT_PROBE_UNAIMED;
    }
    (void)snprintf(path, sizeof(path), "/proc/1/root%s", t->host_file);
    return svirt_probe_opened(open(path, O_RDONLY | O_CLOEXEC));
}

SVIRT_PROBE_ROWS(
    process,
    { "ptrace", "trace the other VM", TRACE, trace_seize },
    { "vm-readv", "read the other VM's memory", TRACE, read_memory },
    { "vm-writev", "write the other VM's memory", TRACE, write_memory },
    { "pidfd-open", "get a pidfd of the other VM", L(FILTER) | L(NAMESPACE),
      pidfd_open_one },
    { "pidfd-getfd", "take a descriptor from the other VM", TRACE,
      pidfd_get },
    { "process-madvise", "push the other VM's memory out",
      TRACE | L(CAPABILITY), advise_memory,
      .absence = SVIRT_PROBE_ABSENCE_SYSCALL },
    { "kcmp", "compare kernel objects with the other VM", TRACE,
      compare_objects, .absence = SVIRT_PROBE_ABSENCE_SYSCALL },
    { "robust-list", "learn an address in the other VM", TRACE, robust_list },
    { "move-pages", "learn and change where the other VM's pages are", TRACE,
      move_pages, .absence = SVIRT_PROBE_ABSENCE_SYSCALL },
    { "getsid", "ask for the other VM's session", L(NAMESPACE) | L(FILTER),
      session_of },
    { "prlimit-other", "set a limit of the other VM",
      L(FILTER) | L(CAPABILITY) | L(NAMESPACE), limit_other,
      .number = CAP_SYS_RESOURCE,
      .absence = SVIRT_PROBE_ABSENCE_CAPABILITY },
    { "nice-other", "set the other VM's priority", TUNE, nice_other },
    { "affinity-other", "bind the other VM to CPUs", TUNE, affinity_other },
    { "scheduler-other", "set the other VM's scheduler", TUNE,
      schedule_other },
    { "ioprio-other", "set the other VM's disk priority", TUNE,
      ioprio_other },
    { "proc-mem", "read the other VM's memory through /proc",
      PROC | L(ROOT), read_proc_memory },
    { "proc-environ", "read the other VM's environment", PROC,
      open_proc, "environ", O_RDONLY },
    { "proc-maps", "read the other VM's memory map", PROC, open_proc,
      "maps", O_RDONLY },
    { "proc-cmdline", "read the other VM's command line",
      L(ROOT) | L(NAMESPACE), open_proc, "cmdline", O_RDONLY,
      .flags = SVIRT_PROBE_FLAG_TOGETHER },
    { "proc-fd", "open the other VM's descriptor through /proc",
      PROC, open_proc, "fd/0", O_RDONLY },
    { "proc-root", "enter the other VM's root directory", PROC,
      open_proc, "root/.", O_RDONLY | O_DIRECTORY },
    { "proc-cwd", "enter the other VM's working directory", PROC,
      open_proc, "cwd/.", O_RDONLY | O_DIRECTORY },
    { "proc-oom", "make the other VM the first to be killed", PROC | L(ROOT),
      open_proc, "oom_score_adj", O_WRONLY },
    { "proc-namespace", "open the other VM's network namespace",
      PROC, open_proc, "ns/net", O_RDONLY },
    { "proc-init-root", "reach the host's files through /proc/1/root",
      PROC, init_root, .absence = SVIRT_PROBE_ABSENCE_INIT })
