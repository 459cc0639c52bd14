/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/apparmor-pattern.h"

/*
 * The automaton without choices that takes what a SvirtPatternSet takes. A
 * state has a transition for most bytes, and exceptions from it. State 0 is
 * dead, 1 the start.
 */
#define SVIRT_AUTOMATON_DEAD 0u
#define SVIRT_AUTOMATON_START 1u
/* What 16 bits in the kernel's tables can name. */
#define SVIRT_AUTOMATON_MAX_STATES 65535u
/* How many places in patterns the states together may stand for: rules whose
 * wildcards multiply are refused instead of computed. */
#define SVIRT_AUTOMATON_MAX_ITEMS 4000000u

typedef struct SvirtAutomatonState {
    uint32_t accept;     /* of all patterns that end here, ORed */
    uint32_t otherwise;  /* where bytes go that are no exception */
    uint32_t exceptions; /* index of the first */
    uint32_t count;      /* of exceptions, ordered by byte */
} SvirtAutomatonState;

typedef struct SvirtAutomatonException {
    uint32_t state;
    uint8_t byte;
} SvirtAutomatonException;

typedef struct SvirtAutomaton {
    SvirtAutomatonState *states; /* owned */
    size_t state_count;
    SvirtAutomatonException *exceptions; /* owned */
    size_t exception_count;
} SvirtAutomaton;

void svirt_automaton_clear(SvirtAutomaton *automaton);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(SvirtAutomaton, svirt_automaton_clear)

/*
 * Joins the accept words of patterns that take the same text. False: they
 * contradict one another.
 */
typedef bool (*SvirtAcceptJoin)(uint32_t *accept, uint32_t other);

/*
 * *ret is overwritten. UNSUPPORTED: over the bounds above. REFUSED: patterns
 * that contradict one another.
 */
bool svirt_automaton_make(const SvirtPatternSet *set, SvirtAcceptJoin join,
                          SvirtAutomaton *ret, GError **error);
/*
 * States from which the same texts are accepted, where that shows without
 * walking in circles, become one; the numbers of the others move up. Always
 * the same result for the same automaton.
 */
void svirt_automaton_reduce(SvirtAutomaton *automaton);
/* Appended to *out: the kernel's tables (security/apparmor/match.c), starting
 * at an offset of `out` that is a multiple of eight. */
void svirt_automaton_pack(const SvirtAutomaton *automaton, GByteArray *out);
