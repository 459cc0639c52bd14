/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <jansson.h>

#include "hypervisor/manager.h"

/*
 * The guest's agent (qemu-ga), behind the channel org.qemu.guest_agent.0. The
 * guest is hostile: what it says is bounded in size and time, and looked at
 * only behind the mark of a synchronisation of our own
 * (guest-sync-delimited; docs/interop/qemu-ga.rst).
 */
#define SVIRT_AGENT_CHANNEL "org.qemu.guest_agent.0"
#define SVIRT_AGENT_TIMEOUT_MS 30000

/*
 * One command, an object; the agent's "return", owned by the caller. NULL with
 * error. UNSUPPORTED: no such channel; STATE: not running, or no agent is
 * there; BUSY: another command talks with it; TIMEOUT; CORRUPT: it answers
 * nonsense; REFUSED: it says no, its words are the cause.
 */
json_t *svirt_agent_ask(SvirtManager *manager,
                        const SvirtDefinition *definition,
                        const json_t *command, int timeout_ms,
                        GError **error);
/* `execute` with `arguments` (taken over; NULL none). */
json_t *svirt_agent_call(SvirtManager *manager,
                         const SvirtDefinition *definition,
                         const char *execute, json_t *arguments,
                         GError **error);
/*
 * A command that has no answer when it succeeds (guest-shutdown,
 * guest-suspend-ram): sent, and three seconds given for a refusal.
 */
bool svirt_agent_tell(SvirtManager *manager, const SvirtDefinition *definition,
                      const char *execute, json_t *arguments, GError **error);
