/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/types.h>

#include "base/uuid.h"
#include "label/category-set.h"
#include "label/model-kind.h"
#include "state/state.h"

/* Whose a claim is. */
typedef struct SvirtOwner {
    SvirtUuid uuid;
    uint64_t incarnation;
    uid_t author;
} SvirtOwner;

/* A VM gets this many consecutive uids: the VMM's is the first. */
#define SVIRT_UID_BLOCK 4
typedef enum SvirtUidRole {
    SVIRT_UID_VMM,
    SVIRT_UID_MONITOR,
    SVIRT_UID_HELPER,
    SVIRT_UID_SPARE,
} SvirtUidRole;

typedef struct SvirtClaim {
    SvirtOwner owner;
    SvirtModelKind model;
    char *type;  /* owned; the SELinux or FLASK type, "" for other models */
    char *label; /* owned; the whole label in its one canonical spelling */
    bool shared; /* a static label the definition spells out */
    /* True for every MCS or MLS label, the set may be empty: a label without
     * categories is dominated by all others of its type. */
    bool has_categories;
    SvirtCategorySet categories; /* valid when has_categories */
    /* DAC: the uids the claim covers; count 0: none. */
    uid_t uid_first;
    unsigned uid_count;
} SvirtClaim;

SvirtClaim *svirt_claim_new(const SvirtOwner *owner, SvirtModelKind model,
                            const char *type, const char *label);
void svirt_claim_free(SvirtClaim *claim);

/*
 * Take a label. Taking again what the same owner has succeeds and writes
 * nothing. A UUID has at most one claim per model; a different label for it
 * replaces the former in one step.
 *
 * EXISTS, naming the holder's UUID: the label, a uid of it, or a category set
 * of the same model and type that contains or is contained in this one is
 * claimed by another UUID, unless both claims are `shared` and the labels
 * equal. REFUSED: the UUID has a claim by another author.
 */
bool svirt_claims_add(SvirtState *state, const SvirtClaim *claim,
                      GError **error);

/*
 * Is anything on the host still running as, or owned by, these uids? Asked
 * while other writers wait. `seen`: a look at the whole host found them free,
 * and nobody was given them since, so that a short look will do.
 */
typedef bool (*SvirtUidInUse)(uid_t first, unsigned count, bool seen,
                              void *data);

/*
 * The block of uids of a VM: the one it has, else the next free one of
 * [first, last], round-robin from where the last search ended, skipping
 * blocks that are claimed or of which `in_use` (NULL: nobody asks) says so.
 * A long look is remembered for the next blocks as well.
 * It is recorded as a claim of model DAC with label `+N:+N`. BUSY when
 * nothing is free; INVALID for a range that holds no block; REFUSED for
 * another author's UUID.
 */
bool svirt_claims_uid_block(SvirtState *state, const SvirtOwner *owner,
                            uid_t first, uid_t last, SvirtUidInUse in_use,
                            void *data, uid_t *ret_first, GError **error);

/*
 * Where the search of [first, last] begins that has not begun yet: the block
 * numbered `hash` modulo how many there are. For one of several states on a
 * host, which do not know of each other's claims; a range of fewer than 4,096
 * blocks has no room for that and is left alone.
 */
bool svirt_claims_uid_start(SvirtState *state, uid_t first, uid_t last,
                            uint32_t hash, GError **error);

/* SvirtClaim *, owned by the caller; of one UUID, or all for NULL. */
bool svirt_claims_list(SvirtState *state, const SvirtUuid *uuid,
                       GPtrArray **ret, GError **error);
/* NULL in *ret when the UUID has no claim of that model. */
bool svirt_claims_find(SvirtState *state, const SvirtUuid *uuid,
                       SvirtModelKind model, SvirtClaim **ret,
                       GError **error);
/* Everybody who has this label: more than one only when shared. */
bool svirt_claims_by_label(SvirtState *state, SvirtModelKind model,
                           const char *label, GPtrArray **ret,
                           GError **error);
/* REFUSED when the UUID has a claim of, or an object labelled for, another
 * author than `author`. */
bool svirt_claims_check_author(SvirtState *state, const SvirtUuid *uuid,
                               uid_t author, GError **error);
/* Removing what is not there succeeds. */
bool svirt_claims_remove(SvirtState *state, const SvirtUuid *uuid,
                         SvirtModelKind model, GError **error);
bool svirt_claims_remove_all(SvirtState *state, const SvirtUuid *uuid,
                             GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(SvirtClaim, svirt_claim_free)
