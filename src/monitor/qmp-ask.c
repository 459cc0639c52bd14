/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "monitor/qmp-ask.h"

#include <stdio.h>
#include <string.h>

#include "launch/spec.h"

SvirtPending *
svirt_qmp_reserve(SvirtQmpSession *session, SvirtAsker asker, int64_t now_ns)
{
    for (unsigned i = 0; i < SVIRT_QMP_MAX_PENDING; i++) {
        SvirtPending *pending = &session->pending[i];

        if (pending->asker == SVIRT_ASKER_NONE) {
            *pending = (SvirtPending){
                .asker = asker,
                .serial = ++session->last_serial,
                .overdue_ns = now_ns + SVIRT_QMP_SILENCE_NS,
            };
            return pending;
        }
    }
    return NULL;
}

bool
svirt_qmp_add_command(SvirtQmpSession *session, uint32_t serial,
                      SvirtJsonSpan command)
{
    char id[SVIRT_QMP_ID_SIZE], start[SVIRT_QMP_ID_SIZE + 16];
    size_t room = session->outbox.limit - svirt_outbox_length(&session->outbox);
    int length;

    svirt_qmp_id_format(session->parser.generation, serial, id);
    length = snprintf(start, sizeof(start), "{\"id\":\"%s\",", id);
    if (room < (size_t)length + command.length) {
        return false;
    }
    return svirt_outbox_add(&session->outbox, start, (size_t)length) &&
           svirt_outbox_add(&session->outbox, command.text + 1,
                            command.length - 1) &&
           svirt_outbox_add(&session->outbox, "\n", 1);
}

void
svirt_qmp_ask(SvirtQmpSession *session, SvirtAsker asker, const char *command,
              int64_t now_ns)
{
    SvirtPending *pending = svirt_qmp_reserve(session, asker, now_ns);

    if (pending == NULL ||
        !svirt_qmp_add_command(session, pending->serial,
                               (SvirtJsonSpan){ command, strlen(command) })) {
        svirt_qmp_parser_break(&session->parser,
                               "too many commands without an answer");
    }
}

/* Ids as hypervisor/qemu-interface.c gives them; qapi/net.json, set_link. */
static void
ask_link_down(SvirtQmpSession *session, unsigned index, int64_t now_ns)
{
    char command[96];

    (void)snprintf(command, sizeof(command),
                   "{\"execute\":\"set_link\",\"arguments\":"
                   "{\"name\":\"net%u\",\"up\":false}}", index);
    svirt_qmp_ask(session, SVIRT_ASKER_SETTING, command, now_ns);
    session->unsettled++;
}

void
svirt_qmp_ask_settings(SvirtQmpSession *session,
                       const SvirtQmpSessionStart *start, int64_t now_ns)
{
    char command[96];

    for (unsigned i = 0; i < SVIRT_MAX_PASSTS; i++) {
        if ((start->links_down & (1u << i)) != 0) {
            ask_link_down(session, i, now_ns);
        }
    }
    if (start->balloon_bytes > 0) {
        (void)snprintf(command, sizeof(command),
                       "{\"execute\":\"balloon\",\"arguments\":"
                       "{\"value\":%llu}}",
                       (unsigned long long)start->balloon_bytes);
        svirt_qmp_ask(session, SVIRT_ASKER_SETTING, command, now_ns);
        session->unsettled++;
    }
}
