/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "selftest/compartment-runner.h"

#include "base/error.h"
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* As many as a VMM with some disks; the probe uses about twenty. */
#define NOFILE 64
#define READY_TIMEOUT_MS 10000

G_DEFINE_AUTOPTR_CLEANUP_FUNC(SvirtLaunchSpec, svirt_spec_free)

static bool
fd_add(SvirtLaunchSpec **spec, int source, int number, SvirtFdRole role,
       uint32_t index)
{
    const SvirtSpecFd fd = {
        .source = source,
        .to = SVIRT_TO_VMM,
        .vmm = number,
        .monitor = -1,
        .passt = -1,
        .role = role,
        .index = index,
    };

    return svirt_spec_add_fd(spec, &fd);
}

static bool
spec_fill(SvirtLaunchSpec **spec, const SvirtSelftestCompartment *compartment,
          const SvirtSelftestRun *run, int null_fd)
{
    bool ok = svirt_spec_add_arg(spec, SVIRT_PROCESS_VMM,
                                 compartment->program);

    for (size_t i = 0; ok && run->arguments[i]; i++) {
        ok = svirt_spec_add_arg(spec, SVIRT_PROCESS_VMM, run->arguments[i]);
    }
    /* What a VMM's root holds, though the probe needs nothing of it. */
    ok = ok && svirt_spec_add_file(spec, "/usr", SVIRT_FILE_TREE) &&
         svirt_spec_add_file(spec, "/etc/ld.so.cache", 0) &&
         svirt_spec_add_file(spec, compartment->program, SVIRT_FILE_EXECUTE);
    for (int i = 0; ok && i <= 2; i++) {
        ok = fd_add(spec, null_fd, i, SVIRT_FD_NULL, 0);
    }
    for (size_t i = 0; ok && i < run->fd_count; i++) {
        ok = fd_add(spec, run->fds[i].fd, run->fds[i].as, SVIRT_FD_PROBE,
                    (uint32_t)i);
    }
    (*spec)->ids[SVIRT_PROCESS_VMM] = compartment->ids;
    (*spec)->waived_layers = compartment->waived_layers;
    (*spec)->landlock_abi_limit = compartment->landlock_abi_limit;
    (*spec)->exec = compartment->exec;
    (*spec)->device_nodes = SVIRT_SELFTEST_NODES;
    (*spec)->rlimit_fsize_bytes = compartment->file_limit_bytes;
    (*spec)->rlimit_nofile = NOFILE;
    (*spec)->ready_timeout_ms = READY_TIMEOUT_MS;
    return ok;
}

static bool
spec_launch(SvirtSelftestCompartment *compartment, int spec_fd,
            GError **error)
{
    const char *why = "";
    const SvirtLaunchSpec *spec = svirt_spec_map(spec_fd, &why);
    SvirtLaunchFailure failure = { 0 };
    bool ok;

    if (!spec) {
        return svirt_raise_errno(error, errno, NULL,
                                 "the probe's launch has a bad field '%s'",
                                 why);
    }
    ok = svirt_launch_process(spec, SVIRT_PROCESS_VMM, compartment->cgroup_fd,
                              &compartment->launched, &failure);
    svirt_spec_unmap(spec);
    if (!ok) {
        GError *cause = NULL;

        if (failure.errnum) {
            (void)svirt_raise(&cause, SVIRT_ERROR_SYSTEM, NULL, NULL, "%s",
                              g_strerror(failure.errnum));
        }
        return svirt_raise(error, SVIRT_ERROR_LAUNCH, cause, NULL,
                           "the probe's compartment failed at step '%s': %s",
                           svirt_step_to_string(failure.step), failure.words);
    }
    return true;
}

static bool
compartment_finish(void *data, pid_t pid, bool must_kill, int *ret_status,
                   GError **error)
{
    SvirtSelftestCompartment *compartment = data;
    int status;

    if (must_kill) {
        (void)kill(pid, SIGKILL);
    }
    while (waitpid(pid, &status, 0) < 0) {
        if (errno != EINTR) {
            return svirt_raise_errno(error, errno, NULL,
                                     "cannot wait for the probe");
        }
    }
    svirt_fd_close(&compartment->launched.pidfd);
    *ret_status = status;
    return true;
}

static bool
add_labels(const SvirtSelftestCompartment *compartment,
           SvirtLaunchSpec **spec)
{
    return compartment->labels == NULL ||
           svirt_selftest_labels_add(compartment->labels, spec, NULL);
}

static bool
compartment_start(void *data, const SvirtSelftestRun *run, pid_t *ret_pid,
                  GError **error)
{
    SvirtSelftestCompartment *compartment = data;
    g_autoptr(SvirtLaunchSpec) spec = NULL;
    SVIRT_AUTO_FD null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    SVIRT_AUTO_FD spec_fd = -1;
    SvirtUuid uuid;

    svirt_uuid_generate(&uuid);
    spec = svirt_spec_new(&uuid, compartment->name);
    if (!spec || null_fd < 0 ||
        !spec_fill(&spec, compartment, run, null_fd) ||
        !add_labels(compartment, &spec) ||
        (spec_fd = svirt_spec_seal(spec)) < 0) {
        return svirt_raise_errno(error, errno, NULL,
                                 "cannot describe the probe's launch");
    }
    if (!spec_launch(compartment, spec_fd, error)) {
        return false;
    }
    *ret_pid = compartment->launched.pid;
    if (compartment->labels != NULL &&
        !svirt_selftest_labels_check(compartment->labels, *ret_pid, error)) {
        int status;

        (void)compartment_finish(compartment, *ret_pid, true, &status, NULL);
        return false;
    }
    return true;
}

void
svirt_selftest_runner_compartment(SvirtSelftestCompartment *compartment,
                                  SvirtSelftestRunner *ret)
{
    *ret = (SvirtSelftestRunner){ compartment_start, compartment_finish,
                                  compartment };
}
