/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Parts of the kernel a VMM has no use for, and settings of the host. */
#include "selftest/probe.h"

#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/io_uring.h>
#include <linux/perf_event.h>
#include <linux/reboot.h>
#include <linux/userfaultfd.h>
#include <stdio.h>
#include <string.h>
#include <sys/klog.h>
#include <sys/quota.h>
#include <sys/swap.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timex.h>
#include <sys/utsname.h>

#define ROOT_ONLY (L(FILTER) | L(CAPABILITY))
#define IO_URING_OFF                                                         \
    .switch_path = "/proc/sys/kernel/io_uring_disabled", .switch_value = 2
#define MODULES_OFF                                                          \
    .switch_path = "/proc/sys/kernel/modules_disabled", .switch_value = 1
#define KEXEC_OFF                                                            \
    .switch_path = "/proc/sys/kernel/kexec_load_disabled", .switch_value = 1
#define NOWHERE "/svirt-selftest/no-such-file"
#define SYSLOG_READ_ALL 3

static int
make_ring(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
          SvirtProbeNote *note)
{
    struct io_uring_params params;

    memset(&params, 0, sizeof(params));
    return svirt_probe_opened(syscall(SYS_io_uring_setup, 2, &params));
}

static int
use_ring(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
         SvirtProbeNote *note)
{
    /* No ring: said after the filter let the call through. */
    return svirt_probe_past(syscall(SYS_io_uring_enter, -1, 1, 0, 0, NULL, 0),
                            EBADF);
}

static int
fault_memory(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
             SvirtProbeNote *note)
{
    return svirt_probe_opened(
        syscall(SYS_userfaultfd, O_CLOEXEC | UFFD_USER_MODE_ONLY));
}

static int
make_map(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
         SvirtProbeNote *note)
{
    union bpf_attr attr;

    memset(&attr, 0, sizeof(attr));
    attr.map_type = BPF_MAP_TYPE_ARRAY;
    attr.key_size = 4;
    attr.value_size = 4;
    attr.max_entries = 1;
    return svirt_probe_opened(
        syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof(attr)));
}

static int
measure(pid_t pid)
{
    struct perf_event_attr attr;

    memset(&attr, 0, sizeof(attr));
    attr.size = sizeof(attr);
    attr.type = PERF_TYPE_SOFTWARE;
    attr.config = PERF_COUNT_SW_CPU_CLOCK;
    attr.exclude_kernel = 1;
    return svirt_probe_opened(
        syscall(SYS_perf_event_open, &attr, pid, -1, -1,
                PERF_FLAG_FD_CLOEXEC));
}

static int
measure_other(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
              SvirtProbeNote *note)
{
    return t->pid < 0 ? SVIRT_PROBE_UNAIMED : measure((pid_t)t->pid);
}

static int
measure_self(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
             SvirtProbeNote *note)
{
    return measure(0);
}

static int
load_kernel(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
            SvirtProbeNote *note)
{
    /* More segments than the kernel takes: refused after the capability. */
    return svirt_probe_past(
        syscall(SYS_kexec_load, 0, 1000000, NULL, 0), EINVAL);
}

static int
load_kernel_file(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
                 SvirtProbeNote *note)
{
    return svirt_probe_past(
        syscall(SYS_kexec_file_load, -1, -1, 0, NULL, ~0ul), EINVAL);
}

static int
load_module(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
            SvirtProbeNote *note)
{
    /* Shorter than an ELF header. */
    return svirt_probe_past(syscall(SYS_init_module, "x", 1, ""), ENOEXEC);
}

static int
load_module_file(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
                 SvirtProbeNote *note)
{
    return svirt_probe_past(syscall(SYS_finit_module, -1, "", 0), EBADF);
}

static int
unload_module(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
              SvirtProbeNote *note)
{
    return svirt_probe_past(
        syscall(SYS_delete_module, "svirt_no_such_module", O_NONBLOCK),
        ENOENT);
}

static int
restart_host(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
             SvirtProbeNote *note)
{
    /* Wrong magic numbers: refused after the capability. */
    return svirt_probe_past(syscall(SYS_reboot, 1, 1, 0, NULL), EINVAL);
}

static int
name_host(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
          SvirtProbeNote *note)
{
    struct utsname name;

    if (uname(&name) < 0) {
        return errno;
    }
    return svirt_probe_result(
        sethostname(name.nodename, strlen(name.nodename)));
}

static int
name_domain(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
            SvirtProbeNote *note)
{
    struct utsname name;

    if (uname(&name) < 0) {
        return errno;
    }
    return svirt_probe_result(
        setdomainname(name.domainname, strlen(name.domainname)));
}

static int
set_clock(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
          SvirtProbeNote *note)
{
    /* No such time zone: refused after the capability. */
    struct timezone zone = { .tz_minuteswest = 100000 };

    return svirt_probe_past(
        syscall(SYS_settimeofday, NULL, &zone), EINVAL);
}

static int
adjust_clock(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
             SvirtProbeNote *note)
{
    /* No such tick: refused after the capability. */
    struct timex change = { .modes = ADJ_TICK, .tick = 1 };

    return svirt_probe_past(adjtimex(&change), EINVAL);
}

static int
add_swap(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
         SvirtProbeNote *note)
{
    return svirt_probe_past(swapon(NOWHERE, 0), ENOENT);
}

static int
remove_swap(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
            SvirtProbeNote *note)
{
    return svirt_probe_past(swapoff(NOWHERE), ENOENT);
}

static int
account(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
        SvirtProbeNote *note)
{
    return svirt_probe_past(acct(NOWHERE), ENOENT);
}

