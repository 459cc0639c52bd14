/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "attempts.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <sched.h>
#include <signal.h>
#include <sys/inotify.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

pid_t victim;
int victim_pidfd;
int connection_fd;
static char byte_there; /* an address the victim has as well */

static long
try_open_file(void)
{
    return open("/etc/passwd", O_RDONLY);
}

static long
try_open_library(void)
{
    return open("/usr/lib/os-release", O_RDONLY);
}

static long
try_open_proc(void)
{
    return open("/proc/self/status", O_RDONLY);
}

static long
try_open_device(void)
{
    return open("/dev/null", O_RDWR);
}

static long
try_open_root(void)
{
    return open("/", O_PATH | O_DIRECTORY);
}

static long
try_read_link(void)
{
    char path[64];

    return readlink("/proc/self/exe", path, sizeof(path));
}

static long
try_stat(void)
{
    struct stat st;

    return stat("/etc/passwd", &st);
}

static long
try_chdir(void)
{
    return chdir("/tmp");
}

static long
try_make_directory(void)
{
    g_autofree char *path = g_strdup_printf("/tmp/inside-%d", (int)getpid());
    int made = mkdir(path, 0700);

    if (made == 0) {
        (void)rmdir(path);
    }
    return made;
}

static long
try_unlink(void)
{
    /* The control's own success is the right error. */
    int done = unlink("/tmp/no-such-file-of-the-monitor-test");

    return done < 0 && errno == ENOENT ? 0 : -1;
}

static long
try_socket(int family, int type, int protocol)
{
    return socket(family, type, protocol);
}

static long
try_socket_unix(void)
{
    return try_socket(AF_UNIX, SOCK_STREAM, 0);
}

static long
try_socket_tcp(void)
{
    return try_socket(AF_INET, SOCK_STREAM, 0);
}

static long
try_socket_udp(void)
{
    return try_socket(AF_INET6, SOCK_DGRAM, 0);
}

static long
try_socket_netlink(void)
{
    return try_socket(AF_NETLINK, SOCK_RAW, 0);
}

static long
try_socket_packet(void)
{
    return try_socket(AF_PACKET, SOCK_RAW, 0);
}

static long
try_socketpair(void)
{
    int ends[2];

    return socketpair(AF_UNIX, SOCK_DGRAM, 0, ends);
}

static long
try_signal_victim(void)
{
    return kill(victim, 0);
}

static long
try_signal_parent(void)
{
    return kill(getppid() > 0 ? getppid() : victim, 0);
}

static long
try_signal_pidfd(void)
{
    return syscall(SYS_pidfd_send_signal, victim_pidfd, 0, NULL, 0);
}

static long
try_steal_descriptor(void)
{
    return syscall(SYS_pidfd_getfd, victim_pidfd, 2, 0);
}

static long
try_ptrace(void)
{
    return ptrace(PTRACE_SEIZE, victim, NULL, NULL);
}

static long
try_read_memory(void)
{
    char here;
    struct iovec local = { &here, 1 }, remote = { &byte_there, 1 };

    return process_vm_readv(victim, &local, 1, &remote, 1, 0);
}

static long
try_pidfd_open(void)
{
    return syscall(SYS_pidfd_open, victim, 0);
}

static long
try_fork(void)
{
    pid_t child = (pid_t)syscall(SYS_fork);

    if (child == 0) {
        _exit(0);
    }
    return child;
}

static long
try_exec(void)
{
    char *argv[] = { "true", NULL };

    /* Success never returns: the program's status 0 must not look refused. */
    return execve("/bin/true", argv, NULL);
}

static long
try_exec_memfd(void)
{
    return memfd_create("x", 0);
}

static long
try_map_code(void)
{
    return mmap(NULL, 4096, PROT_READ | PROT_EXEC,
                MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? -1 : 0;
}

static long
try_make_code(void)
{
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    return page == MAP_FAILED ? -1
                              : mprotect(page, 4096, PROT_READ | PROT_EXEC);
}

static long
try_unshare(void)
{
    return unshare(CLONE_NEWUTS);
}

static long
try_user_namespace(void)
{
    return unshare(CLONE_NEWUSER);
}

static long
try_mount(void)
{
    return unshare(CLONE_NEWNS) == 0 &&
           mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 ? 0 : -1;
}

static long
try_chroot(void)
{
    return chroot("/");
}

static long
try_become_root(void)
{
    return setresuid(0, 0, 0);
}

static long
try_drop_groups(void)
{
    return setgid(0);
}

static long
try_shared_memory(void)
{
    int id = shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0600);

    if (id >= 0) {
        (void)shmctl(id, IPC_RMID, NULL);
    }
    return id;
}

