/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* The last `size` bytes of a stream. Memory is taken with the first byte. */
typedef struct SvirtRing {
    char *bytes; /* owned, NULL until something came */
    size_t size;
    size_t start;
    size_t used;
} SvirtRing;

void svirt_ring_init(SvirtRing *ring, size_t size);
void svirt_ring_clear(SvirtRing *ring);
void svirt_ring_add(SvirtRing *ring, const char *bytes, size_t length);
/* Copies the newest min(used, size) bytes, oldest first; how many. */
size_t svirt_ring_copy_tail(const SvirtRing *ring, char *ret, size_t size);
