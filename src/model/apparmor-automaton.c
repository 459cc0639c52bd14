/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/apparmor-automaton.h"

#include <string.h>

/*
 * The subset construction. A state is an ordered list of nodes; only BYTE,
 * LOOP and ACCEPT nodes are in lists. The byte OTHER speaks for every byte
 * that no set of the state treats in another way.
 */
#define OTHER 1u
#define NO_STATE UINT32_MAX

typedef struct ItemList {
    uint32_t first; /* in Maker.items */
    uint32_t count;
} ItemList;

typedef struct Maker {
    const SvirtPatternNode *nodes;
    size_t node_count;
    const SvirtByteSet *sets;
    SvirtByteSet *odd; /* per set of `sets`: bytes it treats unlike OTHER */
    GArray *items;        /* uint32_t */
    GArray *lists;        /* ItemList per state */
    GArray *states;       /* SvirtAutomatonState */
    GArray *exceptions;   /* SvirtAutomatonException */
    uint32_t *table;      /* states by the hash of their list */
    size_t table_size;    /* a power of two */
    uint32_t *seen;       /* per node: the last list it was put into */
    uint32_t list_number;
    GArray *next;         /* uint32_t: the list being made */
    GArray *stack;        /* uint32_t */
} Maker;

void
svirt_automaton_clear(SvirtAutomaton *automaton)
{
    g_clear_pointer(&automaton->states, g_free);
    g_clear_pointer(&automaton->exceptions, g_free);
    automaton->state_count = 0;
    automaton->exception_count = 0;
}

static void
maker_init(Maker *maker, const SvirtPatternSet *set)
{
    size_t set_count;

    memset(maker, 0, sizeof(*maker));
    maker->nodes = svirt_pattern_nodes(set, &maker->node_count);
    maker->sets = svirt_pattern_byte_sets(set, &set_count);
    maker->odd = g_new(SvirtByteSet, set_count);
    for (size_t i = 0; i < set_count; i++) {
        uint64_t flip = (maker->sets[i].words[OTHER / 64] >> (OTHER % 64) & 1)
            != 0 ? UINT64_MAX : 0;

        for (unsigned w = 0; w < 4; w++) {
            maker->odd[i].words[w] = maker->sets[i].words[w] ^ flip;
        }
    }
    maker->items = g_array_new(FALSE, FALSE, sizeof(uint32_t));
    maker->lists = g_array_new(FALSE, FALSE, sizeof(ItemList));
    maker->states = g_array_new(FALSE, FALSE, sizeof(SvirtAutomatonState));
    maker->exceptions = g_array_new(FALSE, FALSE,
                                    sizeof(SvirtAutomatonException));
    maker->next = g_array_new(FALSE, FALSE, sizeof(uint32_t));
    maker->stack = g_array_new(FALSE, FALSE, sizeof(uint32_t));
    maker->seen = g_new0(uint32_t, maker->node_count + 1);
    maker->table_size = 1024;
    maker->table = g_new(uint32_t, maker->table_size);
    memset(maker->table, 0xff, maker->table_size * sizeof(uint32_t));
}

static void
maker_clear(Maker *maker)
{
    g_free(maker->odd);
    g_array_free(maker->items, TRUE);
    g_array_free(maker->lists, TRUE);
    g_array_free(maker->next, TRUE);
    g_array_free(maker->stack, TRUE);
    g_clear_pointer(&maker->states, g_array_unref);
    g_clear_pointer(&maker->exceptions, g_array_unref);
    g_free(maker->seen);
    g_free(maker->table);
}

/* Put `node`, and what is reached from it without a byte, into the list. */
static void
reach(Maker *maker, uint32_t node)
{
    g_array_append_val(maker->stack, node);
    while (maker->stack->len > 0) {
        uint32_t at = g_array_index(maker->stack, uint32_t,
                                    maker->stack->len - 1);
        const SvirtPatternNode *now = &maker->nodes[at];
        const uint32_t behind = at + 1;

        g_array_set_size(maker->stack, maker->stack->len - 1);
        /* A pattern that was not ended goes nowhere. */
        if (at >= maker->node_count ||
            maker->seen[at] == maker->list_number) {
            continue;
        }
        maker->seen[at] = maker->list_number;
        switch ((SvirtPatternKind)now->kind) {
        case SVIRT_PATTERN_BYTE:
        case SVIRT_PATTERN_ACCEPT:
            g_array_append_val(maker->next, at);
            break;
        case SVIRT_PATTERN_LOOP:
            g_array_append_val(maker->next, at);
            g_array_append_val(maker->stack, behind);
            break;
        case SVIRT_PATTERN_SPLIT:
            g_array_append_val(maker->stack, now->other);
            g_array_append_val(maker->stack, behind);
            break;
        case SVIRT_PATTERN_JOIN:
            g_array_append_val(maker->stack, now->other);
            break;
        }
    }
}

