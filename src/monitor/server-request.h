/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "monitor/server.h"

/* The requests of control.h, and what server.c lends them. */

/* The header of a request: known type, length in bounds, descriptors where
 * they belong. False: the client is closed without a word. */
bool svirt_request_check(const SvirtClient *client);
/* A whole request; leaves the client in the state that follows. */
void svirt_request_serve(SvirtServer *server, SvirtClient *client,
                         int64_t now_ns);
/* Once a turn: what could not be done at once. */
void svirt_request_retry(SvirtServer *server, SvirtClient *client,
                         int64_t now_ns);

/* In server.c. A frame to the client, which then waits for a request. */
void svirt_server_reply(SvirtServer *server, SvirtClient *client,
                        SvirtControlType type, const SvirtJsonSpan *parts,
                        unsigned n_parts);
void svirt_server_close(SvirtServer *server, SvirtClient *client);
