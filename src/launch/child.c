/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launch/child-private.h"

#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "launch/credential.h"
#include "launch/device-node.h"
#include "launch/interpreter.h"
#include "launch/fd-map.h"
#include "launch/filter.h"
#include "launch/label.h"
#include "launch/landlock.h"
#include "launch/root.h"
#include "launch/session.h"

/* Files, /proc, program and its interpreter, device nodes. */
#define MAX_RULES (SVIRT_SPEC_MAX_FILES + 16)

typedef struct Child {
    const SvirtLaunchSpec *spec;
    SvirtProcess which;
    int cgroup_fd; /* -1: the clone entered it already */
    SvirtFdMapOwn own;
    int listener; /* of the filter, -1 none */
    char interpreter[SVIRT_INTERPRETER_MAX];
    SvirtChildReport report;
} Child;

typedef bool (*StepFunction)(Child *child, SvirtLaunchFailure *failure);

static const char *
program_path(const Child *child)
{
    const SvirtLaunchSpec *spec = child->spec;

    return svirt_spec_string(spec, spec->args[spec->argv[child->which].first]);
}

/* A waiver is for the VM: the monitor has every layer all the same. */
static bool
is_waived(const Child *child, uint32_t layer)
{
    return (child->which != SVIRT_PROCESS_MONITOR ||
            (child->spec->exec & SVIRT_EXEC_ALIKE) != 0) &&
           (child->spec->waived_layers & layer) != 0;
}

/* A layer that this kernel lacks: said, not fatal. */
static void
note_missing(Child *child, uint32_t layer, const char *words)
{
    size_t length = strlen(words);

    child->report.missing_layers |= layer;
    if (child->report.words[0] == '\0' &&
        length < sizeof(child->report.words)) {
        memcpy(child->report.words, words, length + 1);
    }
}

/* Kernels before 5.7: clone3 cannot, so the child enters its cgroup itself. */
static bool
enter_cgroup(Child *child, SvirtLaunchFailure *failure)
{
    SVIRT_AUTO_FD procs = -1;

    if (child->cgroup_fd < 0) {
        return true;
    }
    procs = openat(child->cgroup_fd, "cgroup.procs", O_WRONLY | O_CLOEXEC);
    if (procs < 0 || write(procs, "0", 1) != 1) {
        return svirt_launch_fail(failure, SVIRT_STEP_CLONE,
                                 "enter the cgroup");
    }
    return true;
}

static bool
start_session(Child *child, SvirtLaunchFailure *failure)
{
    return svirt_session_start(failure);
}

static bool
set_limits(Child *child, SvirtLaunchFailure *failure)
{
    return svirt_session_limit(child->spec, child->which, failure);
}

static bool
open_labels(Child *child, SvirtLaunchFailure *failure)
{
    return svirt_label_open(child->spec, child->which, &child->own.labels,
                            failure);
}

static bool
write_labels(Child *child, SvirtLaunchFailure *failure)
{
    return svirt_label_write(child->spec, child->which, &child->own.labels,
                             failure);
}

static bool
make_private(Child *child, SvirtLaunchFailure *failure)
{
    return svirt_root_make_private(failure);
}

/* passt is told everything by its arguments: libraries are all it reads. */
static const SvirtRootFile helper_files[] = {
    { "/usr", SVIRT_FILE_TREE },
    { "/etc/ld.so.cache", 0 },
};
#define N_HELPER_FILES (sizeof(helper_files) / sizeof(helper_files[0]))

/*
 * The monitor reads nothing: itself, and its loader and its C library where it
 * is no static program, are all that its root has. The last two are the
 * caller's own, and the list of them needs no lock.
 */
static size_t
list_loaded(const Child *child, SvirtRootFile *files)
{
    size_t n = 0;

    files[n++] = (SvirtRootFile){ program_path(child), SVIRT_FILE_EXECUTE };
#ifndef SVIRT_STATIC_PROGRAMS
    for (const struct link_map *map = _r_debug.r_map;
         map != NULL && n < SVIRT_SPEC_MAX_FILES; map = map->l_next) {
        if (map->l_name[0] == '/') {
            files[n++] = (SvirtRootFile){ map->l_name, SVIRT_FILE_EXECUTE };
        }
    }
#endif
    return n;
}

