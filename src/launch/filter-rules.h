/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>
#include <stdint.h>

/*
 * The system call filters as tables: read by gen-filter at build time. Used by
 * no program that runs VMs.
 *
 * Every filter is an allow-list. A call below the newest this build knows and
 * in no row gets EPERM; a newer one ENOSYS, as on an older kernel, so that
 * libc takes its old way. Foreign architectures are killed.
 */

/* Stands in for a number known at launch only; filter.c puts it in. */
#define SVIRT_FILTER_OWN_PID 0x7e57b1d2u

/*
 * Stands in for a small number that is closed: a value no call takes, so that
 * the kernel refuses it too. Where the compartment opens `group` (a bit of
 * SVIRT_EXEC_*), filter.c puts the number itself in its place.
 */
#define SVIRT_FILTER_CLOSED(group, number)                                   \
    (SVIRT_FILTER_CLOSED_MARK | (unsigned)(group) << 8 | (unsigned)(number))
#define SVIRT_FILTER_CLOSED_MARK 0x7e560000u

typedef enum FilterAction {
    FILTER_ALLOW,
    FILTER_NOSYS,   /* ENOSYS: libc then takes an older call */
    FILTER_PRETEND, /* 0 and nothing done */
    FILTER_ASK,     /* by whoever holds the listener; ENOSYS without one */
} FilterAction;

/* (argument & mask) == value, on all 64 bits; mask 0: no condition. */
typedef struct FilterTest {
    unsigned argument;
    uint64_t mask;
    uint64_t value;
} FilterTest;

typedef struct FilterRule {
    const char *calls;  /* names with blanks between */
    FilterAction action;
    FilterTest test[3]; /* all must hold; several rows: any of them */
} FilterRule;

/*
 * Checked first: this call with one of these values in the low 32 bits of the
 * argument gets EPERM, though a row allows the call.
 */
typedef struct FilterExcept {
    const char *call;
    unsigned argument;
    const uint32_t *values; /* ends in 0 */
} FilterExcept;

typedef struct FilterProfile {
    const char *name;
    const FilterRule *rules; /* ends in calls == NULL */
    const FilterExcept *except; /* ends in call == NULL */
} FilterProfile;

extern const FilterProfile filter_profiles[]; /* ends in name == NULL */
