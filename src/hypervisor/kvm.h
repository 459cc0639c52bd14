/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

#define SVIRT_KVM_NODE "/dev/kvm"
/* A first run takes a millisecond; one that hangs has been seen. */
#define SVIRT_KVM_TIMEOUT_MS 2000

/*
 * Does hardware virtualization work here: `node` is the KVM device, opens,
 * speaks API 12, makes a VM, and a virtual CPU of it runs its first
 * instruction (x86; elsewhere it is made). All of it in a process of its own,
 * for SVIRT_KVM_TIMEOUT_MS at most. UNSUPPORTED otherwise, naming what does
 * not work, with type='qemu' as the hint. Source: Linux
 * Documentation/virt/kvm/api.rst.
 */
bool svirt_kvm_check_node(const char *node, GError **error);
/*
 * The same of SVIRT_KVM_NODE, remembered in the directory `run_dir` (-1: not)
 * for as long as node and boot are the same.
 */
bool svirt_kvm_check(int run_dir, GError **error);

/* For its test: what runs in that process, and where it stands. */
typedef enum SvirtKvmStep {
    SVIRT_KVM_OPEN,
    SVIRT_KVM_API,
    SVIRT_KVM_VM,
    SVIRT_KVM_MEMORY,
    SVIRT_KVM_VCPU,
    SVIRT_KVM_RUN,
    SVIRT_KVM_DONE,
    SVIRT_KVM_MAX
} SvirtKvmStep;
typedef void (*SvirtKvmProbe)(const char *node, SvirtKvmStep *step);
/* `probe` moves *step on, and leaves errno where it stops. */
bool svirt_kvm_bounded(SvirtKvmProbe probe, const char *node, int timeout_ms,
                       GError **error);
