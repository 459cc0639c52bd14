/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "exec/exec-launch.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "exec/guard.h"
#include "exec/read-back.h"
#include "exec/relay.h"
#include "hypervisor/model-labels.h"
#include "hypervisor/runtime-spec.h"
#include "launch/child.h"

#ifndef P_PIDFD
#define P_PIDFD 3
#endif
#define NOFILE 4096u
#define THREADS 4096u
#define END_MS 5000
/* Unused: the program is not asked for a reply. */
#define READY_MS 10000u
#define NODES                                                                \
    (SVIRT_NODE_NULL | SVIRT_NODE_ZERO | SVIRT_NODE_URANDOM |                \
     SVIRT_NODE_RANDOM)

G_DEFINE_AUTOPTR_CLEANUP_FUNC(SvirtLaunchSpec, svirt_spec_free)

typedef struct Launch {
    SvirtExecRun *run;       /* borrowed */
    SvirtRelay relay;         /* owned, as all below */
    SvirtCgroup cgroup;
    SvirtLaunchSpec *spec;
    int null_fd;
    int net[2];              /* the program's, passt's */
    SvirtLaunched program;
    SvirtLaunched passt;
    bool no_device_filter;
    bool no_cgroup;          /* an ordinary user's */
    SvirtExecGuard guard;
    bool ended;              /* the program, and it was waited for */
} Launch;

static bool
start_guard(Launch *launch, GError **error)
{
    return launch->no_cgroup ||
           svirt_exec_guard_start(&launch->guard, launch->cgroup.vm_fd,
                                  &launch->relay, error);
}

/* Already reaped: ECHILD. */
static void
reap(int pidfd)
{
    siginfo_t info;

    while (pidfd >= 0 && waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED) < 0 &&
           errno == EINTR) {
    }
}

static void
launch_clear(Launch *launch)
{
    svirt_relay_close(&launch->relay);
    if (launch->ended) {
        svirt_exec_guard_dismiss(&launch->guard);
    }
    if (launch->cgroup.vm_fd >= 0) {
        /* passt with it; of the program nothing is left. */
        if (svirt_cgroup_remove(launch->cgroup.parent_fd,
                                &launch->run->slot.uuid, END_MS)) {
            /* A zombie has its label, which is then not unloaded. */
            reap(launch->program.pidfd);
            reap(launch->passt.pidfd);
        }
        svirt_cgroup_close(&launch->cgroup);
    }
    svirt_exec_guard_end(&launch->guard);
    svirt_spec_free(launch->spec);
    svirt_fd_close(&launch->null_fd);
    svirt_fd_close(&launch->net[0]);
    svirt_fd_close(&launch->net[1]);
    svirt_fd_close(&launch->program.pidfd);
    svirt_fd_close(&launch->passt.pidfd);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Launch, launch_clear)

static bool
fail(SvirtExecRun *run, const SvirtLaunchFailure *failure, GError **error)
{
    GError *cause = NULL;

    run->no_program = failure->errnum == ENOENT &&
                      failure->step == SVIRT_STEP_EXEC;
    if (failure->errnum != 0) {
        svirt_raise_errno(&cause, failure->errnum, NULL, "%s",
                          *failure->words != '\0'
                              ? failure->words
                              : svirt_step_to_string(failure->step));
    } else {
        svirt_raise(&cause, SVIRT_ERROR_LAUNCH, NULL, NULL, "%s",
                    failure->words);
    }
    return svirt_raise(error,
                       run->no_program ? SVIRT_ERROR_NOT_FOUND
                                       : SVIRT_ERROR_LAUNCH,
                       cause,
                       failure->step == SVIRT_STEP_LANDLOCK
                           ? "a kernel with Landlock ABI 4 can open one TCP "
                             "port alone: Linux 6.7"
                           : "name a program that this host can run, and its "
                             "files with --ro and --rw",
                       "'%s' did not start: step '%s' failed", run->program,
                       svirt_step_to_string(failure->step));
}

static uint32_t
nodes(const SvirtExecRun *run)
{
    return NODES | (run->request->kvm ? SVIRT_NODE_KVM : 0);
}