static void
begin_list(Maker *maker)
{
    maker->list_number++;
    g_array_set_size(maker->next, 0);
}

static int
compare_items(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a;
    uint32_t y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

/* Lists come nearly in order: most are short, or ordered already. */
static void
sort_list(Maker *maker)
{
    uint32_t *item = (uint32_t *)(void *)maker->next->data;
    guint count = maker->next->len;
    guint i = 1;

    while (i < count && item[i - 1] < item[i]) {
        i++;
    }
    if (i < count) {
        qsort(item, count, sizeof(*item), compare_items);
    }
}

static uint32_t
hash_list(const uint32_t *items, size_t count)
{
    uint32_t hash = 2166136261u;

    for (size_t i = 0; i < count; i++) {
        hash = (hash ^ items[i]) * 16777619u;
        hash ^= hash >> 15;
    }
    return hash;
}

static const uint32_t *
list_items(const Maker *maker, uint32_t state)
{
    const ItemList *list = &g_array_index(maker->lists, ItemList, state);

    return &g_array_index(maker->items, uint32_t, list->first);
}

static void
table_put(Maker *maker, uint32_t state)
{
    const ItemList *list = &g_array_index(maker->lists, ItemList, state);
    size_t slot = hash_list(list_items(maker, state), list->count);

    while (maker->table[slot & (maker->table_size - 1)] != NO_STATE) {
        slot++;
    }
    maker->table[slot & (maker->table_size - 1)] = state;
}

static void
table_grow(Maker *maker)
{
    maker->table_size *= 2;
    g_free(maker->table);
    maker->table = g_new(uint32_t, maker->table_size);
    memset(maker->table, 0xff, maker->table_size * sizeof(uint32_t));
    for (uint32_t state = 1; state < maker->lists->len; state++) {
        table_put(maker, state);
    }
}

/* The state of the list made: a known one, or a new one at the end. */
static uint32_t
state_of_list(Maker *maker)
{
    const uint32_t *items = (const uint32_t *)(const void *)
        maker->next->data;
    guint count = maker->next->len;
    ItemList list = { .first = maker->items->len, .count = count };
    SvirtAutomatonState fresh = { 0 };
    size_t slot;

    if (count == 0) {
        return SVIRT_AUTOMATON_DEAD;
    }
    sort_list(maker);
    for (slot = hash_list(items, count);; slot++) {
        uint32_t state = maker->table[slot & (maker->table_size - 1)];

        if (state == NO_STATE) {
            break;
        }
        if (g_array_index(maker->lists, ItemList, state).count == count &&
            memcmp(list_items(maker, state), items,
                   count * sizeof(*items)) == 0) {
            return state;
        }
    }
    g_array_append_vals(maker->items, items, count);
    g_array_append_val(maker->lists, list);
    g_array_append_val(maker->states, fresh);
    if (maker->lists->len * 2 > maker->table_size) {
        table_grow(maker);
    } else {
        table_put(maker, maker->lists->len - 1);
    }
    return maker->lists->len - 1;
}

static uint32_t
step(Maker *maker, uint32_t state, unsigned byte)
{
    const ItemList list = g_array_index(maker->lists, ItemList, state);

    begin_list(maker);
    for (uint32_t i = 0; i < list.count; i++) {
        uint32_t at = g_array_index(maker->items, uint32_t, list.first + i);
        const SvirtPatternNode *node = &maker->nodes[at];

        if (node->kind == SVIRT_PATTERN_ACCEPT ||
            !svirt_pattern_takes(node, maker->sets, byte)) {
            continue;
        }
        reach(maker, node->kind == SVIRT_PATTERN_LOOP ? at : at + 1);
    }
    return state_of_list(maker);
}

static bool
join_accepts(const Maker *maker, uint32_t state, SvirtAcceptJoin join,
             uint32_t *ret_accept)
{
    const ItemList list = g_array_index(maker->lists, ItemList, state);
    uint32_t accept = 0;

    for (uint32_t i = 0; i < list.count; i++) {
        const SvirtPatternNode *node =
            &maker->nodes[list_items(maker, state)[i]];

        if (node->kind == SVIRT_PATTERN_ACCEPT &&
            !join(&accept, node->other)) {
            return false;
        }
    }
    *ret_accept = accept;
    return true;
}

static void
add_odd(const Maker *maker, unsigned set, SvirtByteSet *odd)
{
    if (set < SVIRT_PATTERN_FIRST_SET) {
        odd->words[set / 64] |= UINT64_C(1) << (set % 64);
    } else {
        for (unsigned w = 0; w < 4; w++) {
            odd->words[w] |=
                maker->odd[set - SVIRT_PATTERN_FIRST_SET].words[w];
        }
    }
}

/* The transitions of one state. */
static void
expand(Maker *maker, uint32_t state, uint32_t accept)
{
    const ItemList list = g_array_index(maker->lists, ItemList, state);
    uint32_t first = maker->exceptions->len;
    SvirtByteSet odd = { 0 };
    SvirtAutomatonState *made;
    uint32_t otherwise;
    bool plain = true; /* nothing but single bytes goes on */
    bool spoken_for = false; /* OTHER is one of them */

    for (uint32_t i = 0; i < list.count; i++) {
        const SvirtPatternNode *node =
            &maker->nodes[list_items(maker, state)[i]];

        if (node->kind != SVIRT_PATTERN_ACCEPT) {
            add_odd(maker, node->set, &odd);
            plain = plain && node->set < SVIRT_PATTERN_FIRST_SET;
            spoken_for = spoken_for || node->set == OTHER;
        }
    }
    if (spoken_for && !plain) {
        /* Then it cannot speak for the others. */
        memset(&odd, 0xff, sizeof(odd));
    }
    otherwise = plain ? SVIRT_AUTOMATON_DEAD : step(maker, state, OTHER);
    for (unsigned word = 0; word < 4; word++) {
        for (uint64_t left = odd.words[word]; left != 0; left &= left - 1) {
            unsigned byte = word * 64 + (unsigned)__builtin_ctzll(left);
            SvirtAutomatonException exception = {
                .state = step(maker, state, byte), .byte = (uint8_t)byte,
            };

            if (exception.state != otherwise) {
                g_array_append_val(maker->exceptions, exception);
            }
        }
    }
    made = &g_array_index(maker->states, SvirtAutomatonState, state);
    made->accept = accept;
    made->otherwise = otherwise;
    made->exceptions = first;
    made->count = maker->exceptions->len - first;
}

static void
make_start(Maker *maker, const SvirtPatternSet *set)
{
    const ItemList none = { 0 };
    const SvirtAutomatonState dead = { 0 };
    const uint32_t *starts;
    size_t start_count;

    g_array_append_val(maker->lists, none);
    g_array_append_val(maker->states, dead);
    starts = svirt_pattern_starts(set, &start_count);
    begin_list(maker);
    for (size_t i = 0; i < start_count; i++) {
        reach(maker, starts[i]);
    }
    if (state_of_list(maker) == SVIRT_AUTOMATON_DEAD) {
        /* No pattern: a start from where everything is dead. */
        g_array_append_val(maker->lists, none);
        g_array_append_val(maker->states, dead);
    }
}

bool
svirt_automaton_make(const SvirtPatternSet *set, SvirtAcceptJoin join,
                     SvirtAutomaton *ret, GError **error)
{
    Maker maker;
    bool ok = true;

    maker_init(&maker, set);
    make_start(&maker, set);
    for (uint32_t state = 1; ok && state < maker.lists->len; state++) {
        uint32_t accept;

        if (!join_accepts(&maker, state, join, &accept)) {
            ok = svirt_raise(error, SVIRT_ERROR_REFUSED, NULL,
                             "give every program one way of execution",
                             "two path rules contradict one another");
        } else if (maker.lists->len > SVIRT_AUTOMATON_MAX_STATES ||
                   maker.items->len > SVIRT_AUTOMATON_MAX_ITEMS) {
            ok = svirt_raise(error, SVIRT_ERROR_UNSUPPORTED, NULL,
                             "allow directories instead of single files",
                             "the path rules of the profile are too many");
        } else {
            expand(&maker, state, accept);
        }
    }
    if (ok) {
        ret->state_count = maker.states->len;
        ret->states = (SvirtAutomatonState *)(void *)
            g_array_free(g_steal_pointer(&maker.states), FALSE);
        ret->exception_count = maker.exceptions->len;
        ret->exceptions = (SvirtAutomatonException *)(void *)
            g_array_free(g_steal_pointer(&maker.exceptions), FALSE);
    }
    maker_clear(&maker);
    return ok;
}
