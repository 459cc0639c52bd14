/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hypervisor/agent.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "base/error.h"
#include "base/fd.h"
#include "hypervisor/agent-session.h"
#include "hypervisor/life.h"
#include "image/json-load.h"
#include "keeper/message.h"

#define TELL_MS 3000

/* Its chardev, as an index of the domain; -1: there is none. */
static int
find_channel(const SvirtDomain *domain, uint32_t *ret_serial)
{
    uint32_t serial = 0;

    for (size_t i = 0; i < domain->chardev_count; i++) {
        const SvirtChardev *chardev = &domain->chardevs[i];

        if (chardev->repeats_serial || chardev->type == SVIRT_CHARDEV_NULL ||
            chardev->type == SVIRT_CHARDEV_SPICEVMC) {
            continue;
        }
        if (g_strcmp0(chardev->target_name, SVIRT_AGENT_CHANNEL) == 0) {
            *ret_serial = serial;
            return (int)i;
        }
        serial++;
    }
    return -1;
}

/* Has the guest opened its end? Asked before waiting for who is not there. */
static bool
check_open(SvirtManager *manager, const SvirtDefinition *definition,
           int channel, GError **error)
{
    g_autofree char *label = g_strdup_printf("char%d", channel);
    g_autofree char *reply = NULL;
    const json_t *each;
    json_t *answer;
    bool open = false;
    size_t i;

    if (!svirt_life_qmp(manager, definition,
                        "{\"execute\": \"query-chardev\"}", false, &reply,
                        error)) {
        return false;
    }
    answer = svirt_json_load(reply, strlen(reply), 0);
    json_array_foreach(json_object_get(answer, "return"), i, each) {
        if (g_strcmp0(json_string_value(json_object_get(each, "label")),
                      label) == 0) {
            open = json_is_true(json_object_get(each, "frontend-open"));
        }
    }
    json_decref(answer);
    return open || svirt_raise(error, SVIRT_ERROR_STATE, NULL,
                               "start qemu-guest-agent in the guest",
                               "no agent runs in the guest of domain '%s'",
                               definition->name);
}

static bool
open_agent(SvirtManager *manager, const SvirtDefinition *definition,
           SvirtAgentSession *agent, GError **error)
{
    g_autoptr(SvirtDomain) domain = NULL;
    GError *problem = NULL;
    uint32_t serial = 0, id = 0;
    SvirtRunStatus run;
    int channel;

    agent->name = definition->name;
    agent->fd = -1;
    agent->sync_ms = SVIRT_AGENT_SYNC_MS;
    if (!svirt_manager_parse(definition, &domain, error) ||
        !svirt_manager_run_status(manager, &definition->uuid, &run, error)) {
        return false;
    }
    channel = find_channel(domain, &serial);
    if (channel < 0) {
        return svirt_raise(error, SVIRT_ERROR_UNSUPPORTED, NULL,
                           "add <channel type='unix'><target type='virtio' "
                           "name='" SVIRT_AGENT_CHANNEL "'/></channel>",
                           "domain '%s' has no channel for a guest agent",
                           definition->name);
    }
    if (run.state == SVIRT_GUEST_PAUSED) {
        return svirt_raise(error, SVIRT_ERROR_STATE, NULL, "svirt resume",
                           "domain '%s' is paused", definition->name);
    }
    if (!check_open(manager, definition, channel, error)) {
        return false;
    }
    if (!svirt_life_console(manager, definition, serial, false, &agent->fd,
                            &problem)) {
        if (g_error_matches(problem, SVIRT_ERROR, SVIRT_ERROR_REFUSED)) {
            return svirt_raise(error, SVIRT_ERROR_BUSY, problem, "try again",
                               "another command talks with the agent of "
                               "domain '%s'", definition->name);
        }
        g_propagate_error(error, problem);
        return false;
    }
    if (getrandom(&id, sizeof(id), 0) != sizeof(id)) {
        return svirt_raise_errno(error, errno, NULL, "no random number");
    }
    return svirt_agent_session_sync(agent, id, error);
}

json_t *
svirt_agent_ask(SvirtManager *manager, const SvirtDefinition *definition,
                const json_t *command, int timeout_ms, GError **error)
{
    g_autofree SvirtAgentSession *agent = g_new0(SvirtAgentSession, 1);
    json_t *answer = NULL;

    if (open_agent(manager, definition, agent, error) &&
        svirt_agent_session_send(agent, command, timeout_ms, error)) {
        answer = svirt_agent_session_answer(agent, error);
    }
    svirt_fd_close(&agent->fd);
    return answer;
}

static json_t *
make_command(const char *execute, json_t *arguments)
{
    json_t *command = json_pack("{s:s}", "execute", execute);

    if (arguments != NULL) {
        json_object_set_new(command, "arguments", arguments);
    }
    return command;
}

json_t *
svirt_agent_call(SvirtManager *manager, const SvirtDefinition *definition,
                 const char *execute, json_t *arguments, GError **error)
{
    json_t *command = make_command(execute, arguments);
    json_t *answer = svirt_agent_ask(manager, definition, command,
                                     SVIRT_AGENT_TIMEOUT_MS, error);

    json_decref(command);
    return answer;
}

bool
svirt_agent_tell(SvirtManager *manager, const SvirtDefinition *definition,
                 const char *execute, json_t *arguments, GError **error)
{
    g_autofree SvirtAgentSession *agent = g_new0(SvirtAgentSession, 1);
    json_t *command = make_command(execute, arguments);
    json_t *answer = NULL;
    GError *problem = NULL;
    bool ok = open_agent(manager, definition, agent, error) &&
              svirt_agent_session_send(agent, command, TELL_MS, error);

    if (ok) {
        answer = svirt_agent_session_answer(agent, &problem);
        /* Silence, and the domain's end, is what it does when it obeys. */
        ok = answer != NULL ||
             g_error_matches(problem, SVIRT_ERROR, SVIRT_ERROR_TIMEOUT) ||
             g_error_matches(problem, SVIRT_ERROR, SVIRT_ERROR_STATE);
        if (ok) {
            g_clear_error(&problem);
        } else {
            g_propagate_error(error, problem);
        }
    }
    json_decref(answer);
    json_decref(command);
    svirt_fd_close(&agent->fd);
    return ok;
}
