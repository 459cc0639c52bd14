/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "monitor/link.h"

#include <errno.h>

void
svirt_link_init(SvirtLink *link, int fd, int64_t now_ns)
{
    *link = (SvirtLink){ .pending = 0 };
    svirt_watch_init(&link->watch, fd, SVIRT_WATCH_KEEPER, 0);
    svirt_rate_init(&link->rate, SVIRT_LINK_MESSAGES_PER_S,
                    SVIRT_LINK_MESSAGES_PER_S, now_ns);
}

void
svirt_link_tell(SvirtLink *link, SvirtFact fact, const SvirtMessage *message)
{
    link->fact[fact] = *message;
    link->pending |= 1u << fact;
}

void
svirt_link_tell_guest(SvirtLink *link, const SvirtGuest *guest)
{
    SvirtMessage message = {
        .type = SVIRT_MESSAGE_GUEST_STATE,
        .a = guest->state,
        .b = guest->reason,
    };

    svirt_link_tell(link, SVIRT_FACT_STATE, &message);
}

bool
svirt_link_read(SvirtLink *link, SvirtLoop *loop, SvirtMessage *ret)
{
    if (link->watch.fd < 0) {
        return false;
    }
    if (svirt_message_receive(link->watch.fd, 0, ret)) {
        return true;
    }
    if (errno != ETIMEDOUT) {
        svirt_watch_close(loop, &link->watch);
    }
    return false;
}

int64_t
svirt_link_update(SvirtLink *link, SvirtLoop *loop, int64_t now_ns)
{
    if (link->watch.fd < 0) {
        return SVIRT_NEVER;
    }
    for (unsigned i = 0; i < SVIRT_FACT_MAX && link->pending != 0; i++) {
        if ((link->pending & (1u << i)) == 0) {
            continue;
        }
        if (svirt_rate_available(&link->rate, now_ns) == 0) {
            break;
        }
        if (!svirt_message_send(link->watch.fd, &link->fact[i])) {
            /* A full socket is tried again when the rate allows. */
            svirt_rate_take(&link->rate, 1);
            if (errno != EAGAIN) {
                svirt_watch_close(loop, &link->watch);
                return SVIRT_NEVER;
            }
            break;
        }
        svirt_rate_take(&link->rate, 1);
        link->pending &= ~(1u << i);
    }
    svirt_watch_set(loop, &link->watch, EPOLLIN);
    if (link->pending == 0) {
        return SVIRT_NEVER;
    }
    return now_ns + 20000000;
}
