/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hypervisor/endpoints.h"
#include "hypervisor/launch-fds.h"
#include "hypervisor/prepare.h"
#include "hypervisor/start.h"
#include "keeper/status.h"
#include "launch/cgroup.h"
#include "launch/spec.h"

/*
 * Everything of one run that exists before its processes do: descriptors,
 * cgroups, command lines, and the launch spec that says who gets what.
 */
typedef struct SvirtRuntime {
    SvirtLaunchFds *fds;       /* owned, as all below */
    SvirtEndpoints *endpoints;
    SvirtCgroup cgroup;
    char *cgroup_parent;
    SvirtUuid uuid;
    SvirtLaunchSpec *spec;
    char **argv;               /* of the VMM */
    uint32_t lacking_layers;   /* SVIRT_LAYER_*: seen before the launch */
    bool alike;                /* for every process of the VM */
    bool keep;                 /* the keeper has cgroup and descriptors */
} SvirtRuntime;

/*
 * Where an instance's cgroups are, below the mount: those of one embedded
 * instance stay out of another's way. Owned by the caller.
 */
char *svirt_runtime_cgroup_parent(const SvirtConnection *connection);
/* Removes it when it is empty; the next start makes it again. */
void svirt_runtime_remove_cgroup_parent(const SvirtConnection *connection);

/*
 * The address filter of the passts' cgroup: nothing of this host is reached.
 * SYSTEM: the kernel has none, and `name` gets no network.
 */
bool svirt_runtime_close_addresses(int helper_fd, const char *name,
                                   GError **error);

/*
 * SVIRT_LAYER_*: what an ordinary user's svirt has no right to give: uids
 * where none were handed out to them, or where the KVM device is open to their
 * group alone; and what it takes a user namespace for. *ret_alike: to no
 * process of the VM.
 */
uint32_t svirt_runtime_user_lacks(const SvirtConfig *config, bool kvm,
                                  bool *ret_alike);

/*
 * The cgroup with its limits and filters, for which the definition need only
 * be parsed; with `unit` in that of its unit. LAUNCH when it cannot be made;
 * UNSUPPORTED when KVM is asked for and does not work; REFUSED when a waived
 * one leaves a network unfiltered.
 */
bool svirt_runtime_new(SvirtManager *manager, const SvirtPrepared *prepared,
                       bool unit, SvirtRuntime **ret, GError **error);
/*
 * The rest, of an opened definition. With options->dry_run nothing outlives
 * the runtime, and no file or socket of the host is touched.
 * BUSY for a disk in use; those of the endpoints.
 */
bool svirt_runtime_fill(SvirtRuntime *runtime, SvirtManager *manager,
                        const SvirtPrepared *prepared, int run_dir_fd,
                        const SvirtStartOptions *options, GError **error);
/* Removes the cgroup unless the keeper has it. */
void svirt_runtime_free(SvirtRuntime *runtime);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SvirtRuntime, svirt_runtime_free)

/*
 * The run directory's own descriptors go to the keeper (duplicates: the
 * caller's stay). Completes the spec: nothing may be added afterwards.
 */
bool svirt_runtime_give_run_dir(SvirtRuntime *runtime, int dir, int lock,
                                int status, GError **error);

/* Layers, uids and cgroup paths of the first status block. */
void svirt_runtime_fill_status(const SvirtRuntime *runtime,
                               SvirtRunStatus *status);
