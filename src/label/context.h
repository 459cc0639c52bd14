/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "label/level.h"

/* libvirt's label buffer (VIR_SECURITY_LABEL_BUFLEN), the NUL included. */
#define SVIRT_CONTEXT_BYTES 4096

/* An SELinux or XSM/FLASK context, `user:role:type[:range]`. */
typedef struct SvirtContext {
    char *user; /* owned, never NULL */
    char *role; /* owned, never NULL */
    char *type; /* owned, never NULL */
    bool has_range;
    SvirtLevelRange range; /* valid when has_range */
} SvirtContext;

/*
 * INVALID for text of SVIRT_CONTEXT_BYTES or more, fewer than three fields, a
 * character outside [A-Za-z0-9_.-] in user, role or type, or a wrong range
 * (everything after the third colon).
 */
bool svirt_context_parse(const char *text, SvirtContext **ret, GError **error);
/* The canonical text, owned by the caller. */
char *svirt_context_format(const SvirtContext *context);
SvirtContext *svirt_context_copy(const SvirtContext *context);
void svirt_context_free(SvirtContext *context);
bool svirt_context_equal(const SvirtContext *a, const SvirtContext *b);
/*
 * True when a subject at `a` dominates an object at `b` in the MCS sense: a's
 * high level dominates b's high level. Contexts without a range: false, for
 * nothing separates them by level.
 */
bool svirt_context_dominates(const SvirtContext *a, const SvirtContext *b);
/* A copy whose range is the single level `level`. Owned by the caller. */
SvirtContext *svirt_context_with_level(const SvirtContext *context,
                                       const SvirtLevel *level);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(SvirtContext, svirt_context_free)