static void
set_devices(Launch *launch)
{
    const SvirtExecRun *run = launch->run;
    SvirtDeviceRule rules[SVIRT_DEVICE_RULES_MAX];
    size_t count = svirt_device_rules_for_nodes(nodes(run), rules);

    for (unsigned i = 0;
         i < run->shares->len && count < G_N_ELEMENTS(rules); i++) {
        const SvirtShare *share = run->shares->pdata[i];

        if (share->object->type == SVIRT_OBJECT_BLOCK) {
            rules[count++] = (SvirtDeviceRule){
                .type = 'b', .major = major(share->object->rdev),
                .minor = minor(share->object->rdev), .read = true,
                .write = share->write,
                .mknod = share->way == SVIRT_SHARE_NODE,
            };
        }
    }
    launch->no_device_filter =
        !svirt_cgroup_set_devices(launch->cgroup.vmm_fd, rules, count);
}

static bool
make_cgroup(Launch *launch, GError **error)
{
    SvirtExecRun *run = launch->run;
    const SvirtConnection *connection =
        svirt_manager_connection(run->manager);
    g_autofree char *parent = svirt_runtime_cgroup_parent(connection);
    SvirtCgroupLimits limits;
    SvirtLaunchFailure failure = { 0 };

    svirt_cgroup_limits_for_guest(0, 0, &limits);
    limits.memory_max_bytes = run->request->memory_bytes;
    limits.pids_max = THREADS;
    if (!svirt_cgroup_create(parent, &run->slot.uuid, &limits,
                             &launch->cgroup, &failure)) {
        if (svirt_manager_connection(run->manager)->unprivileged) {
            launch->no_cgroup = true;
            return !run->request->passt ||
                   svirt_raise(error, SVIRT_ERROR_UNSUPPORTED, NULL,
                               "run it as root, or without --net passt",
                               "an ordinary user has no cgroup to keep a "
                               "network from this host's own addresses");
        }
        return fail(run, &failure, error);
    }
    set_devices(launch);
    return !run->request->passt ||
           svirt_runtime_close_addresses(launch->cgroup.helper_fd,
                                         run->definition->name, error);
}

/* The files by name, for models whose rules are paths. */
static bool
load_labels(Launch *launch, GError **error)
{
    SvirtExecRun *run = launch->run;
    g_autoptr(GArray) paths =
        g_array_new(FALSE, TRUE, sizeof(SvirtModelPath));
    SvirtModelPath path = { "/usr", SVIRT_MODEL_PATH_READ |
                                    SVIRT_MODEL_PATH_TREE };
    char terminal[32];

    g_array_append_val(paths, path);
    path = (SvirtModelPath){ run->program, SVIRT_MODEL_PATH_READ |
                                           SVIRT_MODEL_PATH_EXECUTE };
    g_array_append_val(paths, path);
    svirt_relay_terminal(&launch->relay, terminal);
    if (*terminal != '\0') {
        path = (SvirtModelPath){ terminal, SVIRT_MODEL_PATH_READ |
                                           SVIRT_MODEL_PATH_WRITE };
        g_array_append_val(paths, path);
    }
    for (unsigned i = 0; i < run->shares->len; i++) {
        const SvirtShare *share = run->shares->pdata[i];

        if (share->number < 0 && !share->execute) {
            path = (SvirtModelPath){
                share->path, SVIRT_MODEL_PATH_READ |
                             (share->write ? SVIRT_MODEL_PATH_WRITE : 0),
            };
            g_array_append_val(paths, path);
        }
    }
    /* One of several models may have been loaded when another refuses. */
    run->loaded = true;
    return svirt_model_labels_load_paths(
        run->compartment, (const SvirtModelPath *)(void *)paths->data,
        paths->len, error);
}

static bool
add_fd(Launch *launch, SvirtProcess process, int source, int number,
       SvirtFdRole role)
{
    const SvirtSpecFd fd = {
        .source = source,
        .to = 1u << process,
        .vmm = process == SVIRT_PROCESS_VMM ? number : -1,
        .monitor = -1,
        .passt = process == SVIRT_PROCESS_PASST ? number : -1,
        .role = role,
    };

    return svirt_spec_add_fd(&launch->spec, &fd);
}

static bool
add_files(Launch *launch)
{
    const SvirtExecRun *run = launch->run;
    bool ok = svirt_spec_add_file(&launch->spec, "/usr", SVIRT_FILE_TREE) &&
              svirt_spec_add_file(&launch->spec, "/etc/ld.so.cache", 0);

    for (unsigned i = 0; ok && i < run->shares->len; i++) {
        const SvirtShare *share = run->shares->pdata[i];

        ok = share->number < 0
                 ? svirt_share_add(share, &launch->spec)
                 : add_fd(launch, SVIRT_PROCESS_VMM, share->fd,
                          share->number, SVIRT_FD_IMAGE);
    }
    return ok;
}

