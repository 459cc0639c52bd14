/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "selftest/network-private.h"

#include "base/error.h"
#include "base/fd.h"
#include "launch/cgroup.h"
#include "launch/child.h"
#include "launch/passt.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define PASST_FD 3
#define NOFILE 64
#define READY_TIMEOUT_MS 10000

G_DEFINE_AUTOPTR_CLEANUP_FUNC(SvirtLaunchSpec, svirt_spec_free)

/* What a thread that has joined the namespace is to start. */
typedef struct Start {
    const SvirtSelftestNetwork *network;
    int passt_fd; /* passt's end */
    int cgroup_fd;
    SvirtSpecIds ids;
    bool (*start)(struct Start *start, GError **error);
    pid_t pid;
    GError *error;
} Start;

static gpointer
start_thread(gpointer data)
{
    Start *start = data;

    if (setns(start->network->namespace_fd, CLONE_NEWNET) < 0) {
        (void)svirt_raise_errno(&start->error, errno, NULL,
                                "cannot join the network for passt");
        return NULL;
    }
    (void)start->start(start, &start->error);
    return NULL;
}

/* A process is born into the network namespace of the thread that forks. */
static bool
start_inside(Start *start, SvirtSelftestPasst *ret, GError **error)
{
    SVIRT_AUTO_FD guest_fd = -1;
    SVIRT_AUTO_FD passt_fd = -1;
    int ends[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0) {
        return svirt_raise_errno(error, errno, NULL,
                                 "cannot make a socket for passt");
    }
    guest_fd = ends[0];
    passt_fd = ends[1];
    start->passt_fd = passt_fd;
    (void)g_thread_join(g_thread_new("svirt-passt", start_thread, start));
    if (start->error) {
        g_propagate_error(error, start->error);
        return false;
    }
    ret->pid = start->pid;
    ret->fd = svirt_fd_steal(&guest_fd);
    return true;
}

static bool
plain_start(Start *start, GError **error)
{
    char number[16];
    const char *const argv[] = { svirt_passt_program(), "--foreground",
                                 "--quiet", "--stderr", "-F", number, NULL };
    const int as = PASST_FD;
    GError *cause = NULL;

    (void)g_snprintf(number, sizeof(number), "%d", PASST_FD);
    if (!g_spawn_async_with_pipes_and_fds(
            "/", argv, NULL,
            G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_STDOUT_TO_DEV_NULL |
                G_SPAWN_STDERR_TO_DEV_NULL,
            NULL, NULL, -1, -1, -1, &start->passt_fd, &as, 1, &start->pid,
            NULL, NULL, NULL, &cause)) {
        return svirt_raise(error, SVIRT_ERROR_LAUNCH, cause,
                           "install passt", "cannot start '%s'", argv[0]);
    }
    return true;
}

bool
svirt_selftest_passt_start(SvirtSelftestNetwork *network,
                           SvirtSelftestPasst *ret, GError **error)
{
    Start start = { .network = network, .start = plain_start };

    return start_inside(&start, ret, error);
}

static bool
fd_add(SvirtLaunchSpec **spec, SvirtProcess process, int source, int number,
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

    return svirt_spec_add_fd(spec, &fd);
}

