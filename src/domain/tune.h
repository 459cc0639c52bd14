/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/enum-table.h"

/*
 * What of the host's time, memory and disks a VM gets: <vcpu cpuset>,
 * <cputune>, <memtune>, <blkiotune>. A number that is 0 and a text that is
 * NULL say nothing. Owned by the domain.
 */

#define SVIRT_CPUS_MAX 16384u

/* CPUs of the host as one bit each. */
typedef struct SvirtCpus {
    uint8_t bits[SVIRT_CPUS_MAX / 8];
} SvirtCpus;

/* "0-3,^2,8"; false, *ret undefined: it is no such list, or of no CPU. */
bool svirt_cpus_parse(const char *text, SvirtCpus *ret);

typedef struct SvirtPin {
    unsigned vcpu;
    const char *cpus;
    unsigned line;
} SvirtPin;

/* <blkiotune><device>; per second. */
typedef struct SvirtBlockTune {
    const char *path; /* absolute: of the host's block device */
    uint64_t weight;
    uint64_t read_bytes;
    uint64_t write_bytes;
    uint64_t read_operations;
    uint64_t write_operations;
    unsigned line;
} SvirtBlockTune;

/* <iotune> of a disk, in libvirt's order; per second, lengths in seconds. */
typedef enum SvirtIotuneLimit {
    SVIRT_IOTUNE_TOTAL_BYTES,
    SVIRT_IOTUNE_READ_BYTES,
    SVIRT_IOTUNE_WRITE_BYTES,
    SVIRT_IOTUNE_TOTAL_OPERATIONS,
    SVIRT_IOTUNE_READ_OPERATIONS,
    SVIRT_IOTUNE_WRITE_OPERATIONS,
    SVIRT_IOTUNE_KINDS,
    /* Then, in the same order, what a burst may have, and how long. */
    SVIRT_IOTUNE_BURST = SVIRT_IOTUNE_KINDS,
    SVIRT_IOTUNE_LENGTH = 2 * SVIRT_IOTUNE_KINDS,
    SVIRT_IOTUNE_OPERATION_BYTES = 3 * SVIRT_IOTUNE_KINDS,
    SVIRT_IOTUNE_MAX
} SvirtIotuneLimit;
/* "total_bytes_sec"; its words without "_sec" are of no use alone */
SVIRT_ENUM_DECLARE(SvirtIotuneLimit, svirt_iotune_limit)

typedef struct SvirtIotune {
    uint64_t limits[SVIRT_IOTUNE_MAX];
    const char *group; /* disks of one name share the limits; NULL none */
    unsigned line;     /* 0: no <iotune> */
} SvirtIotune;

/*
 * What is wrong with them, for a message; NULL: nothing. As QEMU's
 * throttle_is_valid.
 */
const char *svirt_iotune_fault(const SvirtIotune *iotune);

#define SVIRT_IOTHREADS_MAX 64u

typedef struct SvirtTune {
    const char *cpus; /* <vcpu cpuset>: of threads without their own */
    unsigned cpus_line;
    const char *emulator_cpus;
    unsigned emulator_line;
    const SvirtPin *pins; /* one at most for a vCPU */
    size_t pin_count;
    const SvirtPin *iothread_pins; /* `vcpu` is the id of an iothread */
    size_t iothread_pin_count;
    uint64_t cpu_weight; /* <shares>, 1 to 10000 as in cgroup v2 */
    /* Of the whole VMM: <global_quota>, else vCPUs and emulator together. */
    uint64_t cpu_quota_us;
    uint64_t cpu_period_us;
    uint64_t memory_max_bytes;
    uint64_t memory_high_bytes;
    uint64_t swap_max_bytes; /* of swap alone */
    bool swap_limited;
    uint64_t io_weight;
    const SvirtBlockTune *devices;
    size_t device_count;
} SvirtTune;
