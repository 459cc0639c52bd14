/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vm.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "keeper/layout.h"
#include "keeper/release.h"
#include "launch/cgroup.h"

#define WAIT_MS 20000
enum { VMM_QMP = 10, VMM_SERIAL = 11, VMM_LOCK = 90 };

bool
vm_possible(void)
{
    if (geteuid() != 0) {
        g_test_skip("needs root: the launch makes namespaces");
        return false;
    }
    return true;
}

/* Gives the descriptor to the keeper under the next number. */
static void
add_fd(Vm *vm, int fd, SvirtSpecFd entry)
{
    SvirtKeeperFd pair = { fd, vm->next_source++ };

    g_assert_cmpint(fd, >=, 0);
    entry.source = pair.number;
    entry.vmm = (entry.to & SVIRT_TO_VMM) != 0 ? entry.vmm : -1;
    entry.monitor = (entry.to & SVIRT_TO_MONITOR) != 0 ? entry.monitor : -1;
    entry.passt = -1;
    g_array_append_val(vm->fds, pair);
    g_assert_true(svirt_spec_add_fd(&vm->spec, &entry));
}

static void
add_pair(Vm *vm, SvirtFdRole role, uint32_t index, int vmm, int monitor)
{
    int ends[2];

    g_assert_no_errno(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0,
                                 ends));
    add_fd(vm, ends[0], (SvirtSpecFd){ .to = SVIRT_TO_VMM, .vmm = vmm,
                                       .role = role, .index = index });
    add_fd(vm, ends[1], (SvirtSpecFd){ .to = SVIRT_TO_MONITOR,
                                       .monitor = monitor, .role = role,
                                       .index = index });
}

static int
create(Vm *vm, const char *name)
{
    return openat(vm->run_dir_fd, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC,
                  0600);
}

static int
listen_at(Vm *vm, const char *name)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void)g_snprintf(address.sun_path, sizeof(address.sun_path),
                     "/proc/self/fd/%d/%s", vm->run_dir_fd, name);
    g_assert_no_errno(bind(fd, (struct sockaddr *)&address, sizeof(address)));
    g_assert_no_errno(listen(fd, 8));
    return fd;
}

static void
add_standard_fds(Vm *vm)
{
    int pipe_ends[2];

    for (int i = 0; i < 3; i++) {
        add_fd(vm, open("/dev/null", O_RDWR | O_CLOEXEC),
               (SvirtSpecFd){ .to = SVIRT_TO_MONITOR | (i == 0 ? SVIRT_TO_VMM
                                                               : 0u),
                              .vmm = i, .monitor = i, .role = SVIRT_FD_NULL });
    }
    g_assert_no_errno(pipe2(pipe_ends, O_CLOEXEC));
    add_fd(vm, fcntl(pipe_ends[1], F_DUPFD_CLOEXEC, 3),
           (SvirtSpecFd){ .to = SVIRT_TO_VMM, .vmm = 1,
                          .role = SVIRT_FD_LOG });
    add_fd(vm, pipe_ends[1], (SvirtSpecFd){ .to = SVIRT_TO_VMM, .vmm = 2,
                                            .role = SVIRT_FD_LOG });
    add_fd(vm, pipe_ends[0], (SvirtSpecFd){
        .to = SVIRT_TO_MONITOR, .monitor = SVIRT_MONITOR_FD_LOG,
        .role = SVIRT_FD_LOG });
    add_fd(vm, create(vm, "log"), (SvirtSpecFd){
        .to = SVIRT_TO_MONITOR, .monitor = SVIRT_MONITOR_FD_LOG_FILE,
        .role = SVIRT_FD_LOG_FILE });
    add_fd(vm, create(vm, "log.1"), (SvirtSpecFd){
        .to = SVIRT_TO_MONITOR, .monitor = SVIRT_MONITOR_FD_LOG_ROTATED,
        .role = SVIRT_FD_LOG_FILE, .index = 1 });
    add_fd(vm, listen_at(vm, SVIRT_RUN_CONTROL), (SvirtSpecFd){
        .to = SVIRT_TO_MONITOR, .monitor = SVIRT_MONITOR_FD_CONTROL,
        .role = SVIRT_FD_CONTROL });
}

