/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/apparmor-table.h"

/*
 * Reads AppArmor profiles as the kernel does, with its checks
 * (security/apparmor/policy_unpack.c, match.c), and walks their automata:
 * svirt's own and those of apparmor_parser.
 */
typedef struct ReadTable {
    const uint8_t *data; /* borrowed, big-endian; NULL: not there */
    unsigned size;       /* of an element */
    uint32_t count;
} ReadTable;

typedef struct ReadAutomaton {
    ReadTable table[SVIRT_TABLE_MAX];
    uint32_t start;
} ReadAutomaton;

typedef struct ReadProfile {
    char name[256];
    uint32_t version;
    uint32_t mode;
    uint64_t capabilities;
    ReadAutomaton policy;
    ReadAutomaton files;
} ReadProfile;

typedef struct ReadPlace {
    const uint8_t *start;
    const uint8_t *at;
    const uint8_t *end;
} ReadPlace;

/* The next profile; false: damaged. At the end, place->at == place->end. */
bool read_profile(ReadPlace *place, ReadProfile *ret);
/* An automaton alone. */
bool read_automaton(const uint8_t *data, size_t size, ReadAutomaton *ret);

uint32_t automaton_walk(const ReadAutomaton *automaton, uint32_t state,
                        const void *text, size_t length);
uint32_t automaton_accept(const ReadAutomaton *automaton, uint32_t state);
/* From the start, the accept word of a text. */
uint32_t automaton_take(const ReadAutomaton *automaton, const void *text,
                        size_t length);
