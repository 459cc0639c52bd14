/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hypervisor/runtime.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "base/user-namespace.h"
#include "hypervisor/kvm.h"
#include "hypervisor/memory-file.h"
#include "hypervisor/model-labels.h"
#include "hypervisor/runtime-spec.h"
#include "hypervisor/tune.h"
#include "hypervisor/unit.h"
#include "state/waivers.h"

/* What each interface after the first adds to the helpers' memory. */
/* Copied into memory that is nobody's share, by root. */
#define BOOT_FILE_MAX (1ull << 30)
#define PASST_BYTES (128ull << 20)

char *
svirt_runtime_cgroup_parent(const SvirtConnection *connection)
{
    return connection->embedded
               ? g_strdup_printf("svirt-embed-%08x",
                                 g_str_hash(connection->run_dir))
               : g_strdup("svirt");
}

void
svirt_runtime_remove_cgroup_parent(const SvirtConnection *connection)
{
    g_autofree char *parent = svirt_runtime_cgroup_parent(connection);
    g_autofree char *path = NULL;
    char mount[PATH_MAX];

    if (svirt_cgroup_find_mount(-1, mount, sizeof(mount))) {
        path = g_build_filename(mount, parent, NULL);
        (void)rmdir(path);
    }
}

void
svirt_runtime_free(SvirtRuntime *runtime)
{
    if (runtime == NULL) {
        return;
    }
    if (runtime->cgroup.vm_fd >= 0 && !runtime->keep) {
        (void)svirt_cgroup_remove(runtime->cgroup.parent_fd, &runtime->uuid,
                                  1000);
    }
    if (!runtime->keep && runtime->fds != NULL) {
        svirt_launch_fds_remove_sockets(runtime->fds);
    }
    svirt_cgroup_close(&runtime->cgroup);
    svirt_spec_free(runtime->spec);
    svirt_endpoints_free(runtime->endpoints);
    svirt_launch_fds_free(runtime->fds);
    g_strfreev(runtime->argv);
    g_free(runtime->cgroup_parent);
    g_free(runtime);
}

static bool
give_boot_file(SvirtRuntime *runtime, const SvirtPrepared *prepared,
               const SvirtObject *object, int *ret_number, GError **error)
{
    SvirtSpecFd entry = {
        .to = SVIRT_TO_VMM,
        .vmm = -1,
        .monitor = -1,
        .passt = -1,
        .role = SVIRT_FD_KERNEL,
    };
    SVIRT_AUTO_FD source = -1;
    SVIRT_AUTO_FD copy = -1;
    SVIRT_AUTO_FD final = -1;
    char path[SVIRT_OBJECT_PROC_PATH_BYTES];

    *ret_number = -1;
    if (object == NULL) {
        return true;
    }
    if (!svirt_object_reopen(object, prepared->author, O_RDONLY, &source,
                             error) ||
        !svirt_memory_file_copy(source,
                                MIN(prepared->domain->memory_bytes,
                                    BOOT_FILE_MAX),
                                object->shown_path, &copy, error)) {
        return false;
    }
    /* A set takes what was opened as QEMU asks for it: for reading alone. */
    (void)g_snprintf(path, sizeof(path), "/proc/self/fd/%d", copy);
    final = open(path, O_RDONLY | O_CLOEXEC);
    if (final < 0) {
        return svirt_raise_errno(error, errno, NULL, "cannot open '%s' again",
                                 object->shown_path);
    }
    entry.vmm = svirt_launch_fds_next(runtime->fds);
    *ret_number = entry.vmm;
    return svirt_launch_fds_take(runtime->fds, &final, &entry, error);
}

/* As flash it is opened through its descriptor set, for reading alone. */
static bool
give_loader(SvirtRuntime *runtime, const SvirtPrepared *prepared,
            GArray *add_fds, SvirtDiskHandOver *to, SvirtQemuInput *input,
            GError **error)
{
    if (!give_boot_file(runtime, prepared, prepared->loader,
                        &input->loader_fd, error)) {
        return false;
    }
    if (prepared->domain->os.loader_flash) {
        SvirtQemuAddFd add = { to->next_set++, input->loader_fd };

        input->loader_set = add.fdset;
        g_array_append_val(add_fds, add);
    }
    return true;
}

static bool
open_scratch(SvirtManager *manager, const SvirtDomain *domain, int *ret,
             GError **error)
{
    for (size_t i = 0; i < domain->disk_count; i++) {
        if (domain->disks[i].transient) {
            return svirt_connection_open_dir(
                svirt_manager_connection(manager)->state_dir, true, ret,
                error);
        }
    }
    *ret = -1;
    return true;
}

