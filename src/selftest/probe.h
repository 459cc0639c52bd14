/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "selftest/record.h"
#include "selftest/target.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

/*
 * The attempts of svirt-probe: a static program that stands in place of the
 * VMM and tries what an attacker who owns the VMM would try. It runs once
 * outside a compartment, as the control, where every attempt must succeed on
 * the same target, and once inside.
 */

typedef struct SvirtProbeAttempt SvirtProbeAttempt;

typedef struct SvirtProbeNote {
    char text[SVIRT_PROBE_DETAIL];
} SvirtProbeNote;

/*
 * 0 when the attack reached its target, else the errno that stopped it, or
 * SVIRT_PROBE_UNAIMED. Leaves nothing behind when it succeeds. Calls that
 * would harm the host are made with arguments the kernel refuses only after
 * the permission check; that refusal is then the success.
 */
typedef int (*SvirtProbeFunction)(const SvirtProbeTarget *target,
                                  const SvirtProbeAttempt *attempt,
                                  SvirtProbeNote *note);

#define SVIRT_PROBE_UNAIMED (-1)

/* How a control may show that this kernel or host has no such thing. */
typedef enum SvirtProbeAbsence {
    SVIRT_PROBE_ABSENCE_NONE,       /* the control must succeed */
    SVIRT_PROBE_ABSENCE_FILESYSTEM, /* the targets' file system lacks it */
    SVIRT_PROBE_ABSENCE_SYSCALL,    /* ENOSYS outside any filter */
    SVIRT_PROBE_ABSENCE_FAMILY,     /* no such socket family or option */
    SVIRT_PROBE_ABSENCE_PATH,       /* `path` is not there */
    SVIRT_PROBE_ABSENCE_CAPABILITY, /* root lacks capability `number` */
    SVIRT_PROBE_ABSENCE_TARGET,     /* the driver found none on this host */
    SVIRT_PROBE_ABSENCE_INIT,       /* init may do more than this root */
    SVIRT_PROBE_ABSENCE_SEGV,       /* int 0x80 without ia32 emulation */
} SvirtProbeAbsence;

enum {
    SVIRT_PROBE_FLAG_MOUNTS = 1u << 0, /* control: in a mount namespace */
    SVIRT_PROBE_FLAG_LAST = 1u << 1,   /* may change or end the probe */
    SVIRT_PROBE_FLAG_TOGETHER = 1u << 2, /* its layers stop it only together */
    SVIRT_PROBE_FLAG_SLOW = 1u << 3,   /* much work before it meets a limit */
};

struct SvirtProbeAttempt {
    const char *name; /* unique, lower case and hyphens */
    const char *what; /* one short sentence for people */
    uint32_t layers;  /* each of these stops it on its own, but see flags */
    SvirtProbeFunction run;
    const char *path;        /* argument of `run` */
    int number;              /* argument of `run` */
    SvirtProbeAbsence absence;
    unsigned flags;
    const char *switch_path; /* a sysctl that has it off for root as well */
    long switch_value;       /* when it is this */
    const char *open_reason; /* why it stays open; NULL: must be blocked */
};

typedef struct SvirtProbeTable {
    const char *group;
    const SvirtProbeAttempt *rows;
    const size_t *count;
} SvirtProbeTable;

#define SVIRT_PROBE_DECLARE(name)                                            \
    extern const SvirtProbeAttempt svirt_probe_##name[];                     \
    extern const size_t svirt_probe_##name##_count;
SVIRT_PROBE_DECLARE(files)
SVIRT_PROBE_DECLARE(descriptors)
SVIRT_PROBE_DECLARE(sockets)
SVIRT_PROBE_DECLARE(inherited)
SVIRT_PROBE_DECLARE(network)
SVIRT_PROBE_DECLARE(signals)
SVIRT_PROBE_DECLARE(process)
SVIRT_PROBE_DECLARE(ipc)
SVIRT_PROBE_DECLARE(locks)
SVIRT_PROBE_DECLARE(kernel)
SVIRT_PROBE_DECLARE(machine)
SVIRT_PROBE_DECLARE(privileges)
SVIRT_PROBE_DECLARE(mounts)
SVIRT_PROBE_DECLARE(devices)
SVIRT_PROBE_DECLARE(limits)
#undef SVIRT_PROBE_DECLARE

/* Defines the table `svirt_probe_NAME` and its count. */
#define SVIRT_PROBE_ROWS(name, ...)                                          \
    const SvirtProbeAttempt svirt_probe_##name[] = { __VA_ARGS__ };          \
    const size_t svirt_probe_##name##_count =                                \
        sizeof(svirt_probe_##name) / sizeof(svirt_probe_##name[0]);

#define L(layer) (1u << SVIRT_PROBE_LAYER_##layer)

/* Row `index` over all tables, NULL past the end; *group may be NULL. */
const SvirtProbeAttempt *svirt_probe_attempt(size_t index,
                                             const char **ret_group);
size_t svirt_probe_attempt_count(void);

/* errno as an attempt's result. */
static inline int
svirt_probe_result(long result)
{
    return result < 0 ? errno : 0;
}

/* The same for a call that gives a descriptor: it is closed. */
static inline int
svirt_probe_opened(long fd)
{
    if (fd < 0) {
        return errno;
    }
    (void)close((int)fd);
    return 0;
}

/* Success when refused with `past`: that check comes after the permission. */
static inline int
svirt_probe_past(long result, int past)
{
    return result < 0 && errno != past ? errno : 0;
}

/* Opens attempt->path with attempt->number as flags. */
int svirt_probe_open_path(const SvirtProbeTarget *target,
                          const SvirtProbeAttempt *attempt,
                          SvirtProbeNote *note);

typedef enum SvirtProbeMode {
    SVIRT_PROBE_INLINE,   /* one process, as the VMM is one */
    SVIRT_PROBE_SEPARATE, /* a process for each attempt: where the filter is
                           * off and one attempt would change the next */
    SVIRT_PROBE_CONTROL,  /* the same, outside; finds out what is absent */
} SvirtProbeMode;

/*
 * Makes every attempt from step `first` on, one record pair each on
 * `record_fd`. Exit code: 0 when it came to the end, 2 when a record could
 * not be written, 3 when a descriptor of the target is not open.
 */
int svirt_probe_run(const SvirtProbeTarget *target, SvirtProbeMode mode,
                    int record_fd, uint32_t first);

/* Stands in for the other VM until `hold_fd` ends; writes its address. */
int svirt_probe_victim(int report_fd, int hold_fd);
