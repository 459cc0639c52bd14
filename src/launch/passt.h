/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/*
 * passt, the helper that carries a guest's `user` network. It stands in the
 * host's network namespace, so what its guest may reach is decided by the
 * helper cgroup's address filter (cgroup.h). What svirt asks of it:
 *
 * - no port of the host is forwarded to the guest;
 * - the gateway's address is the gateway, never the host's loopback
 *   (--no-map-gw);
 * - no ICMP: no cgroup program sees where an echo request goes;
 * - name servers are named one by one, and only ones the address filter lets
 *   through. There is no exception for port 53: a host whose resolver listens
 *   on loopback (systemd-resolved) gives its guests that resolver's own
 *   servers, from /run/systemd/resolve/resolv.conf, or none.
 *
 * Pure but for svirt_passt_program.
 */
#define SVIRT_PASST_PROGRAM "/usr/bin/passt"
#define SVIRT_PASST_MAX_ARGS 48
#define SVIRT_PASST_MAX_NAMESERVERS 8
#define SVIRT_PASST_ADDRESS 46 /* INET6_ADDRSTRLEN */

typedef struct SvirtPasstOptions {
    const char *program; /* absolute path, borrowed */
    int fd;              /* number in passt: one end of the stream socket */
    bool ipv4;           /* neither: both are tried */
    bool ipv6;
    char nameservers[SVIRT_PASST_MAX_NAMESERVERS][SVIRT_PASST_ADDRESS];
    size_t n_nameservers;
} SvirtPasstOptions;

typedef struct SvirtPasstArgv {
    /* NULL at the end; borrowed from the options, and from `fd` below, so the
     * struct is not to be copied. */
    const char *arg[SVIRT_PASST_MAX_ARGS];
    size_t count;
    char fd[16];
} SvirtPasstArgv;

/* The argument list; *ret points into `options`, which must outlive it. */
void svirt_passt_argv(const SvirtPasstOptions *options, SvirtPasstArgv *ret);

/*
 * Adds the name servers of a resolv.conf (resolv.conf(5)) that a guest may
 * use: not loopback, link-local, unspecified, multicast. The text may be
 * anything. Returns how many were added.
 */
size_t svirt_passt_add_nameservers(const char *resolv_conf,
                                   SvirtPasstOptions *options);

/*
 * The build of passt for this processor: Debian's starts another program
 * where AVX2 is there, which the filter refuses, so that one is named at once.
 */
const char *svirt_passt_program(void);
