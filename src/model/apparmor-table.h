/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>

/*
 * The kernel's form of an automaton (security/apparmor/include/match.h): a
 * header, then tables, each padded to eight bytes, all words big-endian.
 */
#define SVIRT_TABLE_MAGIC 0x1b5e783du
#define SVIRT_TABLE_HEADER 24u  /* magic, sizes, flags, "notflex", padding */
#define SVIRT_TABLE_VERSION "notflex"
#define SVIRT_TABLE_PREFIX 12u  /* id, element size, hi, lo */

typedef enum SvirtTableId {
    SVIRT_TABLE_ACCEPT = 1,
    SVIRT_TABLE_BASE = 2,
    SVIRT_TABLE_CHECK = 3,
    SVIRT_TABLE_DEFAULT = 4,
    SVIRT_TABLE_CLASS = 5,
    SVIRT_TABLE_ACCEPT2 = 7,
    SVIRT_TABLE_NEXT = 8,
    SVIRT_TABLE_MAX
} SvirtTableId;

/* In a word of BASE. */
#define SVIRT_TABLE_BASE_INDEX 0xffffffu
#define SVIRT_TABLE_BASE_DIFFERENCE 0x80000000u
