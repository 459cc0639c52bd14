/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hypervisor/agent.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "hypervisor/life.h"
#include "keeper/message.h"

#define SYNC_MS 5000
#define TELL_MS 3000
#define ANSWER_BYTES (4u * 1024 * 1024)
/* What is thrown away before the mark: scrollback, and a guest's nonsense. */
#define GARBAGE_BYTES (1024u * 1024)
#define MARK '\xff'

typedef struct Agent {
    const SvirtDefinition *definition;
    int fd;             /* owned, -1 unset */
    char block[65536];
    size_t start;
    size_t used;
    int64_t deadline_us;
} Agent;

static bool
no_answer(const Agent *agent, GError **error)
{
    return svirt_raise(error, SVIRT_ERROR_TIMEOUT, NULL,
                       "see in the guest: systemctl status qemu-guest-agent",
                       "the agent of domain '%s' did not answer in time",
                       agent->definition->name);
}

static bool
nonsense(const Agent *agent, const char *what, GError **error)
{
    return svirt_raise(error, SVIRT_ERROR_CORRUPT, NULL,
                       "restart the agent in the guest",
                       "the agent of domain '%s' answers %s",
                       agent->definition->name, what);
}

static bool
gone(const Agent *agent, GError **error)
{
    return svirt_raise(error, SVIRT_ERROR_STATE, NULL, "svirt list",
                       "domain '%s' ended meanwhile",
                       agent->definition->name);
}

/* Until there is something to read or room to write. */
static bool
await(const Agent *agent, short events, GError **error)
{
    struct pollfd ready = { .fd = agent->fd, .events = events };
    int64_t left_us;
    int result;

    do {
        left_us = agent->deadline_us - g_get_monotonic_time();
        result = left_us > 0 ? poll(&ready, 1, (int)(left_us / 1000) + 1) : 0;
    } while (result < 0 && errno == EINTR);
    return result > 0 || no_answer(agent, error);
}

static bool
get_byte(Agent *agent, char *ret, GError **error)
{
    while (agent->start == agent->used) {
        ssize_t got;

        if (!await(agent, POLLIN, error)) {
            return false;
        }
        got = read(agent->fd, agent->block, sizeof(agent->block));
        if (got < 0 && (errno == EINTR || errno == EAGAIN)) {
            continue;
        }
        if (got <= 0) {
            return gone(agent, error);
        }
        agent->start = 0;
        agent->used = (size_t)got;
    }
    *ret = agent->block[agent->start++];
    return true;
}

/* One line without its end. */
static bool
get_line(Agent *agent, GString *line, GError **error)
{
    g_string_truncate(line, 0);
    for (;;) {
        char byte = 0;

        if (!get_byte(agent, &byte, error)) {
            return false;
        }
        if (byte == '\n') {
            return true;
        }
        if (line->len == ANSWER_BYTES) {
            return nonsense(agent, "more than 4 MiB", error);
        }
        g_string_append_c(line, byte);
    }
}

static bool
put(Agent *agent, const char *text, size_t length, GError **error)
{
    while (length > 0) {
        ssize_t done;

        if (!await(agent, POLLOUT, error)) {
            return false;
        }
        done = write(agent->fd, text, length);
        if (done < 0 && errno != EINTR && errno != EAGAIN) {
            return gone(agent, error);
        }
        text += MAX(done, 0);
        length -= (size_t)MAX(done, 0);
    }
    return true;
}

/*
 * 0xff ends half a command that somebody left in the agent's parser. Its
 * answer begins with 0xff as well: what stands before that is not ours.
 */
static bool
synchronise(Agent *agent, GError **error)
{
    g_autoptr(GString) line = g_string_new(NULL);
    g_autofree char *text = NULL;
    size_t garbage = 0;
    uint32_t id = 0;

    if (getrandom(&id, sizeof(id), 0) != sizeof(id)) {
        return svirt_raise_errno(error, errno, NULL, "no random number");
    }
    text = g_strdup_printf("%c{\"execute\":\"guest-sync-delimited\","
                           "\"arguments\":{\"id\":%u}}\n", MARK, id);
    agent->deadline_us = g_get_monotonic_time() + SYNC_MS * 1000;
    if (!put(agent, text, strlen(text), error)) {
        return false;
    }
    while (garbage < GARBAGE_BYTES) {
        json_t *answer, *said;
        bool ours;
        char byte = 0;

        if (!get_byte(agent, &byte, error)) {
            return false;
        }
        garbage++;
        if (byte != MARK) {
            continue;
        }
        if (!get_line(agent, line, error)) {
            return false;
        }
        garbage += line->len;
        answer = json_loadb(line->str, line->len, 0, NULL);
        said = json_object_get(answer, "return");
        ours = json_is_integer(said) && json_integer_value(said) == id;
        json_decref(answer);
        if (ours) {
            return true;
        }
    }
    return nonsense(agent, "nonsense", error);
}

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
    answer = json_loads(reply, 0, NULL);
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
           Agent *agent, GError **error)
{
    g_autoptr(SvirtDomain) domain = NULL;
    GError *problem = NULL;
    uint32_t serial = 0;
    SvirtRunStatus run;
    int channel;

    agent->definition = definition;
    agent->fd = -1;
    agent->start = agent->used = 0;
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
    return synchronise(agent, error);
}

static bool
send_command(Agent *agent, const json_t *command, int timeout_ms,
             GError **error)
{
    char *text = json_dumps(command, JSON_COMPACT);
    bool ok;

    agent->deadline_us = g_get_monotonic_time() + (int64_t)timeout_ms * 1000;
    ok = put(agent, text, strlen(text), error) && put(agent, "\n", 1, error);
    free(text);
    return ok;
}

static json_t *
get_answer(Agent *agent, GError **error)
{
    g_autoptr(GString) line = g_string_new(NULL);
    json_t *answer, *said;
    const char *words;

    if (!get_line(agent, line, error)) {
        return NULL;
    }
    answer = json_loadb(line->str, line->len, JSON_REJECT_DUPLICATES, NULL);
    said = json_object_get(answer, "return");
    if (said != NULL) {
        json_incref(said);
        json_decref(answer);
        return said;
    }
    words = json_string_value(
        json_object_get(json_object_get(answer, "error"), "desc"));
    if (words != NULL) {
        GError *cause = NULL;

        svirt_raise(&cause, SVIRT_ERROR_REFUSED, NULL, NULL, "%s", words);
        svirt_raise(error, SVIRT_ERROR_REFUSED, cause, NULL,
                    "the agent of domain '%s' says no",
                    agent->definition->name);
    } else {
        nonsense(agent, "nonsense", error);
    }
    json_decref(answer);
    return NULL;
}

json_t *
svirt_agent_ask(SvirtManager *manager, const SvirtDefinition *definition,
                const json_t *command, int timeout_ms, GError **error)
{
    g_autofree Agent *agent = g_new(Agent, 1);
    json_t *answer = NULL;

    if (open_agent(manager, definition, agent, error) &&
        send_command(agent, command, timeout_ms, error)) {
        answer = get_answer(agent, error);
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
    g_autofree Agent *agent = g_new(Agent, 1);
    json_t *command = make_command(execute, arguments);
    json_t *answer = NULL;
    GError *problem = NULL;
    bool ok = open_agent(manager, definition, agent, error) &&
              send_command(agent, command, TELL_MS, error);

    if (ok) {
        answer = get_answer(agent, &problem);
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
