/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vm.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "keeper/layout.h"
#include "keeper/release.h"
#include "launch/cgroup.h"

#define WAIT_MS 20000

bool
vm_possible(void)
{
    if (geteuid() != 0) {
        g_test_skip("needs root: the launch makes namespaces");
        return false;
    }
    return true;
}

bool
vm_image_is_free(Vm *vm)
{
    g_autofree char *path = g_build_filename(vm->top, "image", NULL);
    struct flock lock = { .l_type = F_WRLCK, .l_start = 101, .l_len = 1 };
    SVIRT_AUTO_FD fd = open(path, O_RDWR | O_CLOEXEC);

    g_assert_no_errno(fd);
    return fcntl(fd, F_OFD_SETLK, &lock) == 0;
}

static void
close_fds(Vm *vm)
{
    for (unsigned i = 0; i < vm->fds->len; i++) {
        (void)close(g_array_index(vm->fds, SvirtNumberedFd, i).fd);
    }
    g_array_set_size(vm->fds, 0);
}

/* As `svirt start` does before it has opened anything. */
static void
give_cgroup(Vm *vm)
{
    for (uint32_t i = 0; i < vm->spec->n_fds; i++) {
        const SvirtSpecFd *entry = &vm->spec->fds[i];
        SvirtNumberedFd cgroup = { -1, SVIRT_KEEPER_FD_CGROUP };

        if (entry->role != SVIRT_FD_CGROUP ||
            entry->index != SVIRT_PROCESS_VMM) {
            continue;
        }
        for (unsigned j = 0; j < vm->fds->len; j++) {
            SvirtNumberedFd fd = g_array_index(vm->fds, SvirtNumberedFd, j);

            cgroup.fd = fd.number == entry->source ? fd.fd : cgroup.fd;
        }
        g_assert_true(svirt_hand_over_send(
            vm->svirt_fd, SVIRT_HAND_OVER_CGROUP, &cgroup, 1));
    }
}

void
vm_start(Vm *vm, bool failing)
{
    SvirtNumberedFd socket_fd, spec;
    SvirtMessage message;
    int ends[2], spec_fd;

    g_assert_true(svirt_monitor_layout_add(&vm->spec, MONITOR_PROGRAM,
                                           &vm->args));
    spec_fd = svirt_spec_seal(vm->spec);
    g_assert_no_errno(spec_fd);
    g_assert_no_errno(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0,
                                 ends));
    socket_fd = (SvirtNumberedFd){ ends[1], SVIRT_KEEPER_FD_SVIRT };
    spec = (SvirtNumberedFd){ spec_fd, SVIRT_KEEPER_FD_SPEC };
    g_array_append_val(vm->fds, spec);
    vm->svirt_fd = ends[0];
    vm->keeper = svirt_run_keeper(KEEPER_PROGRAM, "test", false, &socket_fd,
                                  1);
    g_assert_no_errno(vm->keeper);
    (void)close(ends[1]);
    give_cgroup(vm);
    g_assert_true(svirt_hand_over_send(
        vm->svirt_fd, SVIRT_HAND_OVER_ALL,
        (const SvirtNumberedFd *)(const void *)vm->fds->data, vm->fds->len));
    close_fds(vm);
    if (!failing) {
        vm_expect(vm, SVIRT_MESSAGE_STARTED, &message);
        vm->vmm = (pid_t)message.a;
        vm->monitor = (pid_t)message.c;
        vm->passt = (pid_t)message.d;
        g_assert_cmpint(vm->vmm, >, 0);
        g_assert_cmpint(vm->monitor, >, 0);
    }
}

void
vm_expect(Vm *vm, SvirtMessageType type, SvirtMessage *ret)
{
    SvirtMessage message = { 0 };

    g_assert_true(svirt_message_receive(vm->svirt_fd, WAIT_MS, &message));
    if (message.type != (uint32_t)type) {
        g_test_message("type %u step %u errno %d: %s", message.type,
                       message.step, message.errnum, message.text);
    }
    g_assert_cmpint(message.type, ==, type);
    if (ret != NULL) {
        *ret = message;
    }
}

void
vm_commit(Vm *vm, bool paused)
{
    SvirtMessage commit = { .type = SVIRT_MESSAGE_COMMIT, .a = !paused };

    g_assert_true(svirt_message_send(vm->svirt_fd, &commit));
}

void
vm_run(Vm *vm, bool paused)
{
    SvirtMessage message;

    vm_expect(vm, SVIRT_MESSAGE_READY, NULL);
    vm_commit(vm, paused);
    vm_expect(vm, SVIRT_MESSAGE_COMMITTED, NULL);
    /* The keeper has closed its end: nothing of the start is left open. */
    g_assert_false(svirt_message_receive(vm->svirt_fd, WAIT_MS, &message));
    g_assert_cmpint(errno, ==, 0);
}

void
vm_start_and_run(Vm *vm, bool paused)
{
    vm_start(vm, false);
    vm_run(vm, paused);
}

int
vm_connect(Vm *vm)
{
    return svirt_control_connect(vm->run_dir_fd);
}