static size_t
list_files(const Child *child, SvirtRootFile *files)
{
    const SvirtLaunchSpec *spec = child->spec;

    if (child->which == SVIRT_PROCESS_MONITOR) {
        return list_loaded(child, files);
    }
    if (child->which != SVIRT_PROCESS_VMM) {
        memcpy(files, helper_files, sizeof(helper_files));
        return N_HELPER_FILES;
    }
    for (uint32_t i = 0; i < spec->n_files; i++) {
        files[i] = (SvirtRootFile){
            .path = svirt_spec_string(spec, spec->files[i].path),
            .flags = spec->files[i].flags,
            .mount = spec->files[i].mount,
            .device = makedev(spec->files[i].major, spec->files[i].minor),
        };
    }
    return spec->n_files;
}

static uint32_t
device_nodes(const Child *child)
{
    switch (svirt_process_kind(child->which)) {
    case SVIRT_PROCESS_VMM:
        return child->spec->device_nodes;
    case SVIRT_PROCESS_MONITOR:
        return 0;
    default:
        return SVIRT_NODE_NULL;
    }
}

/* NULL: the root. */
static const char *
start_directory(const Child *child)
{
    return child->which == SVIRT_PROCESS_VMM &&
                   child->spec->cwd != SVIRT_SPEC_NO_STRING
               ? svirt_spec_string(child->spec, child->spec->cwd) : NULL;
}

static bool
build_root(Child *child, SvirtLaunchFailure *failure)
{
    SvirtRootFile files[SVIRT_SPEC_MAX_FILES];
    SvirtRootPlan plan = {
        .files = files,
        .n_files = list_files(child, files),
        .device_nodes = device_nodes(child),
        .kvm_owner = child->spec->ids[child->which],
        .node_label = svirt_label_of_nodes(child->spec, child->which),
        .proc = child->which != SVIRT_PROCESS_MONITOR,
        .cwd = start_directory(child),
    };

    return svirt_root_build(&plan, failure);
}

static bool
enter_root(Child *child, SvirtLaunchFailure *failure)
{
    return svirt_root_enter(failure);
}

static bool
name_host(Child *child, SvirtLaunchFailure *failure)
{
    /* The monitor's is nobody's business: it stays inside. */
    return svirt_session_name_host(child->which == SVIRT_PROCESS_MONITOR
                                       ? "monitor" : child->spec->name,
                                   failure);
}

static bool
map_descriptors(Child *child, SvirtLaunchFailure *failure)
{
    struct stat st;

    /* NONBLOCK: a FIFO in the program's place must not hold the launch. */
    child->own.program = open(program_path(child), O_RDONLY | O_CLOEXEC |
                              O_NONBLOCK | O_NOCTTY);
    if (child->own.program < 0 || fstat(child->own.program, &st) < 0) {
        return svirt_launch_fail(failure, SVIRT_STEP_EXEC,
                                 "open '%s' in its root",
                                 program_path(child));
    }
    if (!S_ISREG(st.st_mode)) {
        errno = EACCES;
        return svirt_launch_fail(failure, SVIRT_STEP_EXEC,
                                 "'%s' is no regular file",
                                 program_path(child));
    }
    if (!svirt_interpreter_read(child->own.program,
                                    child->interpreter)) {
        return svirt_launch_fail(failure, SVIRT_STEP_EXEC,
            "'%s' is no program of this machine, or a script",
            program_path(child));
    }
    return svirt_fd_map(child->spec, child->which, &child->own, failure);
}

static bool
bound_capabilities(Child *child, SvirtLaunchFailure *failure)
{
    return svirt_credential_bound(failure);
}

static bool
take_identity(Child *child, SvirtLaunchFailure *failure)
{
    return svirt_credential_take(&child->spec->ids[child->which],
                                 is_waived(child, SVIRT_LAYER_UID),
                                 child->spec->exec, failure);
}

static bool
set_no_new_privs(Child *child, SvirtLaunchFailure *failure)
{
    const bool tied = child->which == SVIRT_PROCESS_VMM &&
                      (child->spec->exec & SVIRT_EXEC_TIED) != 0;

    /* A change of user clears it, so after that. */
    return (!tied || svirt_credential_tie(failure)) &&
           svirt_credential_no_new_privs(failure);
}

