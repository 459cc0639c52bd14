/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "model/apparmor-automaton.h"
#include "profile-reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MAX_RULES 24
#define MAX_BYTES 1024

/*
 * Lines are globs, each accepting a bit of its own; behind the first empty
 * line stands a text. The tables must say of the text, and of each of its
 * beginnings, what walking all patterns at once says.
 */
typedef struct Walk {
    const SvirtPatternNode *nodes;
    const SvirtByteSet *sets;
    size_t count;
    bool *now;
    bool *next;
} Walk;

static void
enter(const Walk *walk, bool *places, uint32_t at)
{
    const SvirtPatternNode *node = &walk->nodes[at];

    if (places[at]) {
        return;
    }
    places[at] = true;
    if (node->kind == SVIRT_PATTERN_LOOP ||
        node->kind == SVIRT_PATTERN_SPLIT) {
        enter(walk, places, at + 1);
    }
    if (node->kind == SVIRT_PATTERN_SPLIT ||
        node->kind == SVIRT_PATTERN_JOIN) {
        enter(walk, places, node->other);
    }
}

static void
step(Walk *walk, uint8_t byte)
{
    bool *swap = walk->now;

    memset(walk->next, 0, walk->count);
    for (uint32_t i = 0; i < walk->count; i++) {
        const SvirtPatternNode *node = &walk->nodes[i];

        if (!walk->now[i] || (node->kind != SVIRT_PATTERN_BYTE &&
                              node->kind != SVIRT_PATTERN_LOOP) ||
            !svirt_pattern_takes(node, walk->sets, byte)) {
            continue;
        }
        enter(walk, walk->next,
              node->kind == SVIRT_PATTERN_LOOP ? i : i + 1);
    }
    walk->now = walk->next;
    walk->next = swap;
}

static uint32_t
accepted(const Walk *walk)
{
    uint32_t accept = 0;

    for (size_t i = 0; i < walk->count; i++) {
        if (walk->now[i] && walk->nodes[i].kind == SVIRT_PATTERN_ACCEPT) {
            accept |= walk->nodes[i].other;
        }
    }
    return accept;
}

static bool
join(uint32_t *accept, uint32_t other)
{
    *accept |= other;
    return true;
}

static void
compare(const SvirtPatternSet *set, const ReadAutomaton *automaton,
        const char *text)
{
    size_t count, starts_count, sets_count;
    const SvirtPatternNode *nodes = svirt_pattern_nodes(set, &count);
    const uint32_t *starts = svirt_pattern_starts(set, &starts_count);
    g_autofree bool *first = g_new0(bool, count + 1);
    g_autofree bool *second = g_new0(bool, count + 1);
    Walk walk = { nodes, svirt_pattern_byte_sets(set, &sets_count), count,
                  first, second };
    uint32_t state = automaton->start;

    for (size_t i = 0; i < starts_count; i++) {
        enter(&walk, walk.now, starts[i]);
    }
    for (size_t i = 0;; i++) {
        if (automaton_accept(automaton, state) != accepted(&walk)) {
            abort();
        }
        if (text[i] == '\0') {
            return;
        }
        state = automaton_walk(automaton, state, text + i, 1);
        step(&walk, (uint8_t)text[i]);
    }
}

static bool
add_lines(SvirtPatternSet *set, char *text, const char **ret_rest)
{
    unsigned rules = 0;

    while (*text != '\0' && *text != '\n' && rules < MAX_RULES) {
        char *end = strchrnul(text, '\n');
        const bool last = *end == '\0';

        *end = '\0';
        svirt_pattern_begin(set);
        if (!svirt_pattern_glob(set, text, NULL) ||
            !svirt_pattern_end(set, 1u << rules, NULL)) {
            return false;
        }
        rules++;
        text = last ? end : end + 1;
    }
    *ret_rest = text;
    return true;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *text = g_strndup((const char *)data,
                                      MIN(size, MAX_BYTES));
    g_autoptr(SvirtPatternSet) set = svirt_pattern_set_new();
    g_autoptr(GByteArray) bytes = NULL;
    g_auto(SvirtAutomaton) automaton = { 0 };
    ReadAutomaton read;
    const char *rest;

    if (!add_lines(set, text, &rest) ||
        !svirt_automaton_make(set, join, &automaton, NULL)) {
        return 0;
    }
    /* Tables that are larger than a profile's take too long for a fuzzer. */
    if (automaton.state_count > 4096) {
        return 0;
    }
    bytes = g_byte_array_new();
    svirt_automaton_reduce(&automaton);
    svirt_automaton_pack(&automaton, bytes);
    if (!read_automaton(bytes->data, bytes->len, &read)) {
        abort();
    }
    compare(set, &read, rest + (*rest == '\n'));
    return 0;
}