/* Hands every disk over; `drives` gets one entry each, borrowing `nodes`. */
static bool
hand_over_disks(const SvirtPrepared *prepared, SvirtDiskHandOver *to,
                GArray *drives, GPtrArray *nodes, GError **error)
{
    for (unsigned i = 0; i < prepared->disks->len; i++) {
        bool own = prepared->own_nvram && i == prepared->domain->disk_count;
        GArray *mine = g_array_new(FALSE, TRUE, sizeof(SvirtQemuNode));
        SvirtQemuDrive drive;

        g_ptr_array_add(nodes, mine);
        if (!svirt_disk_images_hand_over(prepared->disks->pdata[i],
                                         own ? NULL : prepared->author, to,
                                         mine, error)) {
            return false;
        }
        drive.nodes = (const SvirtQemuNode *)(const void *)mine->data;
        drive.node_count = mine->len;
        g_array_append_val(drives, drive);
    }
    return true;
}

static bool
make_argv(SvirtManager *manager, SvirtRuntime *runtime,
          const SvirtPrepared *prepared, uint64_t *ret_largest,
          GError **error)
{
    g_autoptr(GArray) add_fds =
        g_array_new(FALSE, TRUE, sizeof(SvirtQemuAddFd));
    g_autoptr(GArray) drives =
        g_array_new(FALSE, TRUE, sizeof(SvirtQemuDrive));
    g_autoptr(GPtrArray) nodes =
        g_ptr_array_new_with_free_func((GDestroyNotify)g_array_unref);
    SVIRT_AUTO_FD scratch = -1;
    SvirtDiskHandOver to = { .fds = runtime->fds,
                             .add_fds = add_fds,
                             .next_set = 1 };
    SvirtQemuInput input = {
        .domain = prepared->domain,
        .qmp_fd = runtime->endpoints->qmp,
        .chardev_fds = runtime->endpoints->chardevs,
        .net_fds = runtime->endpoints->nets,
        .taps = runtime->endpoints->taps,
        .vsock = runtime->endpoints->vsock,
        .password_fds = runtime->endpoints->passwords,
        .kvm = prepared->domain->type == SVIRT_DOMAIN_TYPE_KVM,
        .now_s = prepared->now_s,
    };

    if (!open_scratch(manager, prepared->domain, &scratch, error)) {
        return false;
    }
    to.scratch_dir_fd = scratch;
    if (!hand_over_disks(prepared, &to, drives, nodes, error) ||
        !give_boot_file(runtime, prepared, prepared->kernel,
                        &input.kernel_fd, error) ||
        !give_boot_file(runtime, prepared, prepared->initrd,
                        &input.initrd_fd, error)) {
        return false;
    }
    if (prepared->loader != NULL &&
        !give_loader(runtime, prepared, add_fds, &to, &input, error)) {
        return false;
    }
    input.drives = (const SvirtQemuDrive *)(const void *)drives->data;
    input.add_fds = (const SvirtQemuAddFd *)(const void *)add_fds->data;
    input.add_fd_count = add_fds->len;
    *ret_largest = MAX(to.largest_bytes,
                       svirt_qemu_memory_file_bytes(prepared->domain));
    return svirt_qemu_argv(&input, &runtime->argv, error);
}

/* Scratch files and boot files in memory are the VM's own from birth. */
static bool
make_files(SvirtManager *manager, SvirtRuntime *runtime,
           const SvirtPrepared *prepared,
           const SvirtCompartment *compartment, uint64_t *ret_largest,
           GError **error)
{
    bool ok = svirt_creation_begin_files(compartment, error) &&
              make_argv(manager, runtime, prepared, ret_largest, error);

    svirt_creation_end(compartment);
    return ok;
}

static bool
is_waived(SvirtState *state, const SvirtPrepared *prepared, const char *layer,
          bool *ret, GError **error)
{
    g_autoptr(SvirtWaiver) waiver = NULL;

    if (!svirt_waivers_active(state, &prepared->definition->uuid, layer,
                              prepared->definition->name, prepared->now_s,
                              &waiver, error)) {
        return false;
    }
    *ret = waiver != NULL;
    if (waiver != NULL) {
        g_ptr_array_add(prepared->waivers, g_steal_pointer(&waiver));
    }
    return true;
}

bool
svirt_runtime_close_addresses(int helper_fd, const char *name,
                              GError **error)
{
    SvirtAddressRule addresses[SVIRT_ADDRESS_RULES_MAX];
    size_t count = 0;

    return (svirt_address_rules_for_host(addresses, SVIRT_ADDRESS_RULES_MAX,
                                         &count) &&
            svirt_cgroup_set_addresses(helper_fd, addresses, count)) ||
           svirt_raise_errno(error, errno,
                             "give the kernel CONFIG_CGROUP_BPF, or the "
                             "domain no network",
                             "cannot close the host's own addresses to the "
                             "network of '%s'", name);
}

