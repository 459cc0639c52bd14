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
    uint32_t *items;
    size_t item_count, item_room;
    ItemList *lists;      /* per state */
    SvirtAutomatonState *states;
    size_t state_count, state_room;
    SvirtAutomatonException *exceptions;
    size_t exception_count, exception_room;
    uint32_t *table;      /* states by the hash of their list */
    size_t table_size;    /* a power of two */
    uint32_t *seen;       /* per node: the last list it was put into */
    uint32_t list_number;
    uint32_t *next;       /* the list being made: each node once at most */
    size_t next_count;
    uint32_t *stack;      /* a node that is seen leaves two at most */
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
    /* Rules begin alike: of four nodes, one or two are a state of their own. */
    maker->item_room = maker->state_room = maker->exception_room =
        maker->node_count / 4 + 64;
    maker->items = g_new(uint32_t, maker->item_room);
    maker->lists = g_new(ItemList, maker->state_room);
    maker->states = g_new(SvirtAutomatonState, maker->state_room);
    maker->exceptions = g_new(SvirtAutomatonException, maker->exception_room);
    maker->next = g_new(uint32_t, maker->node_count + 1);
    maker->stack = g_new(uint32_t, 2 * maker->node_count + 2);
    maker->seen = g_new0(uint32_t, maker->node_count + 1);
    maker->table_size = 256;
    maker->table = g_new(uint32_t, maker->table_size);
    memset(maker->table, 0xff, maker->table_size * sizeof(uint32_t));
}

static void
maker_clear(Maker *maker)
{
    g_free(maker->odd);
    g_free(maker->items);
    g_free(maker->lists);
    g_free(maker->next);
    g_free(maker->stack);
    g_free(maker->states);
    g_free(maker->exceptions);
    g_free(maker->seen);
    g_free(maker->table);
}

/* Put `node`, and what is reached from it without a byte, into the list. */
static void
reach(Maker *maker, uint32_t node)
{
    uint32_t *stack = maker->stack;
    size_t depth = 0;

    stack[depth++] = node;
    while (depth > 0) {
        const uint32_t at = stack[--depth];
        const SvirtPatternNode *now = &maker->nodes[at];

        /* A pattern that was not ended goes nowhere. */
        if (at >= maker->node_count ||
            maker->seen[at] == maker->list_number) {
            continue;
        }
        maker->seen[at] = maker->list_number;
        switch ((SvirtPatternKind)now->kind) {
        case SVIRT_PATTERN_BYTE:
        case SVIRT_PATTERN_ACCEPT:
            maker->next[maker->next_count++] = at;
            break;
        case SVIRT_PATTERN_LOOP:
            maker->next[maker->next_count++] = at;
            stack[depth++] = at + 1;
            break;
        case SVIRT_PATTERN_SPLIT:
            stack[depth++] = now->other;
            stack[depth++] = at + 1;
            break;
        case SVIRT_PATTERN_JOIN:
            stack[depth++] = now->other;
            break;
        }
    }
}

static void
begin_list(Maker *maker)
{
    maker->list_number++;
    maker->next_count = 0;
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
    uint32_t *item = maker->next;
    const size_t count = maker->next_count;
    size_t i = 1;

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
    return &maker->items[maker->lists[state].first];
}

static void
table_put(Maker *maker, uint32_t state)
{
    size_t slot = hash_list(list_items(maker, state),
                            maker->lists[state].count);

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
    for (uint32_t state = 1; state < maker->state_count; state++) {
        table_put(maker, state);
    }
}

/* A new state at the end, of the list made. */
static uint32_t
add_state(Maker *maker)
{
    const size_t count = maker->next_count;
    const uint32_t state = (uint32_t)maker->state_count++;

    if (maker->item_count + count > maker->item_room) {
        maker->item_room = 2 * maker->item_room + count;
        maker->items = g_renew(uint32_t, maker->items, maker->item_room);
    }
    if (state == maker->state_room) {
        maker->state_room *= 2;
        maker->lists = g_renew(ItemList, maker->lists, maker->state_room);
        maker->states = g_renew(SvirtAutomatonState, maker->states,
                                maker->state_room);
    }
    memcpy(maker->items + maker->item_count, maker->next,
           count * sizeof(*maker->next));
    maker->lists[state] = (ItemList){ (uint32_t)maker->item_count,
                                      (uint32_t)count };
    maker->states[state] = (SvirtAutomatonState){ 0 };
    maker->item_count += count;
    return state;
}

