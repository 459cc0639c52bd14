/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "hypervisor/manager.h"

/*
 * An attack with the attacker's own tool: the real QEMU of one running VM is
 * told through QMP to open, connect to and write what belongs to another VM
 * and to the host. Each attempt has a control: root, outside, reaches the same
 * target.
 */
typedef enum SvirtQmpVerdict {
    SVIRT_QMP_BLOCKED,
    SVIRT_QMP_BREACH,  /* QEMU did it */
    SVIRT_QMP_BROKEN,  /* the control did not succeed, or no clear answer */
    SVIRT_QMP_VERDICT_MAX
} SvirtQmpVerdict;

typedef struct SvirtQmpAttackRow {
    const char *what; /* static */
    char *target;     /* owned; the other VM's or the host's object */
    SvirtQmpVerdict verdict;
    const char *layer; /* static; who blocked it, by QEMU's answer; NULL */
    char *answer;      /* owned; the end of QEMU's words */
} SvirtQmpAttackRow;

void svirt_qmp_attack_row_free(SvirtQmpAttackRow *row);

/*
 * Attacks `victim` from inside `attacker`; both must run (STATE). The attacker
 * is marked tainted. *ret_rows: SvirtQmpAttackRow *, owned by the caller.
 */
bool svirt_qmp_attack(SvirtManager *manager, const SvirtDefinition *attacker,
                      const SvirtDefinition *victim, GPtrArray **ret_rows,
                      GError **error);
bool svirt_qmp_attack_held(const GPtrArray *rows);
