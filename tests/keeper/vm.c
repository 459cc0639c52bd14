/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vm.h"

#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "keeper/layout.h"
#include "launch/cgroup.h"

enum { VMM_QMP = 10, VMM_SERIAL = 11, VMM_LOCK = 90, VMM_IMAGE = 91 };

/* Gives the descriptor to the keeper under the next number. */
static void
add_fd(Vm *vm, int fd, SvirtSpecFd entry)
{
    SvirtNumberedFd pair = { fd, vm->next_source++ };

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

static void
add_keeper_fds(Vm *vm)
{
    SvirtRunStatus status;
    int fd = create(vm, SVIRT_RUN_STATUS);
    g_autofree char *path = NULL;
    struct stat st;

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
    fd = lock_image(vm);
    g_assert_no_errno(fstat(fd, &st));
    g_assert_true(svirt_spec_add_lock(&vm->spec, &(SvirtSpecLock){
        .device = st.st_dev, .inode = st.st_ino, .source = vm->next_source,
        .bytes = { .used = 1u << 1 } }));
    add_fd(vm, fd, (SvirtSpecFd){
        .to = SVIRT_TO_KEEPER | SVIRT_TO_VMM, .vmm = VMM_LOCK,
        .role = SVIRT_FD_LOCK });
    path = g_build_filename(vm->top, "image", NULL);
    add_fd(vm, open(path, O_RDWR | O_CLOEXEC), (SvirtSpecFd){
        .to = SVIRT_TO_VMM, .vmm = VMM_IMAGE, .role = SVIRT_FD_IMAGE });
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
    vm->fds = g_array_new(FALSE, FALSE, sizeof(SvirtNumberedFd));
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
                    : kind == SVIRT_SERIAL_CONNECTED ? SVIRT_FD_SERIAL_PEER
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

void
vm_add_socket_file(Vm *vm, int dir_fd, const char *dir_path, const char *name)
{
    struct stat dir, file;

    g_assert_no_errno(fstat(dir_fd, &dir));
    g_assert_no_errno(fstatat(dir_fd, name, &file, AT_SYMLINK_NOFOLLOW));
    g_assert_true(svirt_spec_add_socket(&vm->spec, &(SvirtSpecSocket){
        .dir_device = dir.st_dev, .dir_inode = dir.st_ino,
        .device = file.st_dev, .inode = file.st_ino,
        .source = vm->next_source }, dir_path, name));
    add_fd(vm, fcntl(dir_fd, F_DUPFD_CLOEXEC, 3), (SvirtSpecFd){
        .to = SVIRT_TO_KEEPER, .role = SVIRT_FD_SOCKET_DIR });
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
    for (unsigned i = 0; i < SVIRT_LEAF_MAX; i++) {
        int fd = i == SVIRT_LEAF_VMM ? cgroup.vmm_fd : cgroup.helper_fd;

        add_fd(vm, fcntl(fd, F_DUPFD_CLOEXEC, 3), (SvirtSpecFd){
            .to = SVIRT_TO_KEEPER, .role = SVIRT_FD_CGROUP, .index = i });
    }
    svirt_cgroup_close(&cgroup);
    return true;
}

void
vm_add_passt(Vm *vm, unsigned index, const char *const *argv)
{
    uint32_t uid = vm->spec->ids[SVIRT_PROCESS_VMM].uid + 2;
    SvirtProcess which = (SvirtProcess)(SVIRT_PROCESS_PASST + index);

    vm->spec->ids[which] = (SvirtSpecIds){ uid, uid };
    for (unsigned i = 0; argv[i] != NULL; i++) {
        g_assert_true(svirt_spec_add_arg(&vm->spec, which, argv[i]));
    }
    for (int i = 0; i < 3; i++) {
        SvirtNumberedFd pair = { open("/dev/null", O_RDWR | O_CLOEXEC),
                               vm->next_source++ };
        SvirtSpecFd entry = { .source = pair.number,
                              .to = SVIRT_TO_PASST(index),
                              .vmm = -1, .monitor = -1, .passt = i,
                              .role = SVIRT_FD_NULL };

        g_array_append_val(vm->fds, pair);
        g_assert_true(svirt_spec_add_fd(&vm->spec, &entry));
    }
}
