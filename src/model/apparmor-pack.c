/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <endian.h>
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

static void
put16(GByteArray *out, uint16_t value)
{
    value = htobe16(value);
    g_byte_array_append(out, (const guint8 *)&value, sizeof(value));
}

static void
put32(GByteArray *out, uint32_t value)
{
    value = htobe32(value);
    g_byte_array_append(out, (const guint8 *)&value, sizeof(value));
}

static void
pad(GByteArray *out)
{
    static const guint8 zero[8];

    g_byte_array_append(out, zero, -out->len & 7);
}

static void
begin_table(GByteArray *out, SvirtTableId id, unsigned size, size_t count)
{
    put16(out, (uint16_t)id);
    put16(out, (uint16_t)size);
    put32(out, 0);
    put32(out, (uint32_t)count);
}

static void
put_tables(const Packer *packer, GByteArray *out)
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
    for (size_t i = 0; i < count; i++) {
        put32(out, 0);
    }
    pad(out);
    begin_table(out, SVIRT_TABLE_BASE, sizeof(uint32_t), count);
    for (size_t i = 0; i < count; i++) {
        put32(out, packer->base[i]);
    }
    pad(out);
    begin_table(out, SVIRT_TABLE_DEFAULT, sizeof(uint16_t), count);
    for (size_t i = 0; i < count; i++) {
        put16(out, (uint16_t)automaton->states[i].otherwise);
    }
    pad(out);
    begin_table(out, SVIRT_TABLE_NEXT, sizeof(uint16_t), packer->end);
    for (uint32_t i = 0; i < packer->end; i++) {
        put16(out, g_array_index(packer->target, uint16_t, i));
    }
    pad(out);
    begin_table(out, SVIRT_TABLE_CHECK, sizeof(uint16_t), packer->end);
    for (uint32_t i = 0; i < packer->end; i++) {
        put16(out, *owner_at(packer, i));
    }
    pad(out);
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

    place_all(&packer);
    put32(out, SVIRT_TABLE_MAGIC);
    put32(out, SVIRT_TABLE_HEADER);
    put32(out, 0);
    put16(out, 0);
    g_byte_array_append(out, (const guint8 *)SVIRT_TABLE_VERSION,
                        sizeof(SVIRT_TABLE_VERSION));
    pad(out);
    put_tables(&packer, out);
    size = htobe32(out->len - start);
    memcpy(out->data + start + 8, &size, sizeof(size));
    g_array_free(packer.owner, TRUE);
    g_array_free(packer.target, TRUE);
}
