/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/enum-table.h"
#include "compartment/restore.h"
#include "hypervisor/manager.h"

typedef enum SvirtDefined {
    SVIRT_DEFINED_NEW,
    SVIRT_DEFINED_CHANGED,
    SVIRT_DEFINED_UNCHANGED, /* equal XML: nothing was written */
    SVIRT_DEFINED_MAX
} SvirtDefined;
/* "defined", "redefined", "unchanged" */
SVIRT_ENUM_DECLARE(SvirtDefined, svirt_defined)

/*
 * What the definition leaves open of the guest's hardware is decided and
 * written into it (hardware.h), its machine's alias resolved (emulator.h);
 * *domain is replaced. INVALID, UNSUPPORTED.
 */
bool svirt_define_complete(SvirtManager *manager, SvirtDomain **domain,
                           uid_t author, GError **error);

/*
 * Stores a definition for `author`: what it names is opened with the author's
 * rights and judged, its uids and labels are claimed, its chains recorded;
 * files that are not there yet are judged at start, and so are those that a
 * waiver may allow by then: ret_warnings (of GError *, NULL: not wanted) gets
 * those errors, and what else one should know of the images. A domain without
 * a UUID gets one; its hardware is completed (hardware.h), and *domain replaced
 * by the completed one. All or nothing. EXISTS, REFUSED, and every error of
 * svirt_prepare; STATE: the VM runs and would change under its keeper.
 */
bool svirt_define(SvirtManager *manager, SvirtDomain **domain, uid_t author,
                  int64_t now_s, SvirtDefined *ret, GPtrArray *ret_warnings,
                  GError **error);

/*
 * What svirt_define would say of all that the definition names, opened and
 * judged in the same way; nothing is claimed or recorded.
 */
bool svirt_define_check(SvirtManager *manager, SvirtDomain *domain,
                        uid_t author, int64_t now_s, GPtrArray *ret_warnings,
                        GError **error);

typedef enum SvirtUndefine {
    SVIRT_UNDEFINE_WHOLLY,
    /* The objects keep what they carry, and their record, for `svirt
     * release`. */
    SVIRT_UNDEFINE_KEEPING_LABELS,
    /* Nothing is done, which is no error, to one that a define made stay. */
    SVIRT_UNDEFINE_IF_TRANSIENT,
} SvirtUndefine;

/*
 * Gives the VM's objects back and forgets the definition; its log goes, and a
 * parent of cgroups that is empty. STATE: it runs. ret_rows: SvirtRestoreRow
 * *, owned by the caller.
 */
bool svirt_undefine(SvirtManager *manager, const SvirtDefinition *definition,
                    SvirtUndefine how, GPtrArray **ret_rows, GError **error);
