/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "hypervisor/runtime.h"

/* The start command's side of its conversation with the keeper. */
typedef struct SvirtKeeperLink SvirtKeeperLink;

/*
 * Starts the keeper of a domain, which waits for what it is to keep: its exec
 * runs beside the judging of the definition. Without a launch it ends with
 * the link. With `transient` it has svirt undefine the domain at its end. With
 * `unit` systemd starts it (hypervisor/unit.h), and it is in its cgroup when
 * this returns.
 */
bool svirt_keeper_link_spawn(SvirtManager *manager,
                             const SvirtDefinition *definition, bool unit,
                             bool transient, SvirtKeeperLink **ret,
                             GError **error);
/* The keeper makes the VMM's namespaces in this cgroup; -1: it does not. */
bool svirt_keeper_link_give_cgroup(SvirtKeeperLink *link, int cgroup_fd,
                                   GError **error);
/* Hands over the runtime's spec and descriptors: the keeper launches. */
bool svirt_keeper_link_launch(SvirtKeeperLink *link,
                              const SvirtRuntime *runtime, GError **error);
/* It has. LAUNCH: the step that failed, or the VMM's last words. */
bool svirt_keeper_link_wait_started(SvirtKeeperLink *link, GError **error);
/* The VMM answered its first command. TIMEOUT, LAUNCH. */
bool svirt_keeper_link_wait_ready(SvirtKeeperLink *link, GError **error);
/* The read-back passed: keep the VM, and let the guest run. */
bool svirt_keeper_link_commit(SvirtKeeperLink *link, bool run, GError **error);
/* Without a commit before it, the keeper undoes the start: this waits. */
void svirt_keeper_link_free(SvirtKeeperLink *link);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SvirtKeeperLink, svirt_keeper_link_free)
