/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "model/apparmor-automaton.h"
#include "model/apparmor-table.h"

/*
 * A state's exceptions lie in NEXT at its base plus the byte, where CHECK
 * names the state; the rows of the states interlock like combs. The kernel
 * wants room for every byte behind every base.
 */
#define ROW 256u
#define LOOK_BACK 64u

typedef struct Packer {
    const SvirtAutomaton *automaton;
    uint32_t *base;   /* per state */
    GArray *owner;    /* uint16_t per place in NEXT; 0: free */
    GArray *target;   /* uint16_t */
    uint32_t end;     /* behind the last row */
    uint32_t last;    /* base of the last row of several */
    uint32_t single[ROW]; /* per byte: base of its last row of one */
} Packer;

static void
make_room(Packer *packer, uint32_t end)
{
    if (end > packer->owner->len) {
        /* Doubling: sized by one byte more each time it would be slow. */
        guint size = MAX(end, packer->owner->len * 2);

        g_array_set_size(packer->owner, size);
        g_array_set_size(packer->target, size);
    }
    packer->end = MAX(packer->end, end);
}

static uint16_t *
owner_at(const Packer *packer, uint32_t place)
{
    return &g_array_index(packer->owner, uint16_t, place);
}

static bool
fits(const Packer *packer, const SvirtAutomatonState *state, uint32_t base)
{
    const SvirtAutomatonException *exception =
        &packer->automaton->exceptions[state->exceptions];

    for (uint32_t i = 0; i < state->count; i++) {
        uint32_t place = base + exception[i].byte;

        if (place < packer->owner->len && *owner_at(packer, place) != 0) {
            return false;
        }
    }
    return true;
}

static void
place_state(Packer *packer, uint32_t number)
{
    const SvirtAutomatonState *state = &packer->automaton->states[number];
    const SvirtAutomatonException *exception =
        &packer->automaton->exceptions[state->exceptions];
    uint32_t *last = state->count == 1
        ? &packer->single[exception[0].byte] : &packer->last;
    /* Nothing is given back: what was full for one byte stays so. For a row of
     * several a gap further back is too rare to be looked for. */
    uint32_t base = *last - MIN(*last, state->count == 1 ? 0 : LOOK_BACK);

    while (!fits(packer, state, base)) {
        base++;
    }
    make_room(packer, base + ROW);
    *last = base;
    packer->base[number] = base;
    for (uint32_t i = 0; i < state->count; i++) {
        *owner_at(packer, base + exception[i].byte) = (uint16_t)number;
        g_array_index(packer->target, uint16_t, base + exception[i].byte) =
            (uint16_t)exception[i].state;
    }
}

/* Wide rows first: the single teeth fill the gaps they leave. */
static void
place_all(Packer *packer)
{
    const SvirtAutomaton *automaton = packer->automaton;

    make_room(packer, ROW);
    for (unsigned pass = 0; pass < 2; pass++) {
        for (uint32_t i = 0; i < automaton->state_count; i++) {
            const uint32_t count = automaton->states[i].count;

            if (count > 0 && (count == 1) == (pass == 1)) {
                place_state(packer, i);
            }
        }
    }
}

/* Where the next word goes; room was made. */
typedef struct Out {
    guint8 *at;
    guint8 *start;
} Out;

static void
put16(Out *out, uint32_t value)
{
    *out->at++ = (guint8)(value >> 8);
    *out->at++ = (guint8)value;
}

static void
put32(Out *out, uint32_t value)
{
    put16(out, value >> 16);
    put16(out, value);
}

static void
pad(Out *out)
{
    while ((out->at - out->start) % 8 != 0) {
        *out->at++ = 0;
    }
}

static void
begin_table(Out *out, SvirtTableId id, unsigned size, size_t count)
{
    put16(out, id);
    put16(out, size);
    put32(out, 0);
    put32(out, (uint32_t)count);
}

static void
put_states(const Packer *packer, Out *out)
{
    const SvirtAutomaton *automaton = packer->automaton;
    const size_t count = automaton->state_count;

    begin_table(out, SVIRT_TABLE_ACCEPT, sizeof(uint32_t), count);
    for (size_t i = 0; i < count; i++) {
        put32(out, automaton->states[i].accept);
    }
    pad(out);
    /* Nothing is audited when allowed, nothing denied in silence. */
    begin_table(out, SVIRT_TABLE_ACCEPT2, sizeof(uint32_t), count);
    memset(out->at, 0, count * sizeof(uint32_t));
    out->at += count * sizeof(uint32_t);
    pad(out);
    begin_table(out, SVIRT_TABLE_BASE, sizeof(uint32_t), count);
    for (size_t i = 0; i < count; i++) {
        put32(out, packer->base[i]);
    }
    pad(out);
    begin_table(out, SVIRT_TABLE_DEFAULT, sizeof(uint16_t), count);
    for (size_t i = 0; i < count; i++) {
        put16(out, automaton->states[i].otherwise);
    }
    pad(out);
}

static void
put_places(const GArray *places, uint32_t count, SvirtTableId id, Out *out)
{
    begin_table(out, id, sizeof(uint16_t), count);
    for (uint32_t i = 0; i < count; i++) {
        put16(out, g_array_index(places, uint16_t, i));
    }
    pad(out);
}

/* At most: each table with its prefix and padding. */
static size_t
size_bound(const Packer *packer)
{
    return SVIRT_TABLE_HEADER + 6 * (SVIRT_TABLE_PREFIX + 8) +
           packer->automaton->state_count * 14 + (size_t)packer->end * 4;
}

void
svirt_automaton_pack(const SvirtAutomaton *automaton, GByteArray *out)
{
    g_autofree uint32_t *base = g_new0(uint32_t, automaton->state_count);
    Packer packer = {
        .automaton = automaton,
        .base = base,
        .owner = g_array_new(FALSE, TRUE, sizeof(uint16_t)),
        .target = g_array_new(FALSE, TRUE, sizeof(uint16_t)),
    };
    const guint start = out->len;
    uint32_t size;
    Out words;

    place_all(&packer);
    g_byte_array_set_size(out, start + (guint)size_bound(&packer));
    words = (Out){ out->data + start, out->data + start };
    put32(&words, SVIRT_TABLE_MAGIC);
    put32(&words, SVIRT_TABLE_HEADER);
    put32(&words, 0);
    put16(&words, 0);
    memcpy(words.at, SVIRT_TABLE_VERSION, sizeof(SVIRT_TABLE_VERSION));
    words.at += sizeof(SVIRT_TABLE_VERSION);
    pad(&words);
    put_states(&packer, &words);
    put_places(packer.target, packer.end, SVIRT_TABLE_NEXT, &words);
    put_places(packer.owner, packer.end, SVIRT_TABLE_CHECK, &words);
    size = (uint32_t)(words.at - words.start);
    g_byte_array_set_size(out, start + size);
    words.at = words.start + 8;
    put32(&words, size);
    g_array_free(packer.owner, TRUE);
    g_array_free(packer.target, TRUE);
}
