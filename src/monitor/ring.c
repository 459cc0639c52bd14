/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "monitor/ring.h"

#include <stdlib.h>
#include <string.h>

void
svirt_ring_init(SvirtRing *ring, size_t size)
{
    *ring = (SvirtRing){ .size = size };
}

void
svirt_ring_clear(SvirtRing *ring)
{
    free(ring->bytes);
    *ring = (SvirtRing){ .size = ring->size };
}

void
svirt_ring_add(SvirtRing *ring, const char *bytes, size_t length)
{
    if (ring->bytes == NULL) {
        ring->bytes = malloc(ring->size);
        if (ring->bytes == NULL) {
            return; /* no memory: history is a comfort, not a promise */
        }
    }
    if (length > ring->size) {
        bytes += length - ring->size;
        length = ring->size;
    }
    while (length > 0) {
        size_t at = (ring->start + ring->used) % ring->size;
        size_t part = ring->size - at;

        if (part > length) {
            part = length;
        }
        memcpy(ring->bytes + at, bytes, part);
        ring->used += part;
        if (ring->used > ring->size) {
            ring->start = (ring->start + ring->used - ring->size) %
                          ring->size;
            ring->used = ring->size;
        }
        bytes += part;
        length -= part;
    }
}

size_t
svirt_ring_copy_tail(const SvirtRing *ring, char *ret, size_t size)
{
    size_t length = ring->used < size ? ring->used : size;
    size_t at = ring->start + ring->used - length;

    for (size_t i = 0; i < length; i++) {
        ret[i] = ring->bytes[(at + i) % ring->size];
    }
    return length;
}
