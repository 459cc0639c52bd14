/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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

typedef struct SvirtTune {
    const char *cpus; /* <vcpu cpuset>: of threads without their own */
    unsigned cpus_line;
    const char *emulator_cpus;
    unsigned emulator_line;
    const SvirtPin *pins; /* one at most for a vCPU */
    size_t pin_count;
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