static bool
set_filters(SvirtManager *manager, SvirtRuntime *runtime,
            const SvirtPrepared *prepared, GError **error)
{
    if (!svirt_manager_filter_devices(
            manager, svirt_runtime_nodes(prepared->domain),
            runtime->cgroup.vmm_fd) ||
        !svirt_manager_filter_devices(manager, SVIRT_HELPER_NODES,
                                      runtime->cgroup.helper_fd)) {
        /* Named by dominfo: the private /dev still holds these nodes only. */
        runtime->lacking_layers |= SVIRT_LAYER_DEVICE_FILTER;
    }
    return svirt_nets_passts(prepared->nets) == 0 ||
           svirt_runtime_close_addresses(runtime->cgroup.helper_fd,
                                         prepared->definition->name, error);
}

static bool
explain_no_cgroup(const char *name, bool needed,
                  const SvirtLaunchFailure *failure, GError **error)
{
    GError *cause = NULL;
    g_autofree char *hint = NULL;

    if (failure->errnum == EOPNOTSUPP) {
        return svirt_raise(error, SVIRT_ERROR_UNSUPPORTED, NULL,
                           "remove the limit, or boot with cgroup v2 alone "
                           "(systemd.unified_cgroup_hierarchy=1)",
                           "cannot limit '%s': %s", name, failure->words);
    }
    hint = g_strdup_printf(
        needed ? "%s; for a network or limits nothing waives it"
               : "%s, or: svirt waiver add '%s' --layer cgroup --resource "
                 "'%s' --reason TEXT",
        failure->errnum == ENOENT ? "mount cgroup2 on /sys/fs/cgroup"
                                  : "make the cgroup writable for svirt",
        name, name);
    svirt_raise_errno(&cause, failure->errnum, NULL, "%s", failure->words);
    return svirt_raise(error, SVIRT_ERROR_LAUNCH, cause, hint,
                       "cannot make the cgroup of '%s'", name);
}

static bool
warn_of_network(const SvirtPrepared *prepared)
{
    GError *warning = NULL;

    svirt_raise(&warning, SVIRT_ERROR_UNSUPPORTED, NULL,
                "start it as root, in qemu:///system",
                "the network of '%s' reaches this host's own addresses: an "
                "ordinary user has no cgroup for a filter",
                prepared->definition->name);
    g_ptr_array_add(prepared->warnings, warning);
    return true;
}

uint32_t
svirt_runtime_user_lacks(const SvirtConfig *config, bool kvm,
                         bool *ret_alike)
{
    SvirtUserNamespace ids;
    struct stat node;

    svirt_user_namespace_read(config->uid_first, &ids);
    *ret_alike = ids.initial || !ids.mapped;
    if (*ret_alike) {
        return SVIRT_LAYER_UID |
               (ids.initial ? SVIRT_LAYER_ROOT | SVIRT_LAYER_NAMESPACES : 0);
    }
    return kvm && stat(SVIRT_KVM_NODE, &node) == 0 &&
                   (node.st_mode & 06) != 06
               ? SVIRT_LAYER_UID : 0;
}

static bool
make_cgroup(SvirtManager *manager, SvirtRuntime *runtime,
            const SvirtPrepared *prepared, GError **error)
{
    const SvirtDomain *domain = prepared->domain;
    unsigned passts = svirt_nets_passts(prepared->nets);
    SvirtState *state = svirt_manager_state(manager, SVIRT_STATE_READ, error);
    SvirtLaunchFailure failure = { 0 };
    SvirtCgroupLimits limits;
    g_autoptr(GArray) wishes = NULL;
    bool waived;

    if (state == NULL ||
        !is_waived(state, prepared, "cgroup", &waived, error) ||
        !svirt_tune_wishes(&domain->tune, &wishes, error)) {
        return false;
    }
    if (waived && wishes->len > 0) {
        return svirt_raise(error, SVIRT_ERROR_REFUSED, NULL,
                           "give it back its cgroup, or remove the limits",
                           "domain '%s' asks for limits (%s) and has no cgroup "
                           "to hold them",
                           prepared->definition->name,
                           g_array_index(wishes, SvirtCgroupWish, 0).file);
    }
    if (waived && passts > 0) {
        /* Without it a guest reaches the host's own ports through passt. */
        return svirt_raise(error, SVIRT_ERROR_REFUSED, NULL,
                           "svirt waiver list shows its number, svirt waiver "
                           "remove --id NUMBER ends it; or remove the "
                           "<interface>",
                           "domain '%s' has a network, and the cgroup that "
                           "would hold its address filter is waived",
                           prepared->definition->name);
    }
    if (waived) {
        runtime->lacking_layers |=
            SVIRT_LAYER_CGROUP | SVIRT_LAYER_DEVICE_FILTER;
        return true;
    }
    svirt_cgroup_limits_for_guest(domain->memory_bytes, domain->vcpus_max,
                                  &limits);
    limits.wishes = (const SvirtCgroupWish *)(void *)wishes->data;
    limits.wish_count = wishes->len;
    limits.helper_memory_max_bytes +=
        PASST_BYTES * MAX(passts, 1) - PASST_BYTES;
    if (svirt_cgroup_create(runtime->cgroup_parent, &runtime->uuid, &limits,
                            &runtime->cgroup, &failure)) {
        return set_filters(manager, runtime, prepared, error);
    }
    /* A user has none, and dominfo says so; a limit asked for is another
     * matter. */
    if (svirt_manager_connection(manager)->unprivileged &&
        wishes->len == 0) {
        runtime->lacking_layers |=
            SVIRT_LAYER_CGROUP | SVIRT_LAYER_DEVICE_FILTER;
        return passts == 0 || warn_of_network(prepared);
    }
    return explain_no_cgroup(prepared->definition->name,
                             passts > 0 || wishes->len > 0, &failure, error);
}

