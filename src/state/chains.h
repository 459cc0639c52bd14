/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/uuid.h"
#include "state/state.h"

/* A recorded backing chain is one JSON text: the spelling of image/chain.h's
 * SvirtChain. */
#define SVIRT_CHAIN_BYTES (1u << 20)
#define SVIRT_CHAIN_TARGET_BYTES 256

typedef struct SvirtChainRecord {
    char *target; /* owned; the disk: "vda" */
    char *json;   /* owned */
} SvirtChainRecord;

void svirt_chain_record_free(SvirtChainRecord *chain);

/* Record or replace. NOT_FOUND: no such definition. INVALID: too long. */
bool svirt_chains_put(SvirtState *state, const SvirtUuid *uuid,
                      const char *target, const char *json, GError **error);
/* NULL in *ret when none is recorded. Owned by the caller. */
bool svirt_chains_get(SvirtState *state, const SvirtUuid *uuid,
                      const char *target, char **ret, GError **error);
/* SvirtChainRecord *, by target; owned by the caller. */
bool svirt_chains_list(SvirtState *state, const SvirtUuid *uuid,
                       GPtrArray **ret, GError **error);
/* Removing what is not there succeeds. */
bool svirt_chains_remove(SvirtState *state, const SvirtUuid *uuid,
                         const char *target, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(SvirtChainRecord, svirt_chain_record_free)
