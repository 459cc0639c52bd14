/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/uuid.h"
#include "label/category-set.h"

#define SVIRT_DOI_KEY_BYTES 32

/* The categories VMs may have, both ends included. */
typedef struct SvirtCategoryRange {
    unsigned first;
    unsigned last;
} SvirtCategoryRange;

/*
 * DERIVED: the range holds 2^64 sets of one size: a UUID's set is a function
 * of the UUID and the DOI key alone. CLAIMED: it does not (fewer than 68
 * categories): the UUID gives a first candidate, the registry of claims
 * decides.
 */
typedef enum SvirtDeriveMode {
    SVIRT_DERIVE_DERIVED,
    SVIRT_DERIVE_CLAIMED,
    SVIRT_DERIVE_MAX
} SvirtDeriveMode;

typedef struct SvirtDeriver SvirtDeriver;

/* libvirt's own minimum (8 categories) is ours. */
#define SVIRT_CATEGORY_RANGE_MIN 8

/* INVALID when the range is empty, too small or leaves c0 to c1023. */
bool svirt_category_range_check(const SvirtCategoryRange *range,
                                GError **error);
/* For a range that passed the check. */
SvirtDeriveMode svirt_category_range_mode(const SvirtCategoryRange *range);

/*
 * Precomputes what deriving needs; `key` is not kept, only a key for this
 * purpose and range made from it. `allow` DERIVED: a range that can only be
 * CLAIMED is UNSUPPORTED, with the hint to claim sets in the registry.
 * INVALID as svirt_category_range_check. Owned by the caller.
 */
bool svirt_deriver_new(const uint8_t key[SVIRT_DOI_KEY_BYTES],
                       const SvirtCategoryRange *range, SvirtDeriveMode allow,
                       SvirtDeriver **ret, GError **error);
/* Wipes the derived key. */
void svirt_deriver_free(SvirtDeriver *deriver);
SvirtDeriveMode svirt_deriver_mode(const SvirtDeriver *deriver);
/* How many categories each set has. */
unsigned svirt_deriver_set_size(const SvirtDeriver *deriver);
/* How many sets there are, UINT64_MAX for 2^64 and more. */
uint64_t svirt_deriver_set_count(const SvirtDeriver *deriver);

/*
 * The category set of a UUID. All sets of a deriver have one size, so none
 * contains another; in DERIVED mode two UUIDs share a set only when their
 * keyed 64-bit digests are equal.
 */
void svirt_deriver_categories(const SvirtDeriver *deriver,
                              const SvirtUuid *uuid, SvirtCategorySet *ret);
/*
 * CLAIMED mode: the attempt-th candidate (0 is svirt_deriver_categories);
 * attempts 0 to set_count - 1 give every set once, in DERIVED mode the first
 * 2^64 - 1.
 */
void svirt_deriver_candidate(const SvirtDeriver *deriver,
                             const SvirtUuid *uuid, uint64_t attempt,
                             SvirtCategorySet *ret);

/* `svirt-<uuid>`: the Smack label and the AppArmor profile of a VM. */
#define SVIRT_DERIVED_NAME_BYTES (6 + SVIRT_UUID_TEXT)
void svirt_derive_name(const SvirtUuid *uuid,
                       char ret[SVIRT_DERIVED_NAME_BYTES]);
/* A text Smack takes as a task's label: 1 to 255 bytes of its alphabet, no
 * leading `-`, none of the reserved one-character labels. */
bool svirt_smack_label_is_valid(const char *text);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(SvirtDeriver, svirt_deriver_free)