/* A spec has a VMM, also when none is started from it. */
static bool
spec_fill(SvirtLaunchSpec **spec, const Start *start, int null_fd)
{
    const SvirtPasstOptions options = { .program = svirt_passt_program(),
                                        .fd = PASST_FD,
                                        .ipv4 = true };
    SvirtPasstArgv argv;
    bool ok = svirt_spec_add_arg(spec, SVIRT_PROCESS_VMM, options.program);

    svirt_passt_argv(&options, &argv);
    for (size_t i = 0; ok && i < argv.count; i++) {
        ok = svirt_spec_add_arg(spec, SVIRT_PROCESS_PASST, argv.arg[i]);
    }
    for (int i = 0; ok && i <= 2; i++) {
        ok = fd_add(spec, SVIRT_PROCESS_VMM, null_fd, i, SVIRT_FD_NULL) &&
             fd_add(spec, SVIRT_PROCESS_PASST, null_fd, i, SVIRT_FD_NULL);
    }
    ok = ok && fd_add(spec, SVIRT_PROCESS_PASST, start->passt_fd, PASST_FD,
                      SVIRT_FD_NET);
    (*spec)->ids[SVIRT_PROCESS_PASST] = start->ids;
    /* Nobody's: it only has to differ. */
    (*spec)->ids[SVIRT_PROCESS_VMM] =
        (SvirtSpecIds){ start->ids.uid + 1, start->ids.gid + 1 };
    (*spec)->landlock_abi_limit = -1;
    (*spec)->rlimit_nofile = NOFILE;
    (*spec)->ready_timeout_ms = READY_TIMEOUT_MS;
    return ok;
}

static bool
addresses_close(int cgroup_fd, GError **error)
{
    g_autofree SvirtAddressRule *rules =
        g_new(SvirtAddressRule, SVIRT_ADDRESS_RULES_MAX);
    size_t count;

    if (!svirt_address_rules_for_host(rules, SVIRT_ADDRESS_RULES_MAX,
                                      &count) ||
        !svirt_cgroup_set_addresses(cgroup_fd, rules, count)) {
        return svirt_raise_errno(error, errno, NULL,
                                 "cannot close the host's addresses to passt");
    }
    return true;
}

static bool
confined_start(Start *start, GError **error)
{
    g_autoptr(SvirtLaunchSpec) spec = NULL;
    SvirtLaunched launched = SVIRT_LAUNCHED_INIT;
    SVIRT_AUTO_FD null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    SVIRT_AUTO_FD spec_fd = -1;
    const SvirtLaunchSpec *mapped;
    SvirtLaunchFailure failure = { 0 };
    const char *why = "";
    SvirtUuid uuid;
    bool ok;

    if (!addresses_close(start->cgroup_fd, error)) {
        return false;
    }
    svirt_uuid_generate(&uuid);
    spec = svirt_spec_new(&uuid, "svirt-selftest");
    if (!spec || null_fd < 0 || !spec_fill(&spec, start, null_fd) ||
        (spec_fd = svirt_spec_seal(spec)) < 0 ||
        !(mapped = svirt_spec_map(spec_fd, &why))) {
        return svirt_raise_errno(error, errno, NULL,
                                 "cannot describe passt's launch (%s)", why);
    }
    ok = svirt_launch_process(mapped, SVIRT_PROCESS_PASST, start->cgroup_fd,
                              &launched, &failure);
    svirt_spec_unmap(mapped);
    if (!ok) {
        errno = failure.errnum;
        return svirt_raise(error, SVIRT_ERROR_LAUNCH, NULL, NULL,
                           "passt failed at step '%s': %s: %s",
                           svirt_step_to_string(failure.step), failure.words,
                           g_strerror(failure.errnum));
    }
    svirt_fd_close(&launched.pidfd);
    start->pid = launched.pid;
    return true;
}

bool
svirt_selftest_passt_launch(SvirtSelftestNetwork *network, SvirtSpecIds ids,
                            int cgroup_fd, SvirtSelftestPasst *ret,
                            GError **error)
{
    Start start = { .network = network,
                    .start = confined_start,
                    .ids = ids,
                    .cgroup_fd = cgroup_fd };

    return start_inside(&start, ret, error);
}

void
svirt_selftest_passt_stop(SvirtSelftestPasst *passt)
{
    svirt_fd_close(&passt->fd);
    if (passt->pid > 0) {
        (void)kill(passt->pid, SIGKILL);
        while (waitpid(passt->pid, NULL, 0) < 0 && errno == EINTR) {
        }
        passt->pid = 0;
    }
}