static bool
add_arguments(Launch *launch)
{
    const SvirtExecRun *run = launch->run;
    g_autofree char *cwd = g_get_current_dir();
    bool ok = svirt_spec_add_arg(&launch->spec, SVIRT_PROCESS_VMM,
                                 run->program);

    for (const char *const *arg = run->request->argv + 1;
         ok && *arg != NULL; arg++) {
        ok = svirt_spec_add_arg(&launch->spec, SVIRT_PROCESS_VMM, *arg);
    }
    /* Names relative to it are then the same inside. */
    if (strcmp(cwd, "/") != 0 && !g_str_has_prefix(cwd, "/proc") &&
        !g_str_has_prefix(cwd, "/dev") && !g_str_has_prefix(cwd, "/sys")) {
        ok = ok && svirt_spec_set_cwd(&launch->spec, cwd);
    }
    return ok;
}

static void
set_limits(Launch *launch)
{
    const SvirtExecRun *run = launch->run;
    SvirtLaunchSpec *spec = launch->spec;
    struct rlimit memory = { .rlim_max = 0 };

    (void)getrlimit(RLIMIT_MEMLOCK, &memory);
    spec->rlimit_memlock_bytes = memory.rlim_max;
    spec->rlimit_nofile = NOFILE;
    spec->rlimit_fsize_bytes = run->request->file_limit_bytes;
    spec->ready_timeout_ms = READY_MS;
    spec->device_nodes = nodes(run);
    spec->waived_layers =
        run->lacking_layers |
        (launch->no_cgroup ? SVIRT_LAYER_CGROUP | SVIRT_LAYER_DEVICE_FILTER
         : launch->no_device_filter ? SVIRT_LAYER_DEVICE_FILTER : 0);
    spec->exec = SVIRT_EXEC_STDIO | SVIRT_EXEC_TIED |
                 (run->request->locks ? SVIRT_EXEC_LOCKS : 0) |
                 (run->request->ports->len > 0 ? SVIRT_EXEC_CONNECT : 0);
    spec->n_ports = run->request->ports->len;
    for (unsigned i = 0; i < spec->n_ports; i++) {
        spec->tcp_port[i] = g_array_index(run->request->ports, uint16_t, i);
    }
    spec->ids[SVIRT_PROCESS_VMM] = (SvirtSpecIds){
        run->compartment->vmm_uid, run->compartment->vmm_gid };
    spec->ids[SVIRT_PROCESS_PASST] = (SvirtSpecIds){
        run->compartment->helper_uid, run->compartment->helper_gid };
    spec->exec |= run->alike ? SVIRT_EXEC_ALIKE : 0;
    if ((spec->waived_layers & SVIRT_LAYER_UID) != 0) {
        svirt_runtime_keep_ids(spec);
    }
}

static bool
add_passt(Launch *launch, GError **error)
{
    if (!launch->run->request->passt) {
        return true;
    }
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, launch->net) < 0) {
        return svirt_raise_errno(error, errno, NULL,
                                 "cannot make the program's network");
    }
    if (!svirt_runtime_add_passts(&launch->spec, 1, error)) {
        return false;
    }
    for (int i = 0; i < 3; i++) {
        if (!add_fd(launch, SVIRT_PROCESS_PASST, launch->null_fd, i,
                    SVIRT_FD_NULL)) {
            return svirt_raise_errno(error, errno, NULL,
                                     "cannot describe the network");
        }
    }
    if (!add_fd(launch, SVIRT_PROCESS_PASST, launch->net[1], SVIRT_PASST_FD,
                SVIRT_FD_NET) ||
        !add_fd(launch, SVIRT_PROCESS_VMM, launch->net[0], SVIRT_EXEC_NET_FD,
                SVIRT_FD_NET)) {
        return svirt_raise_errno(error, errno, NULL,
                                 "cannot describe the network");
    }
    return true;
}

