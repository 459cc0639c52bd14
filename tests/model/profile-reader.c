/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "profile-reader.h"

#include <endian.h>
#include <string.h>

#include "model/apparmor-stream.h"

static uint32_t
element(const ReadTable *table, uint32_t index)
{
    const uint8_t *at = table->data + (size_t)index * table->size;

    switch (table->size) {
    case 1:
        return at[0];
    case 2:
        return (uint32_t)at[0] << 8 | at[1];
    default:
        return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 |
               (uint32_t)at[2] << 8 | at[3];
    }
}

static uint32_t
base_of(const ReadAutomaton *automaton, uint32_t state)
{
    return element(&automaton->table[SVIRT_TABLE_BASE], state);
}

static unsigned
wanted_size(uint32_t id)
{
    switch (id) {
    case SVIRT_TABLE_ACCEPT:
    case SVIRT_TABLE_ACCEPT2:
    case SVIRT_TABLE_BASE:
        return 4;
    case SVIRT_TABLE_CHECK:
    case SVIRT_TABLE_DEFAULT:
    case SVIRT_TABLE_NEXT:
        return 2;
    case SVIRT_TABLE_CLASS:
        return 1;
    default:
        return 0;
    }
}

static bool
read_tables(const uint8_t *data, size_t size, ReadAutomaton *ret)
{
    while (size > 0) {
        ReadTable id, width, high, count;
        uint32_t number;
        size_t bytes;

        if (size < SVIRT_TABLE_PREFIX) {
            return false;
        }
        id = (ReadTable){ data, 2, 1 };
        width = (ReadTable){ data + 2, 2, 1 };
        high = (ReadTable){ data + 4, 4, 1 };
        count = (ReadTable){ data + 8, 4, 1 };
        number = element(&id, 0);
        if (wanted_size(number) == 0 ||
            element(&width, 0) != wanted_size(number) ||
            element(&high, 0) != 0 || element(&count, 0) == 0 ||
            element(&count, 0) > size || ret->table[number].data != NULL) {
            return false;
        }
        bytes = SVIRT_TABLE_PREFIX +
            (size_t)element(&count, 0) * wanted_size(number);
        bytes += -bytes & 7;
        if (bytes > size) {
            return false;
        }
        ret->table[number] = (ReadTable){
            data + SVIRT_TABLE_PREFIX, wanted_size(number),
            element(&count, 0),
        };
        data += bytes;
        size -= bytes;
    }
    return true;
}

/* A chain of differences must end. */
static bool
differences_end(const ReadAutomaton *automaton, uint32_t state)
{
    uint32_t steps = 0;

    while ((base_of(automaton, state) & SVIRT_TABLE_BASE_DIFFERENCE) != 0) {
        state = element(&automaton->table[SVIRT_TABLE_DEFAULT], state);
        if (++steps > 64) {
            return false;
        }
    }
    return true;
}

static bool
tables_agree(const ReadAutomaton *automaton)
{
    const ReadTable *table = automaton->table;
    const uint32_t states = table[SVIRT_TABLE_BASE].count;
    const uint32_t places = table[SVIRT_TABLE_NEXT].count;

    if (table[SVIRT_TABLE_ACCEPT].count != states ||
        table[SVIRT_TABLE_ACCEPT2].count != states ||
        table[SVIRT_TABLE_DEFAULT].count != states || states < 2 ||
        states > 65536 || places == 0 ||
        table[SVIRT_TABLE_CHECK].count != places ||
        (table[SVIRT_TABLE_CLASS].data != NULL &&
         table[SVIRT_TABLE_CLASS].count != 256)) {
        return false;
    }
    for (uint32_t i = 0; i < states; i++) {
        uint32_t base = base_of(automaton, i);

        if (element(&table[SVIRT_TABLE_DEFAULT], i) >= states ||
            (base & ~(SVIRT_TABLE_BASE_INDEX |
                      SVIRT_TABLE_BASE_DIFFERENCE)) != 0 ||
            (base & SVIRT_TABLE_BASE_INDEX) + 255 >= places) {
            return false;
        }
    }
    for (uint32_t i = 0; i < places; i++) {
        if (element(&table[SVIRT_TABLE_NEXT], i) >= states ||
            element(&table[SVIRT_TABLE_CHECK], i) >= states) {
            return false;
        }
    }
    for (uint32_t i = 0; i < states; i++) {
        if (!differences_end(automaton, i)) {
            return false;
        }
    }
    return true;
}

bool
read_automaton(const uint8_t *data, size_t size, ReadAutomaton *ret)
{
    ReadAutomaton automaton = { .start = 1 };
    ReadTable words = { data, 4, 3 };
    const size_t text = SVIRT_TABLE_HEADER - 10;

    if (size < SVIRT_TABLE_HEADER ||
        element(&words, 0) != SVIRT_TABLE_MAGIC ||
        element(&words, 1) < SVIRT_TABLE_HEADER ||
        element(&words, 1) % 8 != 0 || element(&words, 1) > size ||
        element(&words, 2) != size ||
        strnlen((const char *)data + 14, text) >= text ||
        !read_tables(data + element(&words, 1), size - element(&words, 1),
                     &automaton) ||
        !tables_agree(&automaton)) {
        return false;
    }
    *ret = automaton;
    return true;
}

uint32_t
automaton_walk(const ReadAutomaton *automaton, uint32_t state,
               const void *text, size_t length)
{
    const ReadTable *table = automaton->table;
    const uint8_t *byte = text;

    for (size_t i = 0; i < length; i++) {
        uint32_t c = table[SVIRT_TABLE_CLASS].data != NULL
            ? element(&table[SVIRT_TABLE_CLASS], byte[i]) : byte[i];

        for (;;) {
            uint32_t base = base_of(automaton, state);
            uint32_t place = (base & SVIRT_TABLE_BASE_INDEX) + c;

            if (element(&table[SVIRT_TABLE_CHECK], place) == state) {
                state = element(&table[SVIRT_TABLE_NEXT], place);
                break;
            }
            state = element(&table[SVIRT_TABLE_DEFAULT], state);
            if ((base & SVIRT_TABLE_BASE_DIFFERENCE) == 0) {
                break;
            }
        }
    }
    return state;
}

uint32_t
automaton_accept(const ReadAutomaton *automaton, uint32_t state)
{
    return element(&automaton->table[SVIRT_TABLE_ACCEPT], state);
}

uint32_t
automaton_take(const ReadAutomaton *automaton, const void *text,
               size_t length)
{
    return automaton_accept(automaton, automaton_walk(automaton,
        automaton->start, text, length));
}
