/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdint.h>
#include <stdlib.h>

#include "profile-reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What passed the kernel's checks can be walked with any text. */
static void
walk(const ReadAutomaton *automaton, const uint8_t *data, size_t size)
{
    if (automaton->table[SVIRT_TABLE_BASE].data != NULL &&
        automaton_walk(automaton, automaton->start, data, size) >=
            automaton->table[SVIRT_TABLE_BASE].count) {
        abort();
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ReadPlace place = { data, data, data + size };
    ReadAutomaton automaton;
    ReadProfile profile;

    while (place.at < place.end && read_profile(&place, &profile)) {
        walk(&profile.policy, data, size);
        walk(&profile.files, data, size);
    }
    if (read_automaton(data, size, &automaton)) {
        walk(&automaton, data, size);
    }
    return 0;
}