static int
set_quota(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
          SvirtProbeNote *note)
{
    /* No device given: said when the filter let the call through. */
    return svirt_probe_past(
        quotactl(QCMD(Q_SETQUOTA, USRQUOTA), NULL, 0, NULL), ENODEV);
}

static int
read_log(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
         SvirtProbeNote *note)
{
    char text[64];

    return svirt_probe_result(klogctl(SYSLOG_READ_ALL, text, sizeof(text)));
}

SVIRT_PROBE_ROWS(
    kernel,
    { "io-uring", "make an io_uring, which sends and opens past the filter",
      L(FILTER) | L(RLIMIT), make_ring,
      .absence = SVIRT_PROBE_ABSENCE_SYSCALL, IO_URING_OFF },
    { "io-uring-enter", "submit to an io_uring", L(FILTER), use_ring,
      .absence = SVIRT_PROBE_ABSENCE_SYSCALL, IO_URING_OFF },
    { "userfaultfd", "stop the kernel in a page fault", L(FILTER),
      fault_memory, .absence = SVIRT_PROBE_ABSENCE_SYSCALL },
    { "bpf", "create a BPF map", L(FILTER) | L(CAPABILITY), make_map,
      .absence = SVIRT_PROBE_ABSENCE_SYSCALL },
    { "perf-other", "count what the other VM executes",
      L(FILTER) | L(LANDLOCK) | L(DAC) | L(NAMESPACE), measure_other,
      .absence = SVIRT_PROBE_ABSENCE_SYSCALL },
    { "perf-self", "use the kernel's performance counters", L(FILTER),
      measure_self, .absence = SVIRT_PROBE_ABSENCE_SYSCALL },
    { "kexec", "load another kernel", ROOT_ONLY, load_kernel,
      .absence = SVIRT_PROBE_ABSENCE_SYSCALL,
      KEXEC_OFF },
    { "kexec-file", "load another kernel from a file", ROOT_ONLY,
      load_kernel_file, .absence = SVIRT_PROBE_ABSENCE_SYSCALL,
      KEXEC_OFF },
    { "module-load", "load a kernel module", ROOT_ONLY, load_module,
      .absence = SVIRT_PROBE_ABSENCE_SYSCALL,
      MODULES_OFF },
    { "module-load-file", "load a kernel module from a file", ROOT_ONLY,
      load_module_file, .absence = SVIRT_PROBE_ABSENCE_SYSCALL,
      MODULES_OFF },
    { "module-unload", "unload a kernel module", ROOT_ONLY, unload_module,
      .absence = SVIRT_PROBE_ABSENCE_SYSCALL,
      MODULES_OFF },
    { "reboot", "restart the host", ROOT_ONLY, restart_host },
    { "hostname", "rename the host", ROOT_ONLY, name_host },
    { "domainname", "rename the host's NIS domain", ROOT_ONLY, name_domain },
    { "settimeofday", "set the host's clock", ROOT_ONLY, set_clock },
    { "adjtimex", "change the speed of the host's clock", ROOT_ONLY,
      adjust_clock },
    { "swapon", "add swap space", ROOT_ONLY, add_swap,
      .absence = SVIRT_PROBE_ABSENCE_SYSCALL },
    { "swapoff", "remove swap space", ROOT_ONLY, remove_swap,
      .absence = SVIRT_PROBE_ABSENCE_SYSCALL },
    { "acct", "switch process accounting", ROOT_ONLY, account,
      .absence = SVIRT_PROBE_ABSENCE_SYSCALL },
    { "quotactl", "set disk quotas", L(FILTER), set_quota,
      .absence = SVIRT_PROBE_ABSENCE_SYSCALL },
    { "syslog", "read the kernel's log", ROOT_ONLY, read_log },
    { "kcore", "read the kernel's memory", L(ROOT) | L(LANDLOCK) | L(DAC),
      svirt_probe_open_path, "/proc/kcore", O_RDONLY,
      SVIRT_PROBE_ABSENCE_PATH },
    { "kmsg-proc", "drain the kernel's log through /proc",
      L(ROOT) | L(LANDLOCK) | L(DAC) | L(CAPABILITY), svirt_probe_open_path,
      "/proc/kmsg", O_RDONLY | O_NONBLOCK, SVIRT_PROBE_ABSENCE_PATH },
    { "sysrq", "send a sysrq to the host", L(ROOT) | L(LANDLOCK) | L(DAC),
      svirt_probe_open_path, "/proc/sysrq-trigger", O_WRONLY,
      SVIRT_PROBE_ABSENCE_PATH },
    { "sysctl", "write a kernel setting", L(ROOT) | L(LANDLOCK) | L(DAC),
      svirt_probe_open_path, "/proc/sys/kernel/core_pattern", O_WRONLY,
      SVIRT_PROBE_ABSENCE_PATH },
    { "proc-keys", "list the keys it may see", L(ROOT),
      svirt_probe_open_path, "/proc/keys", O_RDONLY,
      SVIRT_PROBE_ABSENCE_PATH },
    { "proc-interrupts", "watch the host's interrupts",
      L(ROOT), svirt_probe_open_path, "/proc/interrupts", O_RDONLY,
      SVIRT_PROBE_ABSENCE_PATH },
    { "sysfs-read", "read the host's devices from /sys",
      L(ROOT) | L(LANDLOCK), svirt_probe_open_path, "/sys/class/net",
      O_RDONLY | O_DIRECTORY, SVIRT_PROBE_ABSENCE_PATH },
    { "sysfs-write", "write a setting in /sys",
      L(ROOT) | L(LANDLOCK) | L(DAC), svirt_probe_open_path,
      "/sys/kernel/mm/transparent_hugepage/enabled", O_WRONLY,
      SVIRT_PROBE_ABSENCE_PATH })
