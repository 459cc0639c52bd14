/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "label/category-set.h"

/* Sensitivities s0 to s255: MLS policies use 16, MCS policies one. */
#define SVIRT_SENSITIVITY_MAX 256

typedef struct SvirtLevel {
    unsigned sensitivity;
    SvirtCategorySet categories;
} SvirtLevel;

/* low equals high when the text names one level; high dominates low. */
typedef struct SvirtLevelRange {
    SvirtLevel low;
    SvirtLevel high;
} SvirtLevelRange;

/* a's sensitivity >= b's and a's categories contain b's. */
bool svirt_level_dominates(const SvirtLevel *a, const SvirtLevel *b);
bool svirt_level_equal(const SvirtLevel *a, const SvirtLevel *b);
/* Neither dominates the other. */
bool svirt_level_incomparable(const SvirtLevel *a, const SvirtLevel *b);

/* `s0` or `s0:c1,c2`. INVALID otherwise. */
bool svirt_level_parse(const char *text, SvirtLevel *ret, GError **error);
/* Owned by the caller. */
char *svirt_level_format(const SvirtLevel *level);

/* `LEVEL` or `LEVEL-LEVEL`. INVALID otherwise, and when high does not
 * dominate low. */
bool svirt_level_range_parse(const char *text, SvirtLevelRange *ret,
                             GError **error);
/* One level when low equals high. Owned by the caller. */
char *svirt_level_range_format(const SvirtLevelRange *range);
bool svirt_level_range_equal(const SvirtLevelRange *a,
                             const SvirtLevelRange *b);
