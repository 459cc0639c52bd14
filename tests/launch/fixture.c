/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fixture.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"

char *
fixture_program(const char *name)
{
    g_autofree char *self = g_file_read_link("/proc/self/exe", NULL);
    g_autofree char *dir = g_path_get_dirname(self);

    return g_build_filename(dir, name, NULL);
}

bool
fixture_need_root(void)
{
    if (geteuid() == 0) {
        return true;
    }
    g_test_skip("not root");
    return false;
}

Fixture *
fixture_new(SvirtProcess which, bool empty_root)
{
    Fixture *fixture = g_new0(Fixture, 1);
    SvirtUuid uuid;
    int fds[2];

    svirt_uuid_generate(&uuid);
    fixture->spec = svirt_spec_new(&uuid, "web");
    fixture->which = which;
    fixture->launched = (SvirtLaunched)SVIRT_LAUNCHED_INIT;
    fixture->spec->ids[SVIRT_PROCESS_VMM] =
        (SvirtSpecIds){ FIXTURE_VMM_UID, FIXTURE_VMM_UID };
    fixture->spec->ids[SVIRT_PROCESS_MONITOR] =
        (SvirtSpecIds){ FIXTURE_MONITOR_UID, FIXTURE_MONITOR_UID };
    fixture->spec->ids[SVIRT_PROCESS_PASST] =
        (SvirtSpecIds){ FIXTURE_PASST_UID, FIXTURE_PASST_UID };
    fixture->spec->waived_layers = SVIRT_LAYER_CGROUP;
    fixture->spec->device_nodes = SVIRT_NODE_NULL | SVIRT_NODE_URANDOM;
    fixture->spec->rlimit_nofile = 256;
    fixture->spec->rlimit_fsize_bytes = 8 << 20;
    fixture->spec->rlimit_memlock_bytes = 65536;
    fixture->spec->ready_timeout_ms = 1000;
    fixture->null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    g_assert_cmpint(pipe2(fds, O_CLOEXEC), ==, 0);
    fixture->out_read = fds[0];
    fixture->out_write = fds[1];
    if (which != SVIRT_PROCESS_VMM) {
        /* Every spec has a VMM, started or not. */
        svirt_spec_add_arg(&fixture->spec, SVIRT_PROCESS_VMM, "/bin/false");
        for (int i = 0; i <= 2; i++) {
            const SvirtSpecFd fd = { fixture->null_fd, SVIRT_TO_VMM, i, -1,
                                     -1, SVIRT_FD_NULL, 0 };

            g_assert_true(svirt_spec_add_fd(&fixture->spec, &fd));
        }
    }
    fixture_fd(fixture, fixture->null_fd, 0, SVIRT_FD_NULL, 0);
    fixture_fd(fixture, fixture->out_write, 1, SVIRT_FD_LOG, 0);
    fixture_fd(fixture, fixture->out_write, 2, SVIRT_FD_LOG, 0);
    if (!empty_root) {
        svirt_spec_add_file(&fixture->spec, "/usr", SVIRT_FILE_TREE);
        svirt_spec_add_file(&fixture->spec, "/etc/ld.so.cache", 0);
    }
    return fixture;
}

void
fixture_free(Fixture *fixture)
{
    if (fixture->launched.pid > 0) {
        (void)kill(fixture->launched.pid, SIGKILL);
        (void)waitpid(fixture->launched.pid, NULL, 0);
    }
    svirt_fd_close(&fixture->launched.pidfd);
    svirt_fd_close(&fixture->null_fd);
    svirt_fd_close(&fixture->out_read);
    svirt_fd_close(&fixture->out_write);
    svirt_spec_free(fixture->spec);
    svirt_spec_unmap(fixture->view);
    g_free(fixture);
}

void
fixture_arg(Fixture *fixture, const char *arg)
{
    g_assert_true(svirt_spec_add_arg(&fixture->spec, fixture->which, arg));
}

void
fixture_fd(Fixture *fixture, int source, int target, SvirtFdRole role,
           uint32_t index)
{
    SvirtSpecFd fd = { source, 1u << fixture->which, -1, -1, -1, role,
                       index };

    switch (svirt_process_kind(fixture->which)) {
    case SVIRT_PROCESS_VMM:
        fd.vmm = target;
        break;
    case SVIRT_PROCESS_MONITOR:
        fd.monitor = target;
        break;
    case SVIRT_PROCESS_PASST:
        fd.passt = target;
        break;
    case SVIRT_PROCESS_PASST_LAST:
    case SVIRT_PROCESS_MAX:
        g_assert_not_reached();
    }
    g_assert_true(svirt_spec_add_fd(&fixture->spec, &fd));
}

void
fixture_use_probe(Fixture *fixture, const char *mode)
{
    g_autofree char *probe = fixture_program("launch-probe");

    svirt_spec_add_file(&fixture->spec, probe, SVIRT_FILE_EXECUTE);
    fixture_arg(fixture, probe);
    fixture_arg(fixture, mode);
}

bool
fixture_start(Fixture *fixture, int cgroup_fd, SvirtLaunchFailure *failure)
{
    SVIRT_AUTO_FD sealed = svirt_spec_seal(fixture->spec);
    const char *why = NULL;
    bool started;

    fixture->view = svirt_spec_map(sealed, &why);
    g_assert_cmpstr(why, ==, NULL);
    g_assert_nonnull(fixture->view);
    started = fixture->waiting.pid == 0
                  ? svirt_launch_process(fixture->view, fixture->which,
                                         cgroup_fd, &fixture->launched,
                                         failure)
                  : svirt_launch_waiting(&fixture->waiting, fixture->view,
                                         sealed, fixture->which, cgroup_fd,
                                         &fixture->launched, failure);
    svirt_fd_close(&fixture->out_write);
    return started;
}

char *
fixture_finish(Fixture *fixture, int *ret_status)
{
    GString *text = g_string_new(NULL);
    char buffer[4096];
    ssize_t got;

    while ((got = read(fixture->out_read, buffer, sizeof(buffer))) > 0) {
        g_string_append_len(text, buffer, got);
    }
    g_assert_cmpint(waitpid(fixture->launched.pid, ret_status, 0), ==,
                    fixture->launched.pid);
    fixture->launched.pid = 0;
    return g_string_free(text, FALSE);
}
