/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/types.h>

#include "base/uuid.h"
#include "state/state.h"

/* One layer waived for one resource of one VM. */
typedef struct SvirtWaiver {
    int64_t id;
    SvirtUuid uuid;
    char *layer;    /* owned; the layer's or rule's word: "landlock" */
    char *resource; /* owned; as the definition names it: "disk vda" */
    char *reason;   /* owned */
    uid_t author;
    int64_t created_s;
    int64_t expires_s;
} SvirtWaiver;

#define SVIRT_WAIVER_TEXT_BYTES 1024

SvirtWaiver *svirt_waiver_new(const SvirtUuid *uuid, const char *layer,
                              const char *resource, const char *reason,
                              uid_t author, int64_t created_s,
                              int64_t expires_s);
void svirt_waiver_free(SvirtWaiver *waiver);

/*
 * Grant, or renew for the same VM, layer and resource; sets waiver->id.
 * INVALID: no reason, an expiry not after the creation, a text too long.
 * NOT_FOUND: no such definition.
 */
bool svirt_waivers_add(SvirtState *state, SvirtWaiver *waiver,
                       GError **error);
/* NOT_FOUND. */
bool svirt_waivers_remove(SvirtState *state, int64_t id, GError **error);
/* SvirtWaiver *, by VM and age, expired ones too (compare expires_s); of one
 * UUID, or all for NULL. Owned by the caller. */
bool svirt_waivers_list(SvirtState *state, const SvirtUuid *uuid,
                        GPtrArray **ret, GError **error);
/* The waiver in force at now_s; NULL in *ret when there is none. */
bool svirt_waivers_active(SvirtState *state, const SvirtUuid *uuid,
                          const char *layer, const char *resource,
                          int64_t now_s, SvirtWaiver **ret, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(SvirtWaiver, svirt_waiver_free)
