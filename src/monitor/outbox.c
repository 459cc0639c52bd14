/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "monitor/outbox.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FIRST_ROOM 1024u

void
svirt_outbox_init(SvirtOutbox *box, size_t limit)
{
    *box = (SvirtOutbox){ .limit = limit };
}

void
svirt_outbox_clear(SvirtOutbox *box)
{
    free(box->bytes);
    svirt_outbox_init(box, box->limit);
}

size_t
svirt_outbox_length(const SvirtOutbox *box)
{
    return box->used - box->start;
}

bool
svirt_outbox_add(SvirtOutbox *box, const char *bytes, size_t length)
{
    size_t held = box->used - box->start;
    size_t room = box->room == 0 ? FIRST_ROOM : box->room;

    if (length == 0) {
        return true;
    }
    if (held > box->limit || length > box->limit - held) {
        return false;
    }
    if (box->start > 0) {
        memmove(box->bytes, box->bytes + box->start, held);
        box->start = 0;
        box->used = held;
    }
    while (room < held + length) {
        room *= 2;
    }
    if (room != box->room) {
        char *grown = realloc(box->bytes, room);

        if (grown == NULL) {
            return false;
        }
        box->bytes = grown;
        box->room = room;
    }
    memcpy(box->bytes + held, bytes, length);
    box->used += length;
    return true;
}

/* How much `fd` took; -1: it is dead. */
static ssize_t
write_some(int fd, const char *bytes, size_t length)
{
    size_t done = 0;

    while (done < length) {
        ssize_t put = write(fd, bytes + done, length - done);

        if (put < 0 && errno == EINTR) {
            continue;
        }
        if (put < 0 && errno == EAGAIN) {
            break;
        }
        if (put <= 0) {
            return -1;
        }
        done += (size_t)put;
    }
    return (ssize_t)done;
}

bool
svirt_outbox_flush(SvirtOutbox *box, int fd)
{
    ssize_t put;

    if (box->used == box->start) {
        return true;
    }
    put = write_some(fd, box->bytes + box->start, box->used - box->start);
    if (put < 0) {
        return false;
    }
    box->start += (size_t)put;
    if (box->start == box->used) {
        svirt_outbox_clear(box);
    }
    return true;
}

bool
svirt_outbox_write(SvirtOutbox *box, int fd, const char *bytes, size_t length)
{
    ssize_t put = 0;

    if (box->used == box->start) {
        put = write_some(fd, bytes, length);
        if (put < 0) {
            return false;
        }
    }
    bytes += put;
    length -= (size_t)put;
    if (length > box->limit - (box->used - box->start)) {
        length = box->limit - (box->used - box->start);
    }
    /* Without memory the bytes are dropped, as with a full box. */
    (void)svirt_outbox_add(box, bytes, length);
    return true;
}
