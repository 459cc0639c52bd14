/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Signals to the other VM's process and to everybody. */
#include "selftest/probe.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>

/* A signal the stand-in for the other VM handles. */
#define HARMLESS SIGUSR1
#define REACH (L(FILTER) | L(LANDLOCK) | L(DAC) | L(NAMESPACE))

static int
kill_one(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
         SvirtProbeNote *note)
{
    return t->pid < 0 ? SVIRT_PROBE_UNAIMED
                      : svirt_probe_result(kill((pid_t)t->pid, HARMLESS));
}

static int
kill_group(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
           SvirtProbeNote *note)
{
    return t->pid < 0 ? SVIRT_PROBE_UNAIMED
                      : svirt_probe_result(kill(-(pid_t)t->pid, HARMLESS));
}

static int
kill_all(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
         SvirtProbeNote *note)
{
    /* Signal 0: every permission is checked, nothing is delivered. */
    return svirt_probe_result(kill(-1, 0));
}

static int
continue_one(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
             SvirtProbeNote *note)
{
    return t->pid < 0 ? SVIRT_PROBE_UNAIMED
                      : svirt_probe_result(kill((pid_t)t->pid, SIGCONT));
}

static int
tgkill_one(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
           SvirtProbeNote *note)
{
    return t->pid < 0 ? SVIRT_PROBE_UNAIMED
                      : svirt_probe_result(syscall(SYS_tgkill, t->pid, t->pid,
                                                   HARMLESS));
}

static int
tkill_one(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
          SvirtProbeNote *note)
{
    return t->pid < 0
               ? SVIRT_PROBE_UNAIMED
               : svirt_probe_result(syscall(SYS_tkill, t->pid, HARMLESS));
}

static int
queue_one(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
          SvirtProbeNote *note)
{
    siginfo_t info;

    memset(&info, 0, sizeof(info));
    info.si_signo = HARMLESS;
    info.si_code = SI_QUEUE;
    info.si_pid = getpid();
    return t->pid < 0 ? SVIRT_PROBE_UNAIMED
                      : svirt_probe_result(syscall(SYS_rt_sigqueueinfo, t->pid,
                                                   HARMLESS, &info));
}

static int
queue_thread(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
             SvirtProbeNote *note)
{
    siginfo_t info;

    memset(&info, 0, sizeof(info));
    info.si_signo = HARMLESS;
    info.si_code = SI_QUEUE;
    info.si_pid = getpid();
    return t->pid < 0
               ? SVIRT_PROBE_UNAIMED
               : svirt_probe_result(syscall(SYS_rt_tgsigqueueinfo, t->pid,
                                            t->pid, HARMLESS, &info));
}

static int
pidfd_signal(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
             SvirtProbeNote *note)
{
    int pidfd;
    int error;

    if (t->pid < 0) {
        return SVIRT_PROBE_UNAIMED;
    }
    pidfd = (int)syscall(SYS_pidfd_open, t->pid, 0);
    if (pidfd < 0) {
        return errno;
    }
    error = svirt_probe_result(
        syscall(SYS_pidfd_send_signal, pidfd, HARMLESS, NULL, 0));
    (void)close(pidfd);
    return error;
}

/* The kernel signals the "owner" of a descriptor on the caller's behalf. */
static int
signal_by_owner(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
                SvirtProbeNote *note)
{
    int ends[2];
    int error;

    if (t->pid < 0) {
        return SVIRT_PROBE_UNAIMED;
    }
    if (pipe2(ends, O_CLOEXEC) < 0) {
        return errno;
    }
    error = svirt_probe_result(fcntl(ends[0], F_SETOWN, (pid_t)t->pid));
    if (!error) {
        error = svirt_probe_result(fcntl(ends[0], F_SETSIG, HARMLESS));
    }
    if (!error) {
        error = svirt_probe_result(fcntl(ends[0], F_SETFL, O_ASYNC));
    }
    if (!error) {
        error = svirt_probe_result(write(ends[1], "x", 1));
    }
    (void)close(ends[0]);
    (void)close(ends[1]);
    return error;
}

SVIRT_PROBE_ROWS(
    signals,
    { "kill", "signal the other VM", REACH, kill_one },
    { "kill-group", "signal the other VM's process group", REACH,
      kill_group },
    { "kill-all", "signal every process",
      L(FILTER) | L(NAMESPACE), kill_all },
    { "kill-continue", "continue the other VM while it is stopped", REACH,
      continue_one },
    { "tgkill", "signal a thread of the other VM", REACH, tgkill_one },
    { "tkill", "signal a thread of the other VM by tkill", REACH,
      tkill_one },
    { "sigqueue", "queue a signal with data to the other VM", REACH,
      queue_one },
    { "tgsigqueue", "queue a signal to a thread of the other VM", REACH,
      queue_thread },
    { "pidfd-signal", "signal the other VM through a pidfd", REACH,
      pidfd_signal },
    { "fcntl-owner", "have the kernel signal the other VM for a pipe",
      L(FILTER) | L(NAMESPACE), signal_by_owner })