static long
try_message_queue(void)
{
    int id = msgget(IPC_PRIVATE, IPC_CREAT | 0600);

    if (id >= 0) {
        (void)msgctl(id, IPC_RMID, NULL);
    }
    return id;
}

static long
try_inotify(void)
{
    return inotify_init1(0);
}

static long
try_priority(void)
{
    return setpriority(PRIO_PROCESS, 0, -1);
}

static long
try_limit(void)
{
    struct rlimit limit = { 100, 100 };

    return prlimit(victim, RLIMIT_NOFILE, &limit, NULL);
}

static long
try_affinity(void)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET(0, &set);
    return sched_setaffinity(victim, sizeof(set), &set);
}

static long
try_traceable(void)
{
    return prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
}

static long
try_host_name(void)
{
    return unshare(CLONE_NEWUTS) == 0 ? sethostname("x", 1) : -1;
}

static long
try_perf(void)
{
    struct perf_event_attr attr = {
        .type = PERF_TYPE_SOFTWARE,
        .size = sizeof(attr),
        .config = PERF_COUNT_SW_CPU_CLOCK,
    };

    return syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0);
}

static long
try_bpf(void)
{
    union bpf_attr attr = { .map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4,
                            .value_size = 4, .max_entries = 1 };

    return syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof(attr));
}

static long
try_io_uring(void)
{
    char parameters[120] = { 0 };

    return syscall(SYS_io_uring_setup, 2, parameters);
}

static long
try_userfault(void)
{
    return syscall(SYS_userfaultfd, 0);
}

static long
try_key(void)
{
    return syscall(SYS_add_key, "user", "svirt-test", "x", 1, -1);
}

static long
try_duplicate_process_descriptor(void)
{
    return fcntl(2, F_DUPFD, 900);
}

/* A descriptor to whoever is connected: by the QMP socket alone. */
static long
try_pass_descriptor(void)
{
    char control[CMSG_SPACE(sizeof(int))] = { 0 };
    struct iovec part = { &byte_there, 1 };
    struct msghdr header = { .msg_iov = &part, .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = sizeof(control) };
    struct cmsghdr *message = CMSG_FIRSTHDR(&header);

    message->cmsg_level = SOL_SOCKET;
    message->cmsg_type = SCM_RIGHTS;
    message->cmsg_len = CMSG_LEN(sizeof(int));
    return sendmsg(connection_fd, &header, MSG_DONTWAIT);
}

const Attempt attempts[] = {
    { "pass-descriptor", try_pass_descriptor },
    { "open-file", try_open_file },
    { "open-library", try_open_library },
    { "open-proc", try_open_proc },
    { "open-device", try_open_device },
    { "open-root", try_open_root },
    { "read-link", try_read_link },
    { "stat", try_stat },
    { "chdir", try_chdir },
    { "make-directory", try_make_directory },
    { "unlink", try_unlink },
    { "socket-unix", try_socket_unix },
    { "socket-tcp", try_socket_tcp },
    { "socket-udp", try_socket_udp },
    { "socket-netlink", try_socket_netlink },
    { "socket-packet", try_socket_packet },
    { "socketpair-datagram", try_socketpair },
    { "signal-victim", try_signal_victim },
    { "signal-parent", try_signal_parent },
    { "signal-by-pidfd", try_signal_pidfd },
    { "steal-descriptor", try_steal_descriptor },
    { "ptrace", try_ptrace },
    { "read-memory", try_read_memory },
    { "pidfd-open", try_pidfd_open },
    { "fork", try_fork },
    { "exec", try_exec },
    { "memfd", try_exec_memfd },
    { "map-code", try_map_code },
    { "make-code", try_make_code },
    { "unshare", try_unshare },
    { "user-namespace", try_user_namespace },
    { "mount", try_mount },
    { "chroot", try_chroot },
    { "become-root", try_become_root },
    { "group-root", try_drop_groups },
    { "shared-memory", try_shared_memory },
    { "message-queue", try_message_queue },
    { "inotify", try_inotify },
    { "priority", try_priority },
    { "limit-of-victim", try_limit },
    { "affinity-of-victim", try_affinity },
    { "become-traceable", try_traceable },
    { "host-name", try_host_name },
    { "perf", try_perf },
    { "bpf", try_bpf },
    { "io-uring", try_io_uring },
    { "userfaultfd", try_userfault },
    { "add-key", try_key },
    { "duplicate-descriptor", try_duplicate_process_descriptor },
};
const unsigned n_attempts = G_N_ELEMENTS(attempts);
