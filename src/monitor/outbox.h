/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Bytes that wait for a slow reader. Bounded; no memory while empty. */
typedef struct SvirtOutbox {
    char *bytes; /* owned */
    size_t room;
    size_t start;
    size_t used;
    size_t limit;
} SvirtOutbox;

void svirt_outbox_init(SvirtOutbox *box, size_t limit);
void svirt_outbox_clear(SvirtOutbox *box);
size_t svirt_outbox_length(const SvirtOutbox *box);
/* All or nothing: false when the limit or memory forbids it. */
bool svirt_outbox_add(SvirtOutbox *box, const char *bytes, size_t length);
/* Writes what a non-blocking `fd` takes. False: nobody will ever read it. */
bool svirt_outbox_flush(SvirtOutbox *box, int fd);
/* Straight to `fd` when nothing waits, the rest into the box or dropped. */
bool svirt_outbox_write(SvirtOutbox *box, int fd, const char *bytes,
                        size_t length);
