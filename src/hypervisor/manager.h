/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "base/credentials.h"
#include "domain/domain.h"
#include "host/config.h"
#include "host/connection.h"
#include "keeper/status.h"
#include "state/definitions.h"
#include "state/state.h"

/*
 * One instance of svirt as a command sees it: the connection, its
 * configuration and its state. Everything is opened when first asked for, so
 * that a listing reads nothing it does not show.
 */
typedef struct SvirtManager SvirtManager;

/* `uri` NULL: qemu:///system. Errors of svirt_connection_parse. */
bool svirt_manager_new(const char *uri, SvirtManager **ret, GError **error);
void svirt_manager_free(SvirtManager *manager);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SvirtManager, svirt_manager_free)

/* Borrowed. */
const SvirtConnection *svirt_manager_connection(const SvirtManager *manager);
/* Borrowed; NULL with error: svirt.conf is wrong. */
const SvirtConfig *svirt_manager_config(SvirtManager *manager,
                                        GError **error);
/* Borrowed; the database, for reading or (once asked for) for writing. */
SvirtState *svirt_manager_state(SvirtManager *manager, SvirtStateAccess access,
                                GError **error);
/*
 * /run/svirt, opened once; borrowed. With `create` it is made. -1 with error;
 * -1 without error when it is missing and not to be made: nothing ever ran.
 */
int svirt_manager_run_dir(SvirtManager *manager, bool create, GError **error);

/*
 * The device filter for these SVIRT_NODE_* nodes becomes the cgroup's; the
 * kernel checks and compiles it once for all VMs of this manager. False with
 * errno, as svirt_cgroup_set_devices.
 */
bool svirt_manager_filter_devices(SvirtManager *manager, uint32_t nodes,
                                  int cgroup_fd);

/*
 * A definition by name, UUID, or the numeric id of a running VM, as virsh
 * takes them. NOT_FOUND names it, the hint says how to list. Owned by caller.
 */
bool svirt_manager_find(SvirtManager *manager, const char *name,
                        SvirtDefinition **ret, GError **error);

/*
 * The run of a definition. *ret is zeroed (magic 0) when it is shut off.
 * CORRUPT: the status block is damaged.
 */
bool svirt_manager_run_status(SvirtManager *manager, const SvirtUuid *uuid,
                              SvirtRunStatus *ret, GError **error);
static inline bool
svirt_run_status_is_active(const SvirtRunStatus *status)
{
    return status->magic != 0;
}
/* For verbs of shut off VMs: STATE when it runs; `why` ends the message. */
bool svirt_manager_refuse_running(SvirtManager *manager,
                                  const SvirtDefinition *definition,
                                  const char *why, GError **error);
/*
 * Calls `each` with every name in /run/svirt that is a UUID's, whatever lies
 * behind it; `runs` is the directory.
 */
typedef void (*SvirtRunVisitor)(int runs, const char *uuid_text, void *data);
bool svirt_manager_visit_runs(SvirtManager *manager, SvirtRunVisitor each,
                              void *data, GError **error);
/* SvirtRunStatus *, by id, owned; every VM whose VMM lives. */
bool svirt_manager_list_runs(SvirtManager *manager, GPtrArray **ret,
                             GError **error);
/*
 * The same, and beside them SvirtUuid *, owned: every run whose status is
 * damaged; it may run or not.
 */
bool svirt_manager_list_all_runs(SvirtManager *manager, GPtrArray **ret,
                                 GPtrArray **ret_damaged, GError **error);
/*
 * /run/svirt/<uuid> opened, for the caller to close. STATE: not running.
 */
bool svirt_manager_open_run(SvirtManager *manager, const SvirtUuid *uuid,
                            const char *name, int *ret_fd, GError **error);

/* The definition's XML parsed; CORRUPT when it no longer does. */
bool svirt_manager_parse(const SvirtDefinition *definition,
                         SvirtDomain **ret, GError **error);