static size_t
list_rules(const Child *child, SvirtLandlockRule *rules,
           char paths[][SVIRT_LANDLOCK_NODE_PATH])
{
    SvirtRootFile files[SVIRT_SPEC_MAX_FILES];
    size_t n_files = list_files(child, files);
    size_t n = 0;
    size_t n_nodes;
    const SvirtDeviceNode *nodes = svirt_device_node_table(&n_nodes);

    for (size_t i = 0; i < n_files; i++) {
        rules[n++] = (SvirtLandlockRule){
            files[i].path, svirt_landlock_grant(files[i].flags) };
    }
    for (size_t i = 0; i < n_nodes; i++) {
        if ((device_nodes(child) & nodes[i].bit) != 0) {
            (void)stpcpy(stpcpy(paths[i], "/dev/"), nodes[i].name);
            rules[n++] = (SvirtLandlockRule){ paths[i],
                                              SVIRT_LANDLOCK_DEVICE };
        }
    }
    rules[n++] = (SvirtLandlockRule){ "/proc", SVIRT_LANDLOCK_READ };
    /* Of all files these two alone may be executed. */
    rules[n++] = (SvirtLandlockRule){ program_path(child),
                                      SVIRT_LANDLOCK_EXECUTE };
    if (child->interpreter[0] != '\0') {
        rules[n++] = (SvirtLandlockRule){ child->interpreter,
                                          SVIRT_LANDLOCK_EXECUTE };
    }
    return n;
}

static bool
restrict_by_landlock(Child *child, SvirtLaunchFailure *failure)
{
    SvirtLandlockRule rules[MAX_RULES];
    char paths[16][SVIRT_LANDLOCK_NODE_PATH];
    size_t count = list_rules(child, rules, paths);
    const SvirtLandlockPorts ports = { child->spec->tcp_port,
                                       child->spec->n_ports };

    if (!svirt_landlock_restrict(rules, count,
                                 svirt_process_kind(child->which) !=
                                     SVIRT_PROCESS_PASST ? &ports : NULL,
                                 child->spec->landlock_abi_limit,
                                 &child->report.landlock_abi, failure)) {
        return false;
    }
    if (child->report.landlock_abi == 0) {
        /* Without a root of its own it would have all of the user's files. */
        if (is_waived(child, SVIRT_LAYER_ROOT)) {
            errno = ENOSYS;
            return svirt_launch_fail(failure, SVIRT_STEP_LANDLOCK,
                                     "neither a root of its own nor Landlock");
        }
        note_missing(child, SVIRT_LAYER_LANDLOCK,
                     "this kernel has no Landlock");
    }
    return true;
}

static bool
install_filter(Child *child, SvirtLaunchFailure *failure)
{
    return svirt_filter_install(svirt_process_kind(child->which) ==
                                SVIRT_PROCESS_PASST
                                ? SVIRT_FILTER_PASST : SVIRT_FILTER_VMM,
                                child->spec->exec, &child->listener,
                                failure);
}

static bool
execute(Child *child, SvirtLaunchFailure *failure)
{
    static char *const environment[] = {
        "LC_ALL=C", "PATH=/usr/bin:/bin", "HOME=/", NULL,
    };
    const SvirtSpecArgv *argv = &child->spec->argv[child->which];
    const char *args[SVIRT_SPEC_MAX_ARGS + 1];

    for (uint32_t i = 0; i < argv->count; i++) {
        args[i] = svirt_spec_string(child->spec,
                                    child->spec->args[argv->first + i]);
    }
    args[argv->count] = NULL;
    if (start_directory(child) != NULL &&
        chdir(start_directory(child)) < 0) {
        return svirt_launch_fail(failure, SVIRT_STEP_EXEC, "enter '%s'",
                                 start_directory(child));
    }
    /* The parent takes the end of the socket after this for a good exec. */
    child->report.armed = 1;
    if (!svirt_child_report_send(child->own.status, &child->report,
                                 child->listener)) {
        return svirt_launch_fail(failure, SVIRT_STEP_EXEC, "status socket");
    }
    (void)syscall(SYS_execveat, child->own.program, "", args, environment,
                  AT_EMPTY_PATH);
    return svirt_launch_fail(failure, SVIRT_STEP_EXEC, "'%s'",
                             program_path(child));
}

