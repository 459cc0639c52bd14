/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/label-set.h"
#include "model/smack-fs.h"

/* One rule of load2. Labels are borrowed. */
typedef struct SvirtSmackRule {
    const char *subject;
    const char *object;
    const char *accesses; /* of SVIRT_SMACK_ACCESSES */
} SvirtSmackRule;

#define SVIRT_SMACK_RULES_MAX 11

/*
 * All that is allowed between a VM's labels beyond what equal labels and the
 * floor allow; `host` is the label of svirt itself, "_" mostly. The reason of
 * each rule stands in smack-rules.c. Returns how many.
 */
size_t svirt_smack_rules(const SvirtLabelSet *labels, const char *host,
                         SvirtSmackRule ret[SVIRT_SMACK_RULES_MAX]);

/*
 * Write the rules of `labels`, and ask the kernel whether each is in force and
 * gives no more. REFUSED, INVALID, SYSTEM as svirt_smackfs_write; UNVERIFIED.
 */
bool svirt_smack_rules_load(int root, const SvirtLabelSet *labels,
                            const char *host, GError **error);
/*
 * The subjects of the VM lose every rule they have, whoever wrote it, and the
 * host its rule on the VM's objects. `shared_vmm`: other VMs may have the
 * VMM's label; it keeps its rules. REFUSED, SYSTEM.
 */
bool svirt_smack_rules_unload(int root, const SvirtLabelSet *labels,
                              const char *host, bool shared_vmm,
                              GError **error);
