/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "hypervisor/agent-session.h"

/*
 * What a hostile guest says in place of its agent: all of it before anybody
 * asks, in answer to a synchronisation with the number 7 and to two commands.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ROOM 65536u

static void
talk(SvirtAgentSession *agent)
{
    json_t *command = json_pack("{s:s}", "execute", "guest-info");
    bool ok = svirt_agent_session_sync(agent, 7, NULL);

    for (int i = 0; ok && i < 2; i++) {
        json_t *answer;
        GError *error = NULL;

        ok = svirt_agent_session_send(agent, command, 100, NULL);
        answer = ok ? svirt_agent_session_answer(agent, &error) : NULL;
        if (ok && (answer == NULL) != (error != NULL)) {
            abort();
        }
        g_clear_error(&error);
        json_decref(answer);
    }
    json_decref(command);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    SvirtAgentSession *agent;
    int ends[2];

    if (size > ROOM ||
        socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0) {
        return 0;
    }
    agent = g_new0(SvirtAgentSession, 1);
    agent->name = "web";
    agent->fd = ends[0];
    agent->sync_ms = 100;
    /* Its end is told: nobody waits for what will not come. */
    if (send(ends[1], data, size, MSG_DONTWAIT) == (ssize_t)size &&
        shutdown(ends[1], SHUT_WR) == 0) {
        talk(agent);
    }
    (void)close(ends[0]);
    (void)close(ends[1]);
    g_free(agent);
    return 0;
}
