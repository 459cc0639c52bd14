/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hypervisor/refusals.h"

/*
 * Unix sockets that have a name on the host. Names are used below an opened
 * directory, by way of /proc/self/fd, so that only the last component has to
 * fit into sun_path; unix(7).
 */

/* Bytes of a socket's own name: sun_path less "/proc/self/fd/NNNN/". */
#define SVIRT_HOST_SOCKET_NAME_MAX 86

/*
 * A listening stream socket NAME, mode 0600, in `dir_fd`. A socket left there
 * that nobody listens on is replaced; BUSY when somebody does. INVALID: the
 * name is too long.
 */
bool svirt_host_socket_listen(int dir_fd, const char *name,
                              const SvirtCredentials *author,
                              const char *shown_path, int *ret_fd,
                              GError **error);
/*
 * The same for a path of a definition, below its author's directory, which is
 * the caller's in *ret_dir.
 */
bool svirt_host_socket_listen_path(const char *path,
                                   const SvirtCredentials *author,
                                   const SvirtRefusals *refusals, int *ret_fd,
                                   SvirtObject **ret_dir, GError **error);
/* Connected to the server listening on `path`, with the author's rights. */
bool svirt_host_socket_connect(const char *path,
                               const SvirtCredentials *author,
                               const SvirtRefusals *refusals, int *ret_fd,
                               GError **error);