char *
vm_qmp(Vm *vm, const char *json)
{
    SVIRT_AUTO_FD fd = vm_connect(vm);
    char why[SVIRT_CONTROL_WHY];
    char *reply = NULL;

    g_assert_no_errno(fd);
    if (!svirt_control_qmp(fd, json, NULL, 0, false, WAIT_MS, &reply, why)) {
        g_error("%s: %s: %s", json, g_strerror(errno), why);
    }
    return reply;
}

void
vm_status(Vm *vm, SvirtRunStatus *ret)
{
    g_assert_true(svirt_run_status_read(vm->runs_fd, vm->uuid_text, ret));
}

void
vm_wait_flags(Vm *vm, uint32_t mask, uint32_t wanted)
{
    SvirtRunStatus status;

    for (int i = 0; i < WAIT_MS; i++) {
        vm_status(vm, &status);
        if ((status.flags & mask) == wanted) {
            return;
        }
        g_usleep(1000);
    }
    g_error("flags are %#x, wanted %#x", status.flags, wanted);
}

/* Alive is not enough: it has to serve, or the next kill hits the launch. */
void
vm_wait_monitor(Vm *vm, pid_t not_this_one)
{
    SvirtRunStatus status;
    SvirtControlState state;
    char why[SVIRT_CONTROL_WHY];

    for (int i = 0; i < WAIT_MS; i++) {
        SVIRT_AUTO_FD fd = -1;

        vm_status(vm, &status);
        vm->monitor = status.process[SVIRT_PROCESS_MONITOR].pid;
        if (vm->monitor > 0 && vm->monitor != not_this_one) {
            fd = vm_connect(vm);
            if (fd >= 0 && svirt_control_state(fd, WAIT_MS, &state, why) &&
                state.ready == 1) {
                return;
            }
        }
        g_usleep(1000);
    }
    g_error("no new monitor");
}

/* A zombie is not: who was adopted has a parent that reaps when it likes. */
bool
vm_process_is_there(pid_t pid)
{
    SvirtRunProcess process = { .pid = pid };

    return pid > 0 && svirt_process_start_time(pid, &process.start_time) &&
           svirt_run_process_alive(&process);
}

void
vm_wait_gone(pid_t pid)
{
    for (int i = 0; i < WAIT_MS; i++) {
        int status;

        (void)waitpid(pid, &status, WNOHANG); /* in case it is ours */
        if (!vm_process_is_there(pid)) {
            return;
        }
        g_usleep(1000);
    }
    g_error("process %d is still there", (int)pid);
}

void
vm_wait_released(Vm *vm)
{
    struct stat st;

    vm_wait_gone(vm->keeper);
    g_assert_cmpint(fstatat(vm->runs_fd, vm->uuid_text, &st, 0), ==, -1);
    g_assert_cmpint(errno, ==, ENOENT);
    g_assert_false(vm_process_is_there(vm->vmm));
    g_assert_false(vm_process_is_there(vm->monitor));
    g_assert_true(vm_image_is_free(vm));
}

void
vm_kill(Vm *vm)
{
    g_assert_no_errno(kill(vm->vmm, SIGKILL));
    vm_wait_released(vm);
}

unsigned
vm_count_fds(pid_t pid)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/fd", (int)pid);
    g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
    unsigned count = 0;

    g_assert_nonnull(dir);
    while (g_dir_read_name(dir) != NULL) {
        count++;
    }
    return count;
}

uint64_t
vm_cpu_ticks(pid_t pid)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/stat", (int)pid);
    g_autofree char *text = NULL;
    g_auto(GStrv) fields = NULL;

    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    fields = g_strsplit(strrchr(text, ')'), " ", -1);
    return g_ascii_strtoull(fields[12], NULL, 10) +
           g_ascii_strtoull(fields[13], NULL, 10);
}

void
vm_free(Vm *vm)
{
    SvirtRunStatus status;
    g_autofree char *image = g_build_filename(vm->top, "image", NULL);

    if (svirt_run_status_read(vm->runs_fd, vm->uuid_text, &status)) {
        for (unsigned i = 0; i < SVIRT_PROCESS_MAX; i++) {
            if (status.process[i].pid > 0) {
                (void)kill(status.process[i].pid, SIGKILL);
            }
        }
        if (vm->other > 0) {
            (void)kill(status.keeper.pid, SIGKILL);
        }
    }
    if (vm->keeper > 0) {
        (void)kill(vm->keeper, SIGKILL);
        (void)waitpid(vm->keeper, NULL, 0);
    }
    svirt_fd_close(&vm->svirt_fd);
    close_fds(vm);
    g_array_unref(vm->fds);
    if (vm->has_cgroups) {
        char mount[256];

        g_assert_true(svirt_cgroup_find_mount(-1, mount, sizeof(mount)));
        g_autofree char *path = g_build_filename(mount, "svirt-test", NULL);
        SVIRT_AUTO_FD parent = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        (void)svirt_cgroup_remove(parent, &vm->uuid, 5000);
        (void)g_rmdir(path);
    }
    /* Already gone after an orderly end. */
    (void)svirt_release_run_dir(vm->run_dir_fd, &vm->uuid);
    (void)close(vm->run_dir_fd);
    (void)close(vm->runs_fd);
    (void)g_unlink(image);
    (void)g_rmdir(vm->top);
    svirt_spec_free(vm->spec);
    g_free(vm->top);
    g_free(vm);
}
