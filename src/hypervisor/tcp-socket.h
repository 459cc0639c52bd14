/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/credentials.h"

/*
 * TCP on the host, for the monitor alone: it accepts and relays. Addresses are
 * numeric, of IPv4 or IPv6; tcp(7).
 */

/*
 * Listens on the first free port of `first` to `last`, which *ret_port is.
 * BUSY: none is free. REFUSED: a port below 1024 for an author who is not root
 * (NULL: root). The descriptor (CLOEXEC) is the caller's.
 */
bool svirt_tcp_listen(const char *address, unsigned first, unsigned last,
                      const SvirtCredentials *author, int *ret_fd,
                      unsigned *ret_port, GError **error);
/*
 * Connected within five seconds, else TIMEOUT or what the kernel says. The
 * socket is the author's (NULL: the caller's).
 */
bool svirt_tcp_connect(const char *address, unsigned port,
                       const SvirtCredentials *author, int *ret_fd,
                       GError **error);
