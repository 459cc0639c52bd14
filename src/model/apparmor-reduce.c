/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "model/apparmor-automaton.h"

/*
 * One pass from the ends to the start: a state whose successors are settled
 * is compared with the settled ones. A successor that is the state itself
 * counts as equal to the other's self. Circles of several states stay.
 */
#define SELF UINT32_MAX
#define UNKNOWN (UINT32_MAX - 1)

typedef struct Reducer {
    SvirtAutomaton *automaton;
    uint32_t *same;     /* per state: the one that stands for it */
    uint32_t *order;    /* states, successors first */
    size_t order_count;
    uint32_t *table;
    size_t table_size;
} Reducer;

static const SvirtAutomatonException *
exceptions_of(const SvirtAutomaton *automaton, uint32_t state)
{
    return &automaton->exceptions[automaton->states[state].exceptions];
}

/* The i-th successor: its exceptions', then the one of all other bytes. */
static uint32_t
successor(const SvirtAutomaton *automaton, uint32_t state, uint32_t i)
{
    const SvirtAutomatonState *from = &automaton->states[state];

    return i < from->count ? exceptions_of(automaton, state)[i].state
                           : from->otherwise;
}

/* Depth first, without recursion: a path may be as long as a name. */
static void
order_states(Reducer *reducer)
{
    const SvirtAutomaton *automaton = reducer->automaton;
    g_autofree uint32_t *stack = g_new(uint32_t, automaton->state_count);
    g_autofree uint32_t *at = g_new0(uint32_t, automaton->state_count);
    g_autofree bool *seen = g_new0(bool, automaton->state_count);
    size_t depth = 0;

    seen[SVIRT_AUTOMATON_DEAD] = true;
    seen[SVIRT_AUTOMATON_START] = true;
    stack[depth++] = SVIRT_AUTOMATON_START;
    while (depth > 0) {
        uint32_t state = stack[depth - 1];

        if (at[state] > automaton->states[state].count) {
            reducer->order[reducer->order_count++] = state;
            depth--;
        } else {
            uint32_t next = successor(automaton, state, at[state]++);

            if (!seen[next]) {
                seen[next] = true;
                stack[depth++] = next;
            }
        }
    }
}

static uint32_t
settled(const Reducer *reducer, uint32_t state, uint32_t next)
{
    return next == state ? SELF : reducer->same[next];
}

static uint32_t
mix(uint32_t hash, uint32_t value)
{
    hash = (hash ^ value) * 16777619u;
    return hash ^ hash >> 15;
}

static uint32_t
hash_state(const Reducer *reducer, uint32_t state)
{
    const SvirtAutomatonState *from = &reducer->automaton->states[state];
    const SvirtAutomatonException *exception =
        exceptions_of(reducer->automaton, state);
    uint32_t hash = mix(from->accept,
                        settled(reducer, state, from->otherwise));

    for (uint32_t i = 0; i < from->count; i++) {
        hash = mix(hash, exception[i].byte);
        hash = mix(hash, settled(reducer, state, exception[i].state));
    }
    return hash;
}

/* UNKNOWN, a successor not settled, equals itself alone: the states behind it
 * may differ. */
static bool
same_target(const Reducer *reducer, uint32_t a, uint32_t to_a, uint32_t b,
            uint32_t to_b)
{
    uint32_t target = settled(reducer, a, to_a);

    return to_a == to_b ||
           (target != UNKNOWN && target == settled(reducer, b, to_b));
}

static bool
same_state(const Reducer *reducer, uint32_t a, uint32_t b)
{
    const SvirtAutomatonState *x = &reducer->automaton->states[a];
    const SvirtAutomatonState *y = &reducer->automaton->states[b];
    const SvirtAutomatonException *in_x =
        exceptions_of(reducer->automaton, a);
    const SvirtAutomatonException *in_y =
        exceptions_of(reducer->automaton, b);

    if (x->accept != y->accept || x->count != y->count ||
        !same_target(reducer, a, x->otherwise, b, y->otherwise)) {
        return false;
    }
    for (uint32_t i = 0; i < x->count; i++) {
        if (in_x[i].byte != in_y[i].byte ||
            !same_target(reducer, a, in_x[i].state, b, in_y[i].state)) {
            return false;
        }
    }
    return true;
}

static void
settle(Reducer *reducer, uint32_t state)
{
    size_t slot = hash_state(reducer, state);

    for (;; slot++) {
        uint32_t *entry = &reducer->table[slot & (reducer->table_size - 1)];

        if (*entry == UNKNOWN) {
            *entry = state;
            reducer->same[state] = state;
            return;
        }
        if (same_state(reducer, state, *entry)) {
            reducer->same[state] = *entry;
            return;
        }
    }
}

/* New numbers in the old order, the start staying the first. */
static void
renumber(Reducer *reducer)
{
    SvirtAutomaton *automaton = reducer->automaton;
    g_autofree uint32_t *number = g_new0(uint32_t, automaton->state_count);
    uint32_t count = 0;
    uint32_t filled = 0;

    for (uint32_t state = 0; state < automaton->state_count; state++) {
        if (reducer->same[state] == state) {
            number[state] = count++;
        }
    }
    for (uint32_t state = 0; state < automaton->state_count; state++) {
        SvirtAutomatonState moved = automaton->states[state];
        const uint32_t first = filled;

        if (reducer->same[state] != state) {
            continue;
        }
        moved.otherwise = number[reducer->same[moved.otherwise]];
        for (uint32_t i = 0; i < moved.count; i++) {
            SvirtAutomatonException exception =
                automaton->exceptions[moved.exceptions + i];

            exception.state = number[reducer->same[exception.state]];
            if (exception.state != moved.otherwise) {
                automaton->exceptions[filled++] = exception;
            }
        }
        moved.exceptions = first;
        moved.count = filled - first;
        automaton->states[number[state]] = moved;
    }
    automaton->state_count = count;
    automaton->exception_count = filled;
}

void
svirt_automaton_reduce(SvirtAutomaton *automaton)
{
    Reducer reducer = { .automaton = automaton, .table_size = 64 };
    g_autofree uint32_t *same = g_new(uint32_t, automaton->state_count);
    g_autofree uint32_t *order = g_new(uint32_t, automaton->state_count);
    g_autofree uint32_t *table = NULL;

    while (reducer.table_size < automaton->state_count * 2) {
        reducer.table_size *= 2;
    }
    table = g_new(uint32_t, reducer.table_size);
    for (size_t i = 0; i < reducer.table_size; i++) {
        table[i] = UNKNOWN;
    }
    for (size_t i = 0; i < automaton->state_count; i++) {
        same[i] = UNKNOWN;
    }
    same[SVIRT_AUTOMATON_DEAD] = SVIRT_AUTOMATON_DEAD;
    reducer.same = same;
    reducer.order = order;
    reducer.table = table;
    order_states(&reducer);
    for (size_t i = 0; i < reducer.order_count; i++) {
        /* The start comes last and stays itself. */
        if (order[i] == SVIRT_AUTOMATON_START) {
            same[SVIRT_AUTOMATON_START] = SVIRT_AUTOMATON_START;
        } else {
            settle(&reducer, order[i]);
        }
    }
    renumber(&reducer);
}
