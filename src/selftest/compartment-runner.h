/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "launch/child.h"
#include "selftest/labels.h"
#include "selftest/runner.h"

/* What every VM's /dev holds; no KVM, so that asking for it is an attempt. */
#define SVIRT_SELFTEST_NODES                                                 \
    (SVIRT_NODE_NULL | SVIRT_NODE_ZERO | SVIRT_NODE_URANDOM)

/*
 * A throw-away compartment: svirt-probe launched as a VMM is, by the same
 * steps and with the same root, filter and limits.
 */
typedef struct SvirtSelftestCompartment {
    const char *program;        /* borrowed: absolute path of svirt-probe */
    const char *name;           /* borrowed: host name inside */
    SvirtSpecIds ids;           /* nobody else's */
    int cgroup_fd;              /* borrowed, -1 none (waived below) */
    uint32_t waived_layers;     /* SVIRT_LAYER_*; 0 for the selftest proper */
    int32_t landlock_abi_limit; /* -1 none */
    uint32_t exec;              /* SVIRT_EXEC_*: as `svirt exec` starts it */
    uint64_t file_limit_bytes;
    const SvirtSelftestLabels *labels; /* borrowed; NULL none */
    /* Of the last launch. */
    SvirtLaunched launched;
} SvirtSelftestCompartment;

/* `compartment` is borrowed for as long as `ret` is used. */
void svirt_selftest_runner_compartment(SvirtSelftestCompartment *compartment,
                                       SvirtSelftestRunner *ret);
