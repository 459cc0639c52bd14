/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/nearest.h"

#include <stdbool.h>
#include <string.h>

/* Longer words are nobody's typing mistake. */
#define LENGTH_MAX 40
#define DISTANCE_MAX 3u

static unsigned
smallest(unsigned a, unsigned b, unsigned c)
{
    unsigned ab = a < b ? a : b;

    return ab < c ? ab : c;
}

/* Damerau's distance, the restricted one; both are short enough. */
static unsigned
distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
    unsigned rows[3][LENGTH_MAX + 1];
    unsigned *before = rows[0], *above = rows[1], *here = rows[2];

    for (size_t j = 0; j <= b_length; j++) {
        above[j] = (unsigned)j;
    }
    for (size_t i = 1; i <= a_length; i++) {
        unsigned *free_row = before;

        here[0] = (unsigned)i;
        for (size_t j = 1; j <= b_length; j++) {
            unsigned wrong = a[i - 1] != b[j - 1];

            here[j] = smallest(above[j] + 1, here[j - 1] + 1,
                               above[j - 1] + wrong);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
                a[i - 2] == b[j - 1] && before[j - 2] + 1 < here[j]) {
                here[j] = before[j - 2] + 1;
            }
        }
        before = above;
        above = here;
        here = free_row;
    }
    return above[b_length];
}

const char *
svirt_nearest_word(const char *text, const char *const *words, size_t count)
{
    size_t length = strnlen(text, LENGTH_MAX + 1);
    unsigned best = (unsigned)(length / 3);
    const char *nearest = NULL;

    if (length > LENGTH_MAX) {
        return NULL;
    }
    best = (best > DISTANCE_MAX ? DISTANCE_MAX : best) + 1;
    for (size_t i = 0; i < count; i++) {
        size_t other;
        unsigned found;

        if (words[i] == NULL) {
            continue;
        }
        other = strnlen(words[i], LENGTH_MAX + 1);
        if (other > LENGTH_MAX) {
            continue;
        }
        found = distance(text, length, words[i], other);
        if (found < best) {
            best = found;
            nearest = words[i];
        }
    }
    return nearest;
}