static bool
take(Child *child, SvirtStep step, StepFunction function)
{
    struct timespec before, after;

    (void)clock_gettime(CLOCK_MONOTONIC, &before);
    child->report.failure.step = step;
    if (!function(child, &child->report.failure)) {
        return false;
    }
    (void)clock_gettime(CLOCK_MONOTONIC, &after);
    child->report.step_ns[step] += (uint32_t)
        ((after.tv_sec - before.tv_sec) * 1000000000 + after.tv_nsec -
         before.tv_nsec);
    return true;
}

/*
 * The order of the launch, and why it is this one. Ends in exec or returns
 * with the failure in the report.
 */
static void
take_steps(Child *child)
{
    const bool monitor = child->which == SVIRT_PROCESS_MONITOR;
    const bool root = !is_waived(child, SVIRT_LAYER_ROOT);
    const bool names = !is_waived(child, SVIRT_LAYER_NAMESPACES);

    /* Limits count from here on, so before anything is used up. */
    bool go = take(child, SVIRT_STEP_CLONE, enter_cgroup) &&
        /* Before all that takes time: no signal meant for the caller's
         * terminal or group reaches this process any more. */
        take(child, SVIRT_STEP_SESSION, start_session) &&
        take(child, SVIRT_STEP_RLIMIT, set_limits) &&
        /* In the host's procfs: in the new root is the VM's, where an
         * attribute could be anything. */
        take(child, SVIRT_STEP_LABEL, open_labels);

    if (root) {
        /* Private first: the next mounts must not appear on the host. */
        go = go && take(child, SVIRT_STEP_MOUNT_PRIVATE, make_private) &&
            /* While it is still root: mounts and device nodes. */
            take(child, SVIRT_STEP_ROOT, build_root) &&
            take(child, SVIRT_STEP_PIVOT, enter_root);
    }
    if (names) {
        go = go && take(child, SVIRT_STEP_HOSTNAME, name_host);
    }
    /* In the new root, so that the program is the one found there; still
     * root, since a program need not be readable to be executed. From here
     * on no descriptor of the caller's is left. */
    go = go && take(child, SVIRT_STEP_DESCRIPTORS, map_descriptors) &&
        /* As late as may be: some models confine at once, not at exec, and
         * then all that needs the host is done. But Smack's takes
         * CAP_MAC_ADMIN, so before the capabilities go. */
        take(child, SVIRT_STEP_LABEL, write_labels) &&
        /* Dropping from the bounding set needs CAP_SETPCAP, which the change
         * of user takes away. */
        take(child, SVIRT_STEP_CAPABILITIES, bound_capabilities) &&
        take(child, SVIRT_STEP_IDENTITY, take_identity) &&
        /* After it: no_new_privs would not stop setresuid, but from the
         * other side nothing may be gained between the two. The last two
         * layers need it. */
        take(child, SVIRT_STEP_NO_NEW_PRIVS, set_no_new_privs);
    /* The monitor, once it is loaded, takes these two itself, and tighter:
     * it opens no file at all then (confine.h). */
    if (!monitor) {
        /* Before the filter, which has no Landlock calls. */
        if (is_waived(child, SVIRT_LAYER_LANDLOCK)) {
            child->report.missing_layers |= SVIRT_LAYER_LANDLOCK;
        } else {
            go = go && take(child, SVIRT_STEP_LANDLOCK, restrict_by_landlock);
        }
        /* Last: it allows nothing that the steps above do. */
        if (!is_waived(child, SVIRT_LAYER_SECCOMP)) {
            go = go && take(child, SVIRT_STEP_SECCOMP, install_filter);
        }
    }
    (void)(go && take(child, SVIRT_STEP_EXEC, execute));
}

void
svirt_child_run(const SvirtLaunchSpec *spec, SvirtProcess which, int cgroup_fd,
                int status_fd)
{
    Child child = {
        .spec = spec,
        .which = which,
        .cgroup_fd = cgroup_fd,
        .own = { .status = status_fd, .program = -1 },
        .listener = -1,
        .report = {
            .missing_layers = which == SVIRT_PROCESS_MONITOR ? 0
                : spec->waived_layers &
                  ~(SVIRT_LAYER_CGROUP | SVIRT_LAYER_DEVICE_FILTER),
        },
    };

    take_steps(&child);
    child.report.armed = 0;
    /* A socket that cannot take it leaves the parent an end without a word,
     * which is a failure as well. */
    (void)svirt_child_report_send(child.own.status, &child.report, -1);
    _exit(127);
}
