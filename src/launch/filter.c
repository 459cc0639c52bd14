/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launch/filter.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/enum-table.h"
#include "base/fd.h"
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

/* What the build could not know. */
static uint32_t
fill_in(uint32_t k, uint32_t exec)
{
    if (k == SVIRT_FILTER_OWN_PID) {
        return (uint32_t)syscall(SYS_getpid);
    }
    return (k & 0xffff0000u) == SVIRT_FILTER_CLOSED_MARK &&
                   (k >> 8 & exec & 0xff) != 0
               ? k & 0xff : k;
}

bool
svirt_filter_install(SvirtFilter filter, uint32_t exec, int *ret_listener,
                     SvirtLaunchFailure *failure)
{
    const unsigned flags = ret_listener != NULL
        ? SECCOMP_FILTER_FLAG_NEW_LISTENER : 0;
    struct sock_filter code[MAX_INSTRUCTIONS];
    struct sock_fprog prog = {
        .len = (unsigned short)programs[filter].count, .filter = code,
    };
    long result;

    if (programs[filter].count > MAX_INSTRUCTIONS) {
        errno = E2BIG;
        return svirt_launch_fail(failure, SVIRT_STEP_SECCOMP, "%s filter",
                                 svirt_filter_to_string(filter));
    }
    memcpy(code, programs[filter].code,
           programs[filter].count * sizeof(code[0]));
    for (size_t i = 0; i < prog.len; i++) {
        if (code[i].code == (BPF_JMP | BPF_JEQ | BPF_K)) {
            code[i].k = fill_in(code[i].k, exec);
        }
    }
    result = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &prog);
    if (result < 0) {
        return svirt_launch_fail(failure, SVIRT_STEP_SECCOMP, "%s filter",
                                 svirt_filter_to_string(filter));
    }
    if (ret_listener != NULL) {
        *ret_listener = (int)result;
    }
    return true;
}

/* Room for kernels whose structures have grown; they want it zeroed. */
typedef union Question {
    struct seccomp_notif notif;
    char room[1024];
} Question;

static bool
answer(int listener, int timeout_ms)
{
    struct pollfd poll_fd = { .fd = listener, .events = POLLIN };
    Question question = { .room = { 0 } };
    struct seccomp_notif_resp response = {
        .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE,
    };
    int ready;

    do {
        ready = poll(&poll_fd, 1, timeout_ms);
    } while (ready < 0 && errno == EINTR);
    if (ready == 0) {
        errno = ETIMEDOUT;
    }
    if (ready <= 0 ||
        ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &question) < 0) {
        return false;
    }
    /* CONTINUE is no decision on arguments: the child is our own code. */
    response.id = question.notif.id;
    return ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &response) == 0;
}

bool
svirt_filter_let_exec_pass(int *listener, int timeout_ms)
{
    bool passed = answer(*listener, timeout_ms);

    svirt_fd_close(listener);
    return passed;
}
