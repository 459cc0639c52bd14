/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

/* Categories c0 to c1023, as every MCS and MLS policy in use numbers them. */
#define SVIRT_CATEGORY_MAX 1024
#define SVIRT_CATEGORY_WORDS (SVIRT_CATEGORY_MAX / 64)

typedef struct SvirtCategorySet {
    uint64_t words[SVIRT_CATEGORY_WORDS];
} SvirtCategorySet;

void svirt_category_set_clear(SvirtCategorySet *set);
/* `category` < SVIRT_CATEGORY_MAX. */
void svirt_category_set_add(SvirtCategorySet *set, unsigned category);
/* False for anything out of range. */
bool svirt_category_set_has(const SvirtCategorySet *set, unsigned category);
/* first <= last < SVIRT_CATEGORY_MAX. */
void svirt_category_set_add_range(SvirtCategorySet *set, unsigned first,
                                  unsigned last);
unsigned svirt_category_set_count(const SvirtCategorySet *set);
bool svirt_category_set_is_empty(const SvirtCategorySet *set);
bool svirt_category_set_equal(const SvirtCategorySet *a,
                              const SvirtCategorySet *b);
/* Every category of `inner` is in `outer`; equal sets contain each other. */
bool svirt_category_set_contains(const SvirtCategorySet *outer,
                                 const SvirtCategorySet *inner);
bool svirt_category_set_intersects(const SvirtCategorySet *a,
                                   const SvirtCategorySet *b);
/* The smallest category >= from, SVIRT_CATEGORY_MAX when there is none. */
unsigned svirt_category_set_next(const SvirtCategorySet *set, unsigned from);

/*
 * `c1,c5.c9` as the kernel reads it: numbers without leading zeros, ranges
 * rising strictly, no blanks; order and repetition are free. Empty text is
 * the empty set. INVALID for anything else, naming the text.
 */
bool svirt_category_set_parse(const char *text, SvirtCategorySet *ret,
                              GError **error);
/* The kernel's own spelling: runs of three or more as `c5.c9`. Owned by the
 * caller; "" for the empty set. */
char *svirt_category_set_format(const SvirtCategorySet *set);