static bool
fill_spec(Launch *launch, GError **error)
{
    const SvirtExecRun *run = launch->run;
    bool ok;

    launch->spec = svirt_spec_new(&run->slot.uuid, run->definition->name);
    ok = launch->spec != NULL;
    if (ok) {
        set_limits(launch);
    }
    ok = ok && add_arguments(launch) && add_files(launch);
    for (int i = 0; ok && i < 3; i++) {
        ok = add_fd(launch, SVIRT_PROCESS_VMM, launch->relay.fd[i], i,
                    SVIRT_FD_LOG);
    }
    if (!ok) {
        return svirt_raise_errno(error, errno, "give it fewer files",
                                 "'%s' does not fit into a launch",
                                 run->program);
    }
    return svirt_model_labels_add(run->compartment, &launch->spec, error) &&
           add_passt(launch, error);
}

static bool
run_processes(Launch *launch, const SvirtLaunchSpec *spec, GError **error)
{
    SvirtLaunchFailure failure = { 0 };

    if ((launch->run->request->passt &&
         !svirt_launch_process(spec, SVIRT_PROCESS_PASST,
                               launch->cgroup.helper_fd, &launch->passt,
                               &failure)) ||
        !svirt_launch_process(spec, SVIRT_PROCESS_VMM, launch->cgroup.vmm_fd,
                              &launch->program, &failure)) {
        return fail(launch->run, &failure, error);
    }
    return true;
}

/*
 * One that is just ending has given up its namespaces, and looks as if it had
 * none. A signal that comes too late to end it changes nothing of how it ended.
 */
static bool
read_back(Launch *launch, const SvirtLaunchSpec *spec, GError **error)
{
    const SvirtExecRun *run = launch->run;
    const SvirtExecProcesses processes = {
        .program = &launch->program,
        .passt = launch->passt.pid != 0 ? &launch->passt : NULL,
        .vmm_cgroup_fd = launch->cgroup.vmm_fd,
        .helper_cgroup_fd = launch->cgroup.helper_fd,
    };
    siginfo_t info = { .si_pid = 0 };
    GError *problem = NULL;

    if (svirt_exec_read_back(&processes, spec, run->program, &problem)) {
        return true;
    }
    (void)syscall(SYS_pidfd_send_signal, launch->program.pidfd, SIGKILL, NULL,
                  0);
    while (waitid(P_PIDFD, (id_t)launch->program.pidfd, &info,
                  WEXITED | WNOWAIT) < 0 && errno == EINTR) {
    }
    if (info.si_code == CLD_KILLED && info.si_status == SIGKILL) {
        g_propagate_error(error, problem);
        return false;
    }
    g_error_free(problem);
    return true;
}

static bool
start(Launch *launch, GError **error)
{
    SVIRT_AUTO_FD fd = svirt_spec_seal(launch->spec);
    const char *why = "";
    const SvirtLaunchSpec *spec = fd >= 0 ? svirt_spec_map(fd, &why) : NULL;
    bool ok;

    if (spec == NULL) {
        return svirt_raise(error, SVIRT_ERROR_INVALID, NULL,
                           "give each file once, and numbers from 3 to 4095",
                           "the launch of '%s' has a bad field: %s",
                           launch->run->program, why);
    }
    ok = run_processes(launch, spec, error) && read_back(launch, spec, error);
    svirt_spec_unmap(spec);
    /* passt ends with the program, when this end is closed. */
    svirt_fd_close(&launch->net[0]);
    svirt_fd_close(&launch->net[1]);
    return ok;
}

bool
svirt_exec_launch(SvirtExecRun *run, int *ret_status, GError **error)
{
    g_auto(Launch) launch = {
        .run = run,
        .cgroup = SVIRT_CGROUP_INIT,
        .null_fd = open("/dev/null", O_RDWR | O_CLOEXEC),
        .net = { -1, -1 },
        .program = SVIRT_LAUNCHED_INIT,
        .passt = SVIRT_LAUNCHED_INIT,
        .relay = { .signals = -1 },
        .guard = SVIRT_EXEC_GUARD_INIT,
    };

    if (!svirt_relay_open(&launch.relay, error) ||
        !load_labels(&launch, error) || !make_cgroup(&launch, error) ||
        !start_guard(&launch, error) || !fill_spec(&launch, error) ||
        !start(&launch, error)) {
        return false;
    }
    launch.ended = svirt_relay_wait(&launch.relay, launch.program.pid,
                                    launch.program.pidfd, ret_status, error);
    return launch.ended;
}
