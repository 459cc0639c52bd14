/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/enum-table.h"

/*
 * How the guest's memory is made and where on the host it lies: <maxMemory>,
 * <memoryBacking>, <numatune>, <cpu><numa>. A number that is 0 and a text that
 * is NULL say nothing. Owned by the domain.
 */

#define SVIRT_NUMA_CELLS_MAX 128u

typedef enum SvirtNumaMode {
    SVIRT_NUMA_STRICT,
    SVIRT_NUMA_PREFERRED,
    SVIRT_NUMA_INTERLEAVE,
    SVIRT_NUMA_MODE_MAX
} SvirtNumaMode;
SVIRT_ENUM_DECLARE(SvirtNumaMode, svirt_numa_mode)

typedef struct SvirtNumaPolicy {
    SvirtNumaMode mode;
    const char *nodes; /* of the host, as CPUs are listed; NULL: no policy */
} SvirtNumaPolicy;

typedef struct SvirtNumaCell {
    const char *cpus;      /* vCPUs; NULL none */
    uint64_t memory_bytes; /* whole MiB */
    bool access_given;
    bool shared; /* memAccess */
    bool discard;
    SvirtNumaPolicy policy; /* <memnode> */
    /* One for each cell; 0: the default. NULL: no <distances>. */
    const uint8_t *distances;
    unsigned line;
} SvirtNumaCell;

/* <memory model='dimm'>: there from the start, and could be taken out. */
typedef struct SvirtDimm {
    uint64_t size_bytes; /* whole 2 MiB */
    unsigned cell;
    int slot;               /* -1: the next free one */
    uint64_t base;          /* in the guest; 0: the next free one */
    uint64_t page_bytes;    /* 0: no huge pages of its own */
    SvirtNumaPolicy policy; /* strict */
    bool access_given;
    bool shared;
    bool discard;
    unsigned line;
} SvirtDimm;

/* <iommu model='intel'>; line 0: none. */
typedef struct SvirtIommu {
    bool interrupt_remapping;
    bool caching_mode;
    bool device_iotlb;
    bool eim_given;
    bool eim;
    unsigned address_bits; /* 0 unset */
    unsigned line;
} SvirtIommu;

typedef struct SvirtHugePage {
    uint64_t size_bytes; /* 0: the host's default */
    const char *cells;   /* NULL: of those without a page of their own */
} SvirtHugePage;

typedef struct SvirtMemory {
    uint64_t max_bytes; /* <maxMemory> */
    unsigned slots;
    const SvirtHugePage *pages;
    size_t page_count; /* 0: no huge pages */
    bool no_merging;   /* <nosharepages/> */
    bool in_file;      /* <source> memfd or file: a memfd */
    bool shared;
    bool discard;
    bool immediate;   /* all of it is taken at the start */
    unsigned threads; /* that take it */
    SvirtNumaPolicy policy;
    const SvirtNumaCell *cells; /* by id, from 0 */
    size_t cell_count;
    const SvirtDimm *dimms;
    size_t dimm_count;
} SvirtMemory;