static bool
check_kvm(SvirtManager *manager, const SvirtDomain *domain, GError **error)
{
    return domain->type != SVIRT_DOMAIN_TYPE_KVM ||
           svirt_kvm_check(svirt_manager_run_dir(manager, false, NULL),
                           error);
}

bool
svirt_runtime_new(SvirtManager *manager, const SvirtPrepared *prepared,
                  bool unit, SvirtRuntime **ret, GError **error)
{
    g_autoptr(SvirtRuntime) runtime = g_new0(SvirtRuntime, 1);
    const SvirtConnection *connection = svirt_manager_connection(manager);

    runtime->cgroup = (SvirtCgroup)SVIRT_CGROUP_INIT;
    runtime->uuid = prepared->definition->uuid;
    runtime->cgroup_parent = unit
                                 ? svirt_unit_cgroup(&runtime->uuid)
                                 : svirt_runtime_cgroup_parent(connection);
    runtime->fds = svirt_launch_fds_new();
    if (connection->unprivileged) {
        const SvirtConfig *config = svirt_manager_config(manager, error);

        if (config == NULL) {
            return false;
        }
        runtime->lacking_layers |= svirt_runtime_user_lacks(
            config, prepared->domain->type == SVIRT_DOMAIN_TYPE_KVM,
            &runtime->alike);
    }
    if (!check_kvm(manager, prepared->domain, error) ||
        !make_cgroup(manager, runtime, prepared, error)) {
        return false;
    }
    *ret = g_steal_pointer(&runtime);
    return true;
}

bool
svirt_runtime_fill(SvirtRuntime *runtime, SvirtManager *manager,
                   const SvirtPrepared *prepared, int run_dir_fd,
                   const SvirtStartOptions *options, GError **error)
{
    const SvirtConnection *connection = svirt_manager_connection(manager);
    SvirtState *state = svirt_manager_state(manager, SVIRT_STATE_READ, error);
    SvirtRefusals refusals = svirt_prepared_refusals(prepared, state);
    SvirtEndpointsRequest endpoints = {
        .domain = prepared->domain,
        .nets = prepared->nets,
        .author = prepared->author,
        .refusals = &refusals,
        .log_dir = connection->log_dir,
        .run_dir_fd = run_dir_fd,
        .dry_run = options->dry_run,
        .compartment = options->dry_run ? NULL : prepared->compartment,
    };
    SvirtRuntimeSpecRequest spec = { .prepared = prepared,
                                     .paused = options->paused };

    g_autofree char *run_dir = NULL;
    char uuid[SVIRT_UUID_TEXT];

    spec.config = svirt_manager_config(manager, error);
    spec.nodes = svirt_runtime_nodes(prepared->domain);
    if (state == NULL || spec.config == NULL) {
        return false;
    }
    svirt_uuid_format(&runtime->uuid, uuid);
    run_dir = g_build_filename(connection->run_dir, uuid, NULL);
    endpoints.run_dir = run_dir;
    endpoints.graphics_port_first = spec.config->graphics_port_first;
    endpoints.graphics_port_last = spec.config->graphics_port_last;
    return svirt_endpoints_make(&endpoints, runtime->fds,
                                &runtime->endpoints, error) &&
           make_files(manager, runtime, prepared, endpoints.compartment,
                      &spec.largest_bytes, error) &&
           svirt_runtime_fill_spec(runtime, &spec, error);
}
