/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hypervisor/manager.h"

/*
 * What a definition leaves to the start: ports, terminals, sockets of a
 * running VM. A file of lines in its run directory, written by the start:
 * NAME=VALUE, NAME an element under <devices> and its place among its like,
 * from 1: "graphics1=127.0.0.1 5900", "graphics2=/path", "serial1=/dev/pts/3",
 * "channel1=/path".
 */
#define SVIRT_RUN_LIVE "live"

bool svirt_live_write(int run_dir_fd, const char *lines, GError **error);
/* The lines; none when it is shut off. Owned by the caller. */
char **svirt_live_read(SvirtManager *manager, const SvirtUuid *uuid);
/* Borrowed from `lines`; NULL: there is none. */
const char *svirt_live_find(char *const *lines, const char *element,
                            unsigned ordinal);
/*
 * The definition as it runs: what libvirt would add to a running one's XML.
 * A shut off one as it is. Without `passwords` those are left out. Owned by
 * the caller.
 */
bool svirt_live_print(SvirtManager *manager, const SvirtDefinition *definition,
                      bool inactive, bool passwords, char **ret,
                      GError **error);
/* Whose viewers come in at `port`; NULL: no running VM's. Owned by caller. */
char *svirt_live_holder(SvirtManager *manager, const SvirtUuid *but,
                        unsigned port);
