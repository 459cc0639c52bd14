/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hypervisor/runtime-spec.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "hypervisor/model-labels.h"
#include "hypervisor/qemu.h"
#include "keeper/layout.h"
#include "keeper/programs.h"
#include "launch/passt.h"
#include "monitor/layout.h"

/* Descriptors QEMU opens for itself: eventfds, memory, block jobs. */
#define NOFILE_ROOM 4096u
/* A file limit is never below what QEMU writes into its own memfds. */
#define FSIZE_FLOOR_BYTES (1ull << 20)

uint32_t
svirt_runtime_nodes(const SvirtDomain *domain)
{
    return SVIRT_NODE_NULL | SVIRT_NODE_ZERO | SVIRT_NODE_URANDOM |
           SVIRT_NODE_RANDOM |
           (domain->type == SVIRT_DOMAIN_TYPE_KVM ? SVIRT_NODE_KVM : 0);
}

static bool
too_much(const char *what, GError **error)
{
    return svirt_raise_errno(error, errno, "give the domain fewer devices",
                             "%s does not fit into a launch", what);
}

void
svirt_runtime_keep_ids(SvirtLaunchSpec *spec)
{
    const SvirtSpecIds own = { geteuid(), getegid() };

    spec->exec |= SVIRT_EXEC_OWN_IDS;
    spec->ids[SVIRT_PROCESS_VMM] = own;
    if ((spec->exec & SVIRT_EXEC_ALIKE) == 0) {
        return;
    }
    for (unsigned i = 0; i < SVIRT_PROCESS_MAX; i++) {
        spec->ids[i] = own;
    }
}

static void
set_ids(SvirtLaunchSpec *spec, const SvirtCompartment *compartment)
{
    spec->ids[SVIRT_PROCESS_VMM] =
        (SvirtSpecIds){ compartment->vmm_uid, compartment->vmm_gid };
    spec->ids[SVIRT_PROCESS_MONITOR] =
        (SvirtSpecIds){ compartment->monitor_uid, compartment->monitor_gid };
    for (unsigned i = SVIRT_PROCESS_PASST; i < SVIRT_PROCESS_MAX; i++) {
        spec->ids[i] =
            (SvirtSpecIds){ compartment->helper_uid, compartment->helper_gid };
    }
}

/* Limits are only ever lowered: the hard limits of today are the roof. */
static void
set_limits(SvirtLaunchSpec *spec, const SvirtRuntime *runtime,
           const SvirtRuntimeSpecRequest *request)
{
    uint64_t wanted = runtime->fds->entries->len + NOFILE_ROOM;
    struct rlimit files = { .rlim_max = wanted };
    struct rlimit memory = { .rlim_max = 0 };

    (void)getrlimit(RLIMIT_NOFILE, &files);
    (void)getrlimit(RLIMIT_MEMLOCK, &memory);
    spec->rlimit_nofile = MIN(wanted, (uint64_t)files.rlim_max);
    spec->rlimit_memlock_bytes = memory.rlim_max;
    spec->rlimit_fsize_bytes = MAX(request->largest_bytes, FSIZE_FLOOR_BYTES);
    spec->log_limit_bytes = request->config->log_limit_bytes;
    spec->log_rate_bytes_per_s = request->config->log_rate_bytes_per_s;
    spec->ready_timeout_ms = request->config->ready_timeout_ms;
}

static bool
add_files(SvirtLaunchSpec **spec, const char *emulator, GError **error)
{
    if (!svirt_spec_add_file(spec, "/usr", SVIRT_FILE_TREE) ||
        !svirt_spec_add_file(spec, "/etc/ld.so.cache", 0) ||
        !svirt_spec_add_file(spec, emulator, SVIRT_FILE_EXECUTE)) {
        return too_much("the emulator's root", error);
    }
    return true;
}

static uint32_t
links_down(const SvirtDomain *domain)
{
    uint32_t links = 0;

    for (size_t i = 0; i < domain->interface_count; i++) {
        links |= domain->interfaces[i].link_down ? 1u << i : 0;
    }
    return links;
}

static bool
add_monitor(SvirtLaunchSpec **spec, const SvirtRuntime *runtime,
            const SvirtDomain *domain, GError **error)
{
    const SvirtEndpoints *endpoints = runtime->endpoints;
    SvirtMonitorArgs args = {
        .name = (*spec)->name,
        .control_uid = geteuid(),
        .log_limit_bytes = (*spec)->log_limit_bytes,
        .log_rate_bytes_per_s = (*spec)->log_rate_bytes_per_s,
        .ready_timeout_ms = (*spec)->ready_timeout_ms,
        .links_down = links_down(domain),
        .balloon_bytes = svirt_qemu_balloon_bytes(domain),
        .n_serials = endpoints->n_serials,
    };
    g_autofree char *name = g_strdup((*spec)->name);
    char program[PATH_MAX];

    /* The spec may move while it grows. */
    args.name = name;
    memcpy(args.serial, endpoints->serial, sizeof(args.serial));
    memcpy(args.graphics, endpoints->graphics, sizeof(args.graphics));
    if (!svirt_program_path("monitor", SVIRT_PROGRAM_MONITOR, program,
                            sizeof(program))) {
        return svirt_raise_errno(error, errno, "install svirt completely",
                                 "cannot find program '%s'",
                                 SVIRT_PROGRAM_MONITOR);
    }
    return svirt_monitor_layout_add(spec, program, &args) ||
           too_much("the monitor's command line", error);
}

