/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "monitor/qmp-session.h"

/* Commands on their way to the VMM: parts of qmp-session.c. */

/* A free slot, taken for `asker`; NULL: too many are unanswered. */
SvirtPending *svirt_qmp_reserve(SvirtQmpSession *session, SvirtAsker asker,
                                int64_t now_ns);
/*
 * `command` is an object with at least one member: the id becomes its first.
 * False: no room.
 */
bool svirt_qmp_add_command(SvirtQmpSession *session, uint32_t serial,
                           SvirtJsonSpan command);
/* A command of the monitor's own; without room the session breaks. */
void svirt_qmp_ask(SvirtQmpSession *session, SvirtAsker asker,
                   const char *command, int64_t now_ns);
/*
 * What a definition says that a command line cannot: links that are down, the
 * memory a balloon leaves. Each one is counted in session->unsettled.
 */
void svirt_qmp_ask_settings(SvirtQmpSession *session,
                            const SvirtQmpSessionStart *start, int64_t now_ns);
