/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launch/filter.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/enum-table.h"
#include "launch/filter-rules.h"
#include "filter-programs.h" /* generated */

SVIRT_ENUM_TABLE(SvirtFilter, svirt_filter, SVIRT_FILTER_MAX,
    [SVIRT_FILTER_VMM] = "vmm",
    [SVIRT_FILTER_MONITOR] = "monitor",
    [SVIRT_FILTER_PASST] = "passt")

#define MAX_INSTRUCTIONS 1024

typedef struct FilterProgram {
    const struct sock_filter *code;
    size_t count;
} FilterProgram;

#define PROGRAM(name)                                                        \
    { svirt_filter_##name,                                                   \
      sizeof(svirt_filter_##name) / sizeof(svirt_filter_##name[0]) }

static const FilterProgram programs[SVIRT_FILTER_MAX] = {
    [SVIRT_FILTER_VMM] = PROGRAM(vmm),
    [SVIRT_FILTER_MONITOR] = PROGRAM(monitor),
    [SVIRT_FILTER_PASST] = PROGRAM(passt),
};

bool
svirt_filter_install(SvirtFilter filter, int exec_fd,
                     SvirtLaunchFailure *failure)
{
    struct sock_filter code[MAX_INSTRUCTIONS];
    struct sock_fprog prog = {
        .len = (unsigned short)programs[filter].count, .filter = code,
    };

    if (programs[filter].count > MAX_INSTRUCTIONS) {
        errno = E2BIG;
        return svirt_launch_fail(failure, SVIRT_STEP_SECCOMP, "%s filter",
                                 svirt_filter_to_string(filter));
    }
    memcpy(code, programs[filter].code,
           programs[filter].count * sizeof(code[0]));
    for (size_t i = 0; i < prog.len; i++) {
        if (code[i].code != (BPF_JMP | BPF_JEQ | BPF_K)) {
            continue;
        }
        /* No descriptor has number -1: execveat's -100 is another. */
        if (code[i].k == SVIRT_FILTER_EXEC_FD) {
            code[i].k = (uint32_t)exec_fd;
        } else if (code[i].k == SVIRT_FILTER_OWN_PID) {
            code[i].k = (uint32_t)syscall(SYS_getpid);
        }
    }
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog) < 0) {
        return svirt_launch_fail(failure, SVIRT_STEP_SECCOMP, "%s filter",
                                 svirt_filter_to_string(filter));
    }
    return true;
}