/* A resolver on loopback is out of a guest's reach: its own servers then. */
static void
add_nameservers(SvirtPasstOptions *options)
{
    static const char *const files[] = {
        "/etc/resolv.conf",
        "/run/systemd/resolve/resolv.conf",
    };
    char text[16384];

    for (unsigned i = 0; i < G_N_ELEMENTS(files); i++) {
        if (svirt_read_small(AT_FDCWD, files[i], text, sizeof(text)) >= 0 &&
            svirt_passt_add_nameservers(text, options) > 0) {
            return;
        }
    }
}

bool
svirt_runtime_add_passts(SvirtLaunchSpec **spec, size_t count, GError **error)
{
    SvirtPasstOptions options = {
        .program = SVIRT_PASST_PROGRAM,
        .fd = SVIRT_PASST_FD,
    };
    SvirtPasstArgv argv;

    if (count == 0) {
        return true;
    }
    if (access(SVIRT_PASST_PROGRAM, X_OK) < 0) {
        return svirt_raise_errno(error, errno, "apt install passt",
                                 "the domain's network needs program '%s'",
                                 SVIRT_PASST_PROGRAM);
    }
    add_nameservers(&options);
    svirt_passt_argv(&options, &argv);
    for (size_t i = 0; i < count * argv.count; i++) {
        SvirtProcess which =
            (SvirtProcess)(SVIRT_PROCESS_PASST + i / argv.count);

        if (!svirt_spec_add_arg(spec, which, argv.arg[i % argv.count])) {
            return too_much("passt's command line", error);
        }
    }
    return true;
}

bool
svirt_runtime_fill_spec(SvirtRuntime *runtime,
                        const SvirtRuntimeSpecRequest *request,
                        GError **error)
{
    const SvirtPrepared *prepared = request->prepared;
    const SvirtDefinition *definition = prepared->definition;
    SvirtLaunchSpec *spec =
        svirt_spec_new(&definition->uuid, definition->name);

    g_assert(spec != NULL);
    runtime->spec = spec;
    set_ids(spec, prepared->compartment);
    set_limits(spec, runtime, request);
    spec->device_nodes = request->nodes;
    spec->landlock_abi_limit = -1;
    spec->paused = request->paused;
    spec->n_serials = runtime->endpoints->n_serials;
    spec->waived_layers = runtime->lacking_layers;
    spec->exec = runtime->alike ? SVIRT_EXEC_ALIKE : 0;
    if (prepared->domain->extra_arg_count > 0) {
        spec->exec |= SVIRT_EXEC_TAINTED;
    }
    if ((spec->waived_layers & SVIRT_LAYER_UID) != 0) {
        svirt_runtime_keep_ids(spec);
    }
    if (!add_files(&runtime->spec, runtime->argv[0], error)) {
        return false;
    }
    for (char **arg = runtime->argv; *arg != NULL; arg++) {
        if (!svirt_spec_add_arg(&runtime->spec, SVIRT_PROCESS_VMM, *arg)) {
            return too_much("the emulator's command line", error);
        }
    }
    return add_monitor(&runtime->spec, runtime, prepared->domain, error) &&
           svirt_model_labels_add(prepared->compartment, &runtime->spec,
                                  error) &&
           svirt_runtime_add_passts(&runtime->spec,
                                    svirt_nets_passts(prepared->nets), error);
}

static bool
give(SvirtRuntime *runtime, int fd, SvirtFdRole role, uint32_t index,
     GError **error)
{
    SvirtSpecFd entry = {
        .to = SVIRT_TO_KEEPER,
        .vmm = -1,
        .monitor = -1,
        .passt = -1,
        .role = role,
        .index = index,
    };
    SVIRT_AUTO_FD copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);

    if (copy < 0) {
        return svirt_raise_errno(error, errno, "raise it: ulimit -n",
                                 "no descriptor is left for the keeper");
    }
    return svirt_launch_fds_take(runtime->fds, &copy, &entry, error);
}

bool
svirt_runtime_give_run_dir(SvirtRuntime *runtime, int dir, int lock,
                           int status, GError **error)
{

    if (!give(runtime, dir, SVIRT_FD_RUN_DIR, 0, error) ||
        !give(runtime, lock, SVIRT_FD_RUN_LOCK, 0, error) ||
        !give(runtime, status, SVIRT_FD_STATUS, 0, error)) {
        return false;
    }
    for (uint32_t i = 0;
         runtime->cgroup.vm_fd >= 0 && i < SVIRT_LEAF_MAX; i++) {
        int leaf = i == SVIRT_LEAF_VMM ? runtime->cgroup.vmm_fd
                                       : runtime->cgroup.helper_fd;

        if (!give(runtime, leaf, SVIRT_FD_CGROUP, i, error)) {
            return false;
        }
    }
    return svirt_launch_fds_fill(runtime->fds, &runtime->spec) ||
           too_much("the list of descriptors", error);
}

void
svirt_runtime_fill_status(const SvirtRuntime *runtime, SvirtRunStatus *status)
{
    const SvirtLaunchSpec *spec = runtime->spec;

    for (unsigned i = 0; i < SVIRT_PROCESS_MAX; i++) {
        status->process[i].uid = spec->ids[i].uid;
    }
    for (unsigned i = 0;
         runtime->cgroup.vm_fd >= 0 && i < SVIRT_LEAF_MAX; i++) {
        (void)g_snprintf(status->cgroup[i], SVIRT_STATUS_MAX_CGROUP, "%s/%s",
                         runtime->cgroup.path,
                         i == SVIRT_LEAF_VMM ? "vmm" : "helper");
    }
    status->waived_layers = spec->waived_layers;
    status->lacking_layers = runtime->lacking_layers;
    if (spec->paused) {
        status->flags |= SVIRT_RUN_START_PAUSED;
    }
}