/* The image lock is QEMU's: a read lock on byte 100 + 1 (write permission). */
static int
lock_image(Vm *vm)
{
    g_autofree char *path = g_build_filename(vm->top, "image", NULL);
    struct flock lock = { .l_type = F_RDLCK, .l_start = 101, .l_len = 1 };
    int fd;

    g_assert_true(g_file_set_contents(path, "", 0, NULL));
    fd = open(path, O_RDONLY | O_CLOEXEC);
    g_assert_no_errno(fd);
    g_assert_no_errno(fcntl(fd, F_OFD_SETLK, &lock));
    return fd;
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
add_keeper_fds(Vm *vm)
{
    SvirtRunStatus status;
    int fd = create(vm, SVIRT_RUN_STATUS);

    svirt_run_status_init(&status, &vm->uuid, "test");
    status.id = 7;
    g_assert_true(svirt_run_status_write(fd, &status));
    add_fd(vm, fd, (SvirtSpecFd){ .to = SVIRT_TO_KEEPER,
                                  .role = SVIRT_FD_STATUS });
    fd = create(vm, SVIRT_RUN_LOCK);
    g_assert_no_errno(flock(fd, LOCK_EX | LOCK_NB));
    add_fd(vm, fd, (SvirtSpecFd){ .to = SVIRT_TO_KEEPER,
                                  .role = SVIRT_FD_RUN_LOCK });
    add_fd(vm, fcntl(vm->run_dir_fd, F_DUPFD_CLOEXEC, 3),
           (SvirtSpecFd){ .to = SVIRT_TO_KEEPER, .role = SVIRT_FD_RUN_DIR });
    add_fd(vm, lock_image(vm), (SvirtSpecFd){
        .to = SVIRT_TO_KEEPER | SVIRT_TO_VMM, .vmm = VMM_LOCK,
        .role = SVIRT_FD_LOCK });
}

static void
make_directories(Vm *vm)
{
    vm->top = g_dir_make_tmp("svirt-keeper-XXXXXX", NULL);
    g_assert_nonnull(vm->top);
    vm->runs_fd = open(vm->top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    g_assert_no_errno(mkdirat(vm->runs_fd, vm->uuid_text, 0700));
    vm->run_dir_fd = openat(vm->runs_fd, vm->uuid_text,
                            O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    g_assert_no_errno(vm->run_dir_fd);
}

Vm *
vm_new(const char *const *argv, uint32_t ready_timeout_ms)
{
    static unsigned count;
    Vm *vm = g_new0(Vm, 1);
    uint32_t uid = 3000000 + (uint32_t)getpid() * 8 + 4 * (count++ % 2);

    svirt_uuid_generate(&vm->uuid);
    svirt_uuid_format(&vm->uuid, vm->uuid_text);
    vm->fds = g_array_new(FALSE, FALSE, sizeof(SvirtKeeperFd));
    vm->next_source = SVIRT_KEEPER_FIRST_SOURCE;
    vm->svirt_fd = -1;
    make_directories(vm);
    vm->spec = svirt_spec_new(&vm->uuid, "test");
    vm->spec->ids[SVIRT_PROCESS_VMM] = (SvirtSpecIds){ uid, uid };
    vm->spec->ids[SVIRT_PROCESS_MONITOR] = (SvirtSpecIds){ uid + 1, uid + 1 };
    vm->spec->waived_layers = SVIRT_LAYER_CGROUP | SVIRT_LAYER_DEVICE_FILTER;
    vm->spec->device_nodes = SVIRT_NODE_NULL | SVIRT_NODE_URANDOM;
    vm->spec->rlimit_fsize_bytes = 1024 * 1024;
    vm->spec->rlimit_nofile = 1024;
    vm->spec->log_limit_bytes = VM_LOG_LIMIT;
    vm->spec->log_rate_bytes_per_s = 65536;
    vm->spec->ready_timeout_ms = ready_timeout_ms;
    vm->args = (SvirtMonitorArgs){
        .name = "test",
        .ids = vm->spec->ids[SVIRT_PROCESS_MONITOR],
        .log_limit_bytes = VM_LOG_LIMIT,
        .log_rate_bytes_per_s = 65536,
        .ready_timeout_ms = ready_timeout_ms,
    };
    for (unsigned i = 0; argv[i] != NULL; i++) {
        g_assert_true(svirt_spec_add_arg(&vm->spec, SVIRT_PROCESS_VMM,
                                         argv[i]));
    }
    g_assert_true(svirt_spec_add_file(&vm->spec, "/usr", SVIRT_FILE_TREE |
                                      SVIRT_FILE_EXECUTE));
    g_assert_true(svirt_spec_add_file(&vm->spec, "/etc/ld.so.cache", 0));
    if (!g_str_has_prefix(argv[0], "/usr/")) {
        g_assert_true(svirt_spec_add_file(&vm->spec, argv[0],
                                          SVIRT_FILE_EXECUTE));
    }
    add_standard_fds(vm);
    add_pair(vm, SVIRT_FD_QMP, 0, VMM_QMP, SVIRT_MONITOR_FD_QMP);
    add_keeper_fds(vm);
    return vm;
}

Vm *
vm_fake(const char *mode, const char *text, const char *count)
{
    const char *argv[] = { FAKE_VMM, mode, text, count, NULL };
    Vm *vm = vm_new(argv, 15000);

    vm_add_serial(vm, SVIRT_SERIAL_CONSOLE, -1, -1);
    return vm;
}

Vm *
vm_qemu(void)
{
    const char *argv[] = {
        "/usr/bin/qemu-system-x86_64", "-nodefaults", "-no-user-config",
        "-display", "none", "-machine", "none", "-S",
        "-chardev", "socket,id=qmp,fd=10", "-mon", "chardev=qmp,mode=control",
        NULL
    };

    return vm_new(argv, 60000);
}

void
vm_add_serial(Vm *vm, SvirtSerialKind kind, int sink, int rotated)
{
    uint32_t i = vm->args.n_serials++;

    vm->spec->n_serials = vm->args.n_serials;
    vm->args.serial[i] = kind;
    vm->args.rotated[i] = rotated >= 0;
    add_pair(vm, SVIRT_FD_SERIAL, i, VMM_SERIAL + (int)i,
             SVIRT_MONITOR_FD_SERIAL((int)i));
    if (sink >= 0) {
        add_fd(vm, sink, (SvirtSpecFd){
            .to = SVIRT_TO_MONITOR,
            .monitor = SVIRT_MONITOR_FD_SERIAL_SINK((int)i),
            .role = kind == SVIRT_SERIAL_UNIX ? SVIRT_FD_SERIAL_LISTEN
                                              : SVIRT_FD_SERIAL_FILE,
            .index = i });
    }
    if (rotated >= 0) {
        add_fd(vm, rotated, (SvirtSpecFd){
            .to = SVIRT_TO_MONITOR,
            .monitor = SVIRT_MONITOR_FD_SERIAL_ROTATED((int)i),
            .role = SVIRT_FD_SERIAL_FILE, .index = i });
    }
}

bool
vm_add_cgroups(Vm *vm)
{
    SvirtCgroup cgroup = SVIRT_CGROUP_INIT;
    SvirtLaunchFailure failure = { 0 };
    SvirtCgroupLimits limits = { 0 };
    char mount[256];

    if (!svirt_cgroup_find_mount(-1, mount, sizeof(mount)) ||
        !svirt_cgroup_create("svirt-test", &vm->uuid, &limits, &cgroup,
                             &failure)) {
        g_test_message("%s", failure.words);
        return false;
    }
    vm->has_cgroups = true;
    vm->spec->waived_layers &= ~SVIRT_LAYER_CGROUP;
    for (unsigned i = 0; i < SVIRT_PROCESS_MAX; i++) {
        int fd = i == SVIRT_PROCESS_VMM ? cgroup.vmm_fd : cgroup.helper_fd;

        add_fd(vm, fcntl(fd, F_DUPFD_CLOEXEC, 3), (SvirtSpecFd){
            .to = SVIRT_TO_KEEPER, .role = SVIRT_FD_CGROUP, .index = i });
    }
    svirt_cgroup_close(&cgroup);
    return true;
}

void
vm_add_passt(Vm *vm, const char *const *argv)
{
    uint32_t uid = vm->spec->ids[SVIRT_PROCESS_VMM].uid + 2;

    vm->spec->ids[SVIRT_PROCESS_PASST] = (SvirtSpecIds){ uid, uid };
    for (unsigned i = 0; argv[i] != NULL; i++) {
        g_assert_true(svirt_spec_add_arg(&vm->spec, SVIRT_PROCESS_PASST,
                                         argv[i]));
    }
    for (int i = 0; i < 3; i++) {
        SvirtKeeperFd pair = { open("/dev/null", O_RDWR | O_CLOEXEC),
                               vm->next_source++ };
        SvirtSpecFd entry = { .source = pair.number, .to = SVIRT_TO_PASST,
                              .vmm = -1, .monitor = -1, .passt = i,
                              .role = SVIRT_FD_NULL };

        g_array_append_val(vm->fds, pair);
        g_assert_true(svirt_spec_add_fd(&vm->spec, &entry));
    }
}

static void
close_fds(Vm *vm)
{
    for (unsigned i = 0; i < vm->fds->len; i++) {
        (void)close(g_array_index(vm->fds, SvirtKeeperFd, i).fd);
    }
    g_array_set_size(vm->fds, 0);
}

void
vm_start(Vm *vm, bool failing)
{
    SvirtKeeperFd special[2];
    SvirtMessage message;
    int ends[2], spec_fd;

    g_assert_true(svirt_monitor_layout_add(&vm->spec, MONITOR_PROGRAM,
                                           &vm->args));
    spec_fd = svirt_spec_seal(vm->spec);
    g_assert_no_errno(spec_fd);
    g_assert_no_errno(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0,
                                 ends));
    special[0] = (SvirtKeeperFd){ ends[1], SVIRT_KEEPER_FD_SVIRT };
    special[1] = (SvirtKeeperFd){ spec_fd, SVIRT_KEEPER_FD_SPEC };
    g_array_append_vals(vm->fds, special, 2);
    vm->svirt_fd = ends[0];
    vm->keeper = svirt_run_keeper(KEEPER_PROGRAM, "test", false,
                                  (SvirtKeeperFd *)(void *)vm->fds->data,
                                  vm->fds->len);
    g_assert_no_errno(vm->keeper);
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
    vm_expect(vm, SVIRT_MESSAGE_READY, NULL);
    vm_commit(vm, paused);
    vm_expect(vm, SVIRT_MESSAGE_COMMITTED, NULL);
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
