/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Calls only x86 has. */
#include "selftest/probe.h"

#include <sys/syscall.h>

#ifdef __x86_64__
#define X32_BIT 0x40000000

static int
call_ia32(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
          SvirtProbeNote *note)
{
    int result;

    /* getpid by the 32-bit table, which a 64-bit filter does not name. */
    __asm__ volatile("int $0x80" : "=a"(result) : "a"(20) : "memory");
    return result < 0 ? -result : 0;
}

static int
call_x32(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
         SvirtProbeNote *note)
{
    return svirt_probe_result(syscall(X32_BIT | SYS_getpid));
}

static int
change_segments(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
                SvirtProbeNote *note)
{
    char table[64];

    return svirt_probe_result(
        syscall(SYS_modify_ldt, 0, table, sizeof(table)));
}

static int
port_level(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
           SvirtProbeNote *note)
{
    return svirt_probe_result(syscall(SYS_iopl, 3));
}

static int
port_access(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
            SvirtProbeNote *note)
{
    return svirt_probe_result(syscall(SYS_ioperm, 0x80, 1, 1));
}

SVIRT_PROBE_ROWS(
    machine,
    { "ia32-call", "make a system call by the 32-bit table", L(FILTER),
      call_ia32, .absence = SVIRT_PROBE_ABSENCE_SEGV,
      .flags = SVIRT_PROBE_FLAG_LAST },
    { "x32-call", "make a system call by the x32 table", L(FILTER), call_x32,
      .absence = SVIRT_PROBE_ABSENCE_SYSCALL },
    { "modify-ldt", "read and write segment descriptors", L(FILTER),
      change_segments, .absence = SVIRT_PROBE_ABSENCE_SYSCALL },
    { "iopl", "reach every I/O port", L(FILTER) | L(CAPABILITY), port_level,
      .absence = SVIRT_PROBE_ABSENCE_SYSCALL },
    { "ioperm", "reach an I/O port", L(FILTER) | L(CAPABILITY), port_access,
      .absence = SVIRT_PROBE_ABSENCE_SYSCALL })
#else
const size_t svirt_probe_machine_count = 0;
const SvirtProbeAttempt svirt_probe_machine[] = { { NULL } };
#endif
