/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Taking more of the host than the compartment may. */
#include "selftest/probe.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <pthread.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>

static int
raise_limit(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
            SvirtProbeNote *note)
{
    struct rlimit before;
    struct rlimit more;

    if (getrlimit(RLIMIT_NOFILE, &before) < 0) {
        return errno;
    }
    more = before;
    more.rlim_max++;
    if (setrlimit(RLIMIT_NOFILE, &more) < 0) {
        return errno;
    }
    return svirt_probe_result(setrlimit(RLIMIT_NOFILE, &before));
}

static int
allow_core(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
           SvirtProbeNote *note)
{
    struct rlimit before;
    struct rlimit more;

    if (getrlimit(RLIMIT_CORE, &before) < 0) {
        return errno;
    }
    more = before;
    more.rlim_cur = 1 << 20;
    if (setrlimit(RLIMIT_CORE, &more) < 0) {
        /* Over the hard limit: EINVAL. */
        return errno;
    }
    return svirt_probe_result(setrlimit(RLIMIT_CORE, &before));
}

static int
grow_disk(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
          SvirtProbeNote *note)
{
    struct stat st;
    int fd = (int)t->disk_fd;

    if (fd < 0 || t->file_limit_bytes <= 0) {
        return SVIRT_PROBE_UNAIMED;
    }
    if (fstat(fd, &st) < 0 ||
        ftruncate(fd, (off_t)t->file_limit_bytes + 4096) < 0) {
        return errno;
    }
    return svirt_probe_result(ftruncate(fd, st.st_size));
}

static int
lock_memory(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
            SvirtProbeNote *note)
{
    size_t size = (size_t)64 << 20;
    void *map = mmap(NULL, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                     0);
    int error;

    if (map == MAP_FAILED) {
        return errno;
    }
    /* Locked when touched, and never touched. */
    error = svirt_probe_result(mlock2(map, size, MLOCK_ONFAULT));
    (void)munmap(map, size);
    return error;
}

#define MORE_TASKS 64
#define MORE_BYTES ((size_t)32 << 20)

static void *
hold_thread(void *data)
{
    (void)pthread_mutex_lock(data);
    (void)pthread_mutex_unlock(data);
    return NULL;
}

static int
start_threads(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
              SvirtProbeNote *note)
{
    size_t wanted = (size_t)t->task_limit + MORE_TASKS;
    size_t size = wanted * sizeof(pthread_t);
    /* Outlives this call: the timer may end it before the threads. */
    static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
    pthread_attr_t attr;
    pthread_t *threads;
    size_t made = 0;
    int error = 0;

    if (t->task_limit <= 0) {
        return SVIRT_PROBE_UNAIMED;
    }
    threads = mmap(NULL, size, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (threads == MAP_FAILED) {
        return errno;
    }
    (void)pthread_attr_init(&attr);
    (void)pthread_attr_setstacksize(&attr, PTHREAD_STACK_MIN);
    (void)pthread_mutex_lock(&gate);
    while (made < wanted && error == 0) {
        error = pthread_create(&threads[made], &attr, hold_thread, &gate);
        made += error == 0;
    }
    (void)pthread_mutex_unlock(&gate);
    for (size_t i = 0; i < made; i++) {
        (void)pthread_join(threads[i], NULL);
    }
    (void)munmap(threads, size);
    (void)snprintf(note->text, sizeof(note->text), "%zu threads", made);
    return error;
}

static int
use_memory(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
           SvirtProbeNote *note)
{
    size_t size = (size_t)t->memory_limit_bytes + MORE_BYTES;
    void *map;

    if (t->memory_limit_bytes <= 0) {
        return SVIRT_PROBE_UNAIMED;
    }
    map = mmap(NULL, size, PROT_READ | PROT_WRITE,
               MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED) {
        return errno;
    }
    memset(map, 1, size);
    (void)munmap(map, size);
    return 0;
}

static int
leave_cgroup(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
             SvirtProbeNote *note)
{
    return *t->cgroup_procs
               ? svirt_probe_opened(
                     open(t->cgroup_procs, O_WRONLY | O_CLOEXEC))
               : SVIRT_PROBE_UNAIMED;
}

SVIRT_PROBE_ROWS(
    limits,
    { "raise-limit", "raise its own limit of open files",
      L(CAPABILITY) | L(FILTER), raise_limit, .number = CAP_SYS_RESOURCE,
      .absence = SVIRT_PROBE_ABSENCE_CAPABILITY },
    { "core-dump", "allow itself a core dump with the guest's memory",
      L(RLIMIT) | L(FILTER), allow_core },
    { "grow-disk", "grow its disk over its declared size", L(RLIMIT),
      grow_disk },
    { "lock-memory", "lock 64 MiB of memory", L(RLIMIT), lock_memory },
    { "leave-cgroup", "move itself to another cgroup",
      L(ROOT) | L(LANDLOCK) | L(DAC), leave_cgroup,
      .absence = SVIRT_PROBE_ABSENCE_TARGET },
    { "threads", "start more threads than its limit",
      L(RLIMIT) | L(DAC), start_threads,
      .flags = SVIRT_PROBE_FLAG_TOGETHER | SVIRT_PROBE_FLAG_SLOW },
    { "memory", "use more memory than its limit", L(CGROUP), use_memory,
      .flags = SVIRT_PROBE_FLAG_LAST | SVIRT_PROBE_FLAG_SLOW })
