/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * One conversation with a guest's agent over a descriptor. The guest is
 * hostile: what it says has an end in bytes, depth, values and time, and
 * nothing that stands before the mark of a synchronisation of our own is
 * looked at (guest-sync-delimited; docs/interop/qemu-ga.rst).
 *
 * Life cycle: fd, name and sync_ms set, the rest zero; _sync; any number of
 * _send with one _answer each; the caller closes fd.
 */
#define SVIRT_AGENT_SYNC_MS 5000

typedef struct SvirtAgentSession {
    const char *name;    /* borrowed; the domain's */
    int fd;              /* borrowed; -1 unset */
    int sync_ms;         /* for the synchronisation alone */
    size_t start;
    size_t used;
    int64_t deadline_us;
    char block[65536];
} SvirtAgentSession;

/*
 * From success on the agent's next line is the answer to the next command.
 * `id` is one nobody can guess. TIMEOUT; CORRUPT: a MiB of nonsense; STATE:
 * the domain ended.
 */
bool svirt_agent_session_sync(SvirtAgentSession *agent, uint32_t id,
                              GError **error);
/* The answer is due within that time. TIMEOUT, STATE. */
bool svirt_agent_session_send(SvirtAgentSession *agent, const json_t *command,
                              int timeout_ms, GError **error);
/*
 * Its "return", owned by the caller. NULL: TIMEOUT; STATE; CORRUPT: nonsense,
 * or more than 4 MiB or the bounds of svirt_json_load; REFUSED: its words are
 * the cause.
 */
json_t *svirt_agent_session_answer(SvirtAgentSession *agent, GError **error);
