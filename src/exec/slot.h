/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hypervisor/manager.h"

/*
 * Who a program of `svirt exec` is, from a row of identities that are used
 * again: uids, label and cgroup are claimed by the first program of a slot and
 * found by the next, so that a run writes nothing. A slot is held by flock(2)
 * on RUN/exec/NUMBER, and so until svirt ends, however it ends.
 */
typedef struct SvirtExecSlot {
    int lock;        /* fd, -1 unset */
    unsigned number;
    SvirtUuid uuid;  /* of this instance's slot */
} SvirtExecSlot;

#define SVIRT_EXEC_SLOT_INIT { -1, 0, { { 0 } } }

/*
 * The first that is free; what a run that was killed left of it is ended and
 * given back first. BUSY: all are in use. Errors of svirt_restore_owner.
 */
bool svirt_exec_slot_take(SvirtManager *manager, SvirtExecSlot *ret,
                          GError **error);
void svirt_exec_slot_clear(SvirtExecSlot *slot);
#define SVIRT_AUTO_EXEC_SLOT                                                 \
    __attribute__((cleanup(svirt_exec_slot_clear))) SvirtExecSlot

/* Nobody defined it; NAME is the host name it sees. Owned by the caller. */
SvirtDefinition *svirt_exec_slot_definition(const SvirtExecSlot *slot,
                                            const char *name, bool kvm);

/*
 * For `svirt recover`: every slot that nobody holds; labels that a program
 * of it had are taken out of the kernel, too. *ret_rows:
 * SvirtRestoreRow *, what was given back; owned by the caller.
 */
bool svirt_exec_recover(SvirtManager *manager, GPtrArray **ret_rows,
                        GError **error);