/* The state of the list made: a known one, or a new one at the end. */
static uint32_t
state_of_list(Maker *maker)
{
    const uint32_t *items = maker->next;
    const size_t count = maker->next_count;
    uint32_t state;
    size_t slot;

    if (count == 0) {
        return SVIRT_AUTOMATON_DEAD;
    }
    sort_list(maker);
    for (slot = hash_list(items, count);; slot++) {
        state = maker->table[slot & (maker->table_size - 1)];
        if (state == NO_STATE) {
            break;
        }
        if (maker->lists[state].count == count &&
            memcmp(list_items(maker, state), items,
                   count * sizeof(*items)) == 0) {
            return state;
        }
    }
    state = add_state(maker);
    if (maker->state_count * 2 > maker->table_size) {
        table_grow(maker);
    } else {
        maker->table[slot & (maker->table_size - 1)] = state;
    }
    return state;
}

static uint32_t
step(Maker *maker, uint32_t state, unsigned byte)
{
    const ItemList list = maker->lists[state];

    begin_list(maker);
    for (uint32_t i = 0; i < list.count; i++) {
        uint32_t at = maker->items[list.first + i];
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
    const ItemList list = maker->lists[state];
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

static void
add_exception(Maker *maker, SvirtAutomatonException exception)
{
    if (maker->exception_count == maker->exception_room) {
        maker->exception_room *= 2;
        maker->exceptions = g_renew(SvirtAutomatonException,
                                    maker->exceptions, maker->exception_room);
    }
    maker->exceptions[maker->exception_count++] = exception;
}

/* The transitions of one state. */
static void
expand(Maker *maker, uint32_t state, uint32_t accept)
{
    const ItemList list = maker->lists[state];
    const uint32_t first = (uint32_t)maker->exception_count;
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
                add_exception(maker, exception);
            }
        }
    }
    made = &maker->states[state];
    made->accept = accept;
    made->otherwise = otherwise;
    made->exceptions = first;
    made->count = (uint32_t)maker->exception_count - first;
}

static void
make_start(Maker *maker, const SvirtPatternSet *set)
{
    const uint32_t *starts;
    size_t start_count;

    begin_list(maker);
    (void)add_state(maker); /* the dead one, of nothing */
    starts = svirt_pattern_starts(set, &start_count);
    begin_list(maker);
    for (size_t i = 0; i < start_count; i++) {
        reach(maker, starts[i]);
    }
    if (state_of_list(maker) == SVIRT_AUTOMATON_DEAD) {
        /* No pattern: a start from where everything is dead. */
        (void)add_state(maker);
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
    for (uint32_t state = 1; ok && state < maker.state_count; state++) {
        uint32_t accept;

        if (!join_accepts(&maker, state, join, &accept)) {
            ok = svirt_raise(error, SVIRT_ERROR_REFUSED, NULL,
                             "give every program one way of execution",
                             "two path rules contradict one another");
        } else if (maker.state_count > SVIRT_AUTOMATON_MAX_STATES ||
                   maker.item_count > SVIRT_AUTOMATON_MAX_ITEMS) {
            ok = svirt_raise(error, SVIRT_ERROR_UNSUPPORTED, NULL,
                             "allow directories instead of single files",
                             "the path rules of the profile are too many");
        } else {
            expand(&maker, state, accept);
        }
    }
    if (ok) {
        ret->state_count = maker.state_count;
        ret->states = g_steal_pointer(&maker.states);
        ret->exception_count = maker.exception_count;
        ret->exceptions = g_steal_pointer(&maker.exceptions);
    }
    maker_clear(&maker);
    return ok;
}
