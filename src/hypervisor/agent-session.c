/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hypervisor/agent-session.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"
#include "image/json-load.h"

#define ANSWER_BYTES (4u * 1024 * 1024)
/* What is thrown away before the mark: scrollback, and a guest's nonsense. */
#define GARBAGE_BYTES (1024u * 1024)
#define MARK '\xff'

static bool
no_answer(const SvirtAgentSession *agent, GError **error)
{
    return svirt_raise(error, SVIRT_ERROR_TIMEOUT, NULL,
                       "see in the guest: systemctl status qemu-guest-agent",
                       "the agent of domain '%s' did not answer in time",
                       agent->name);
}

static bool
nonsense(const SvirtAgentSession *agent, const char *what, GError **error)
{
    return svirt_raise(error, SVIRT_ERROR_CORRUPT, NULL,
                       "restart the agent in the guest",
                       "the agent of domain '%s' answers %s",
                       agent->name, what);
}

static bool
gone(const SvirtAgentSession *agent, GError **error)
{
    return svirt_raise(error, SVIRT_ERROR_STATE, NULL, "svirt list",
                       "domain '%s' ended meanwhile",
                       agent->name);
}

/* Until there is something to read or room to write. */
static bool
await(const SvirtAgentSession *agent, short events, GError **error)
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
get_byte(SvirtAgentSession *agent, char *ret, GError **error)
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
get_line(SvirtAgentSession *agent, GString *line, GError **error)
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
put(SvirtAgentSession *agent, const char *text, size_t length, GError **error)
{
    while (length > 0) {
        ssize_t done;

        if (!await(agent, POLLOUT, error)) {
            return false;
        }
        done = send(agent->fd, text, length, MSG_NOSIGNAL);
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
bool
svirt_agent_session_sync(SvirtAgentSession *agent, uint32_t id,
                         GError **error)
{
    g_autoptr(GString) line = g_string_new(NULL);
    g_autofree char *text = NULL;
    size_t garbage = 0;

    text = g_strdup_printf("%c{\"execute\":\"guest-sync-delimited\","
                           "\"arguments\":{\"id\":%u}}\n", MARK, id);
    agent->deadline_us =
        g_get_monotonic_time() + (int64_t)agent->sync_ms * 1000;
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
        answer = svirt_json_load(line->str, line->len, 0);
        said = json_object_get(answer, "return");
        ours = json_is_integer(said) && json_integer_value(said) == id;
        json_decref(answer);
        if (ours) {
            return true;
        }
    }
    return nonsense(agent, "nonsense", error);
}

bool
svirt_agent_session_send(SvirtAgentSession *agent, const json_t *command,
                         int timeout_ms, GError **error)
{
    char *text = json_dumps(command, JSON_COMPACT);
    bool ok;

    agent->deadline_us = g_get_monotonic_time() + (int64_t)timeout_ms * 1000;
    ok = put(agent, text, strlen(text), error) && put(agent, "\n", 1, error);
    free(text);
    return ok;
}

json_t *
svirt_agent_session_answer(SvirtAgentSession *agent, GError **error)
{
    g_autoptr(GString) line = g_string_new(NULL);
    json_t *answer, *said;
    const char *words;

    if (!get_line(agent, line, error)) {
        return NULL;
    }
    answer = svirt_json_load(line->str, line->len, JSON_REJECT_DUPLICATES);
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
                    agent->name);
    } else {
        nonsense(agent, "nonsense", error);
    }
    json_decref(answer);
    return NULL;
}
