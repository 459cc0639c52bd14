/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/*
 * A union of patterns over bytes, as an automaton with choices: what the
 * rules of an AppArmor profile are before apparmor-automaton.h makes tables of
 * it. A pattern is made from its beginning to its end, each with what it
 * accepts: a word of the kernel's ACCEPT table.
 *
 *     begin; any of bytes, any, glob, in sequence; end
 */
typedef struct SvirtPatternSet SvirtPatternSet;

/* Bounds: what a set of rules may grow to before it is refused. */
#define SVIRT_PATTERN_MAX_NODES 200000u
#define SVIRT_PATTERN_MAX_SETS 4096u
#define SVIRT_PATTERN_MAX_DEPTH 16u
#define SVIRT_PATTERN_MAX_GLOB 4096u

SvirtPatternSet *svirt_pattern_set_new(void);
void svirt_pattern_set_free(SvirtPatternSet *set);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SvirtPatternSet, svirt_pattern_set_free)

void svirt_pattern_begin(SvirtPatternSet *set);
void svirt_pattern_bytes(SvirtPatternSet *set, const void *bytes,
                         size_t count);
/* Any one byte, NUL too. */
void svirt_pattern_any(SvirtPatternSet *set);
/* Any number of any bytes, none and NUL too. */
void svirt_pattern_rest(SvirtPatternSet *set);
/*
 * A path with AppArmor's globs (apparmor.d(5)): `*` any number of characters
 * but a slash, `**` slashes too, `?` one character but a slash, [abc], [a-z],
 * [^a], {one,two}, and a backslash before a character that is to stand for
 * itself. After a slash and up to a slash or the end, a star is at least one
 * character. No wildcard takes a NUL. INVALID: no such pattern; the set is
 * then of no more use.
 */
bool svirt_pattern_glob(SvirtPatternSet *set, const char *glob,
                        GError **error);
/* UNSUPPORTED: more patterns than are possible. */
bool svirt_pattern_end(SvirtPatternSet *set, uint32_t accept, GError **error);

/*
 * What apparmor-automaton.c reads. A node is entered by all of its
 * predecessors at once; it goes on to the node behind it, JOIN to another,
 * SPLIT to both. LOOP, SPLIT and JOIN are also passed through at once.
 */
typedef enum SvirtPatternKind {
    SVIRT_PATTERN_BYTE,   /* one byte of `set` */
    SVIRT_PATTERN_LOOP,   /* any number of bytes of `set` */
    SVIRT_PATTERN_SPLIT,  /* `other` too */
    SVIRT_PATTERN_JOIN,   /* to `other` */
    SVIRT_PATTERN_ACCEPT, /* the end; accepts `other` */
} SvirtPatternKind;

typedef struct SvirtPatternNode {
    uint8_t kind;
    uint16_t set; /* below 256: that byte alone; from there a set's number */
    uint32_t other;
} SvirtPatternNode;

#define SVIRT_PATTERN_FIRST_SET 256u

/* A set of bytes: byte b is bit b % 64 of word b / 64. */
typedef struct SvirtByteSet {
    uint64_t words[4];
} SvirtByteSet;

/* Of a BYTE or LOOP node; `sets`: svirt_pattern_byte_sets. */
static inline bool
svirt_pattern_takes(const SvirtPatternNode *node, const SvirtByteSet *sets,
                    unsigned byte)
{
    return node->set < SVIRT_PATTERN_FIRST_SET
        ? node->set == byte
        : (sets[node->set - SVIRT_PATTERN_FIRST_SET].words[byte / 64] >>
           (byte % 64) & 1) != 0;
}

/* Borrowed, as long as nothing is added. */
const SvirtPatternNode *svirt_pattern_nodes(const SvirtPatternSet *set,
                                            size_t *ret_count);
/* The first is the set number SVIRT_PATTERN_FIRST_SET. */
const SvirtByteSet *svirt_pattern_byte_sets(const SvirtPatternSet *set,
                                            size_t *ret_count);
/* The first node of each pattern. */
const uint32_t *svirt_pattern_starts(const SvirtPatternSet *set,
                                     size_t *ret_count);
