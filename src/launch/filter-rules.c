/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launch/filter-rules.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/falloc.h>
#include <linux/prctl.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "launch/spec.h"

#define ALL UINT64_MAX
#define IS(argument, value) { (argument), ALL, (uint64_t)(value) }
/* An int or unsigned argument: the kernel looks at 32 bits. */
#define INT_IS(argument, value) { (argument), 0xffffffffu, (uint32_t)(value) }

/* Threads share all of these; a process does not. Descriptors among them: what
 * /proc shows of a process' is then what all of its threads have. */
#define THREAD (CLONE_VM | CLONE_SIGHAND | CLONE_THREAD | CLONE_FILES)
#define NAMESPACES                                                           \
    (CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC |           \
     CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET)
#define THREAD_MASK \
    (0xffffffff00000000u | THREAD | NAMESPACES | CLONE_PTRACE | CLONE_PIDFD)

/* SOCK_NONBLOCK and SOCK_CLOEXEC may be added to a type. */
#define TYPE_MASK (0xffffffffu & ~(uint32_t)(SOCK_NONBLOCK | SOCK_CLOEXEC))
#define TYPE_IS(argument, type) { (argument), TYPE_MASK, (type) }

/* Nobody's but where `svirt exec` was told so. */
#define CLOSED(argument, mask, group, number)                                \
    { (argument), (mask),                                                    \
      SVIRT_FILTER_CLOSED(SVIRT_EXEC_##group, (number)) }
#define LOCK_IS(command)                                                     \
    { "fcntl", FILTER_ALLOW,                                                 \
      { CLOSED(1, 0xffffffffu, LOCKS, (command)) } }
#define FLOCK_IS(operation)                                                  \
    { "flock", FILTER_ALLOW,                                                 \
      { CLOSED(1, 0xffffffffu & ~(uint32_t)LOCK_NB, LOCKS, (operation)) } }
/* TCP alone: Landlock, which closes the other ports, knows no MPTCP. */
#define TCP_IS(family, protocol)                                             \
    { "socket", FILTER_ALLOW,                                                \
      { CLOSED(0, 0xffffffffu, CONNECT, (family)), TYPE_IS(1, SOCK_STREAM),  \
        INT_IS(2, (protocol)) } }
#define CONNECT_IS(length)                                                   \
    { "connect", FILTER_ALLOW,                                               \
      { CLOSED(2, 0xffffffffu, CONNECT, (length)) } }

/* What a program of any kind does with memory, time and itself. */
#define RULES_SELF                                                           \
    { "brk munmap mremap madvise mincore msync membarrier futex futex_waitv "\
      "set_robust_list set_tid_address rseq exit exit_group sched_yield "    \
      "getpid gettid getppid getuid geteuid getgid getegid getresuid "       \
      "getresgid getgroups getpgrp uname sysinfo getcpu getrusage times "    \
      "getrandom" },                                                         \
    { "clock_gettime clock_getres clock_nanosleep nanosleep gettimeofday "   \
      "time timerfd_create timerfd_settime timerfd_gettime" },               \
    { "rt_sigaction rt_sigprocmask rt_sigreturn rt_sigpending "              \
      "rt_sigsuspend rt_sigtimedwait sigaltstack restart_syscall" },         \
    /* Signals to oneself: abort, and a vCPU thread's kick. */               \
    { "kill tgkill rt_sigqueueinfo rt_tgsigqueueinfo", FILTER_ALLOW,         \
      { IS(0, SVIRT_FILTER_OWN_PID) } },                                     \
    /* Reading one's own limits; setting them, or another's, is closed. */   \
    { "prlimit64", FILTER_ALLOW, { INT_IS(0, 0), IS(2, 0) } },               \
    { "getrlimit" },                                                         \
    /* Threads only: CLONE_* of clone3 cannot be seen by a filter. */        \
    { "clone3", FILTER_NOSYS }

/* Waiting for descriptors and making ones that only wake oneself. */
#define RULES_EVENTS                                                         \
    { "poll ppoll select pselect6 epoll_create1 epoll_create epoll_ctl "     \
      "epoll_wait epoll_pwait epoll_pwait2 eventfd2 eventfd signalfd4 "      \
      "signalfd pipe2 pipe" }

/*
 * The one exec of the launch. It is the parent that lets it pass, through a
 * listener that it closes at once: from then on the kernel itself refuses. A
 * rule on the arguments could not do this: whatever descriptor it named, an
 * absolute path in memory would be executed instead.
 */
#define RULES_EXEC { "execveat", FILTER_ASK }

/* What the dynamic loader and libc's start need. */
#define RULES_LOADER                                                         \
    { "mmap mprotect openat open access faccessat faccessat2 readlink "      \
      "readlinkat newfstatat stat lstat statx getcwd" },                     \
    /* Thread pointer; x86 state components (AMX) a CPU model may want;      \
     * 0x3001 is the loader's question for shadow stacks. */                 \
    { "arch_prctl", FILTER_ALLOW, { INT_IS(0, 0x1002) } },                   \
    { "arch_prctl", FILTER_ALLOW, { { 0, 0xfffffff8u, 0x1020 } } },          \
    { "arch_prctl", FILTER_ALLOW, { INT_IS(0, 0x3001) } }

/* Reading and writing what is open. */
#define RULES_IO                                                             \
    { "read readv pread64 preadv preadv2 write writev pwrite64 pwritev "     \
      "pwritev2 lseek close fstat fstatfs" },                                \
    { "close_range", FILTER_ALLOW,                                           \
      { { 2, ~(uint64_t)CLOSE_RANGE_CLOEXEC, 0 } } }

/*
 * The virtual machine monitor: QEMU 7.2 with TCG or KVM, and any static or
 * dynamic program in its place. Not here, though an inherited socket would
 * take it: sendmmsg. sendmsg is needed (QMP and the network's stream socket),
 * and its destination is in memory, where a filter cannot look: no datagram
 * socket is ever handed to a VMM, it can make none, and its network namespace
 * is empty.
 */
static const FilterRule vmm_rules[] = {
    RULES_SELF,
    RULES_EVENTS,
    RULES_EXEC,
    RULES_LOADER,
    RULES_IO,
    /* Directories inside its root: keymaps, modules, firmware. */
    { "getdents64 statfs chdir fchdir umask dup dup2 dup3" },
    /* Images. truncate(2) takes a path, and is closed. */
    { "ftruncate fsync fdatasync sync_file_range fadvise64 copy_file_range "
      "readahead" },
    /* Space beyond the end of a file is under no limit of file sizes: of
     * those that keep the size only the one that gives space back. */
    { "fallocate", FILTER_ALLOW, { INT_IS(1, 0) } },
    { "fallocate", FILTER_ALLOW, { INT_IS(1, FALLOC_FL_ZERO_RANGE) } },
    { "fallocate", FILTER_ALLOW,
      { INT_IS(1, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE) } },
    /* aio=native; io_uring has calls of its own that no filter sees. */
    { "io_setup io_submit io_getevents io_pgetevents io_destroy io_cancel" },
    { "io_uring_setup io_uring_enter io_uring_register", FILTER_NOSYS },
    /* Guest memory: placement, locking, memfd back ends. */
    { "memfd_create mbind set_mempolicy get_mempolicy mlock mlock2 munlock "
      "mlockall munlockall pkey_alloc pkey_free pkey_mprotect" },
    { "timer_create timer_settime timer_gettime timer_delete "
      "timer_getoverrun setitimer getitimer alarm pause" },
    { "sched_getaffinity sched_getscheduler sched_getparam "
      "sched_get_priority_max sched_get_priority_min" },
    /* KVM, terminals of its own, block devices; see vmm_except. */
    { "ioctl" },
    { "clone", FILTER_ALLOW, { { 0, THREAD_MASK, THREAD } } },
    { "wait4 waitid" },
    { "fcntl", FILTER_ALLOW, { INT_IS(1, F_DUPFD) } },
    { "fcntl", FILTER_ALLOW, { INT_IS(1, F_DUPFD_CLOEXEC) } },
    { "fcntl", FILTER_ALLOW, { INT_IS(1, F_GETFD) } },
    { "fcntl", FILTER_ALLOW, { INT_IS(1, F_SETFD) } },
    { "fcntl", FILTER_ALLOW, { INT_IS(1, F_GETFL) } },
    { "fcntl", FILTER_ALLOW, { INT_IS(1, F_SETFL) } },
    { "fcntl", FILTER_ALLOW, { INT_IS(1, F_ADD_SEALS) } },
    { "fcntl", FILTER_ALLOW, { INT_IS(1, F_GET_SEALS) } },
    { "fcntl", FILTER_ALLOW, { INT_IS(1, F_GETPIPE_SZ) } },
    { "prctl", FILTER_ALLOW, { INT_IS(0, PR_SET_NAME) } },
    { "prctl", FILTER_ALLOW, { INT_IS(0, PR_GET_NAME) } },
    { "prctl", FILTER_ALLOW, { INT_IS(0, PR_SET_TIMERSLACK) } },
    { "prctl", FILTER_ALLOW, { INT_IS(0, PR_SET_NO_NEW_PRIVS) } },
    { "prctl", FILTER_ALLOW, { INT_IS(0, PR_GET_NO_NEW_PRIVS) } },
    { "prctl", FILTER_ALLOW, { INT_IS(0, PR_GET_SECCOMP) } },
    { "prctl", FILTER_ALLOW, { INT_IS(0, PR_MCE_KILL) } },
    { "prctl", FILTER_ALLOW, { INT_IS(0, 0x53564d41) } }, /* PR_SET_VMA */
    /* QEMU's own -sandbox; a listener would make descriptors. */
    { "seccomp", FILTER_ALLOW,
      { { 1, SECCOMP_FILTER_FLAG_NEW_LISTENER | 0xffffffff00000000u, 0 } } },
    /* Sockets it was given. */
    { "recvmsg recvfrom shutdown getsockname getpeername getsockopt" },
    /* Fast open would connect by another way. */
    { "sendmsg", FILTER_ALLOW, { { 2, MSG_FASTOPEN, 0 } } },
    { "sendto", FILTER_ALLOW, { IS(4, 0), IS(5, 0) } },
    { "socketpair", FILTER_ALLOW,
      { INT_IS(0, AF_UNIX), TYPE_IS(1, SOCK_STREAM), INT_IS(2, 0) } },
    { "socketpair", FILTER_ALLOW,
      { INT_IS(0, AF_UNIX), TYPE_IS(1, SOCK_SEQPACKET), INT_IS(2, 0) } },
    { "setsockopt", FILTER_ALLOW,
      { INT_IS(1, SOL_SOCKET), INT_IS(2, SO_SNDBUF) } },
    { "setsockopt", FILTER_ALLOW,
      { INT_IS(1, SOL_SOCKET), INT_IS(2, SO_RCVBUF) } },
    { "setsockopt", FILTER_ALLOW,
      { INT_IS(1, SOL_SOCKET), INT_IS(2, SO_KEEPALIVE) } },
    { "setsockopt", FILTER_ALLOW,
      { INT_IS(1, SOL_SOCKET), INT_IS(2, SO_ZEROCOPY) } },
    /* A VNC or migration connection it was given. */
    { "setsockopt", FILTER_ALLOW,
      { INT_IS(1, IPPROTO_TCP), INT_IS(2, 1 /* TCP_NODELAY */) } },
    /* Of `svirt exec`, where it is asked for. */
    LOCK_IS(F_GETLK),
    LOCK_IS(F_SETLK),
    LOCK_IS(F_SETLKW),
    LOCK_IS(F_OFD_GETLK),
    LOCK_IS(F_OFD_SETLK),
    LOCK_IS(F_OFD_SETLKW),
    FLOCK_IS(LOCK_SH),
    FLOCK_IS(LOCK_EX),
    FLOCK_IS(LOCK_UN),
    TCP_IS(AF_INET, 0),
    TCP_IS(AF_INET, IPPROTO_TCP),
    TCP_IS(AF_INET6, 0),
    TCP_IS(AF_INET6, IPPROTO_TCP),
    CONNECT_IS(sizeof(struct sockaddr_in)),
    CONNECT_IS(sizeof(struct sockaddr_in6)),
    { NULL }
};

/*
 * Requests that reach beyond an open descriptor: typing into a terminal,
 * signals to others by way of asynchronous I/O, inode flags and the project
 * quota of an image, space beyond its end; a loop device's other file or
 * offset; and the interfaces of the network namespace that an inherited socket
 * was made in, which is the host's.
 */
static const uint32_t closed_ioctls[] = {
    0x5412,     /* TIOCSTI */
    0x541c,     /* TIOCLINUX */
    0x540e,     /* TIOCSCTTY */
    0x5423,     /* TIOCSETD */
    0x5410,     /* TIOCSPGRP */
    0x5452,     /* FIOASYNC */
    0x8901,     /* FIOSETOWN */
    0x8902,     /* SIOCSPGRP */
    0x40086602, /* FS_IOC_SETFLAGS */
    0x40046602, /* FS_IOC32_SETFLAGS */
    0x401c5820, /* FS_IOC_FSSETXATTR */
    0x40806685, /* FS_IOC_ENABLE_VERITY */
    0x40305828, /* FS_IOC_RESVSP */
    0x40305829, /* FS_IOC_UNRESVSP */
    0x4030582a, /* FS_IOC_RESVSP64 */
    0x4030582b, /* FS_IOC_UNRESVSP64 */
    0x40305839, /* FS_IOC_ZERO_RANGE */
    0x4c00,     /* LOOP_SET_FD */
    0x4c01,     /* LOOP_CLR_FD */
    0x4c02,     /* LOOP_SET_STATUS */
    0x4c03,     /* LOOP_GET_STATUS */
    0x4c04,     /* LOOP_SET_STATUS64 */
    0x4c05,     /* LOOP_GET_STATUS64 */
    0x4c06,     /* LOOP_CHANGE_FD */
    0x4c07,     /* LOOP_SET_CAPACITY */
    0x4c08,     /* LOOP_SET_DIRECT_IO */
    0x4c09,     /* LOOP_SET_BLOCK_SIZE */
    0x4c0a,     /* LOOP_CONFIGURE */
    0x400454c8, /* TUNSETNOCSUM */
    0x400454ca, /* TUNSETIFF */
    0x400454cb, /* TUNSETPERSIST: it would outlive its VM */
    0x400454cc, /* TUNSETOWNER */
    0x400454cd, /* TUNSETLINK */
    0x400454ce, /* TUNSETGROUP */
    0x400454e2, /* TUNSETCARRIER */
    0x000054e3, /* TUNGETDEVNETNS */
    0x8910,     /* SIOCGIFNAME */
    0x8912,     /* SIOCGIFCONF */
    0x8913,     /* SIOCGIFFLAGS */
    0x8915,     /* SIOCGIFADDR */
    0x8917,     /* SIOCGIFDSTADDR */
    0x8919,     /* SIOCGIFBRDADDR */
    0x891b,     /* SIOCGIFNETMASK */
    0x891d,     /* SIOCGIFMETRIC */
    0x8921,     /* SIOCGIFMTU */
    0x8927,     /* SIOCGIFHWADDR */
    0x8933,     /* SIOCGIFINDEX */
    0x8940,     /* SIOCGIFBR */
    0x8942,     /* SIOCGIFTXQLEN */
    0x8946,     /* SIOCETHTOOL */
    0x8947,     /* SIOCGMIIPHY */
    0x8948,     /* SIOCGMIIREG */
    0x894c,     /* SIOCGSKNS */
    0x8954,     /* SIOCGARP */
    0x8924,     /* SIOCSIFHWADDR: a tap takes it of anybody who has it */
    0x8970,     /* SIOCGIFMAP */
    0x8982,     /* SIOCGIFVLAN */
    0x8994,     /* SIOCBONDINFOQUERY */
    0x89b1,     /* SIOCGHWTSTAMP */
    0,
};

static const FilterExcept vmm_except[] = {
    { "ioctl", 1, closed_ioctls },
    { NULL }
};

/*
 * svirt's own monitor after its confinement: it holds every descriptor it will
 * ever have but accepted connections, and needs no name of any kind.
 */
static const FilterRule monitor_rules[] = {
    RULES_SELF,
    RULES_EVENTS,
    RULES_IO,
    { "newfstatat", FILTER_ALLOW, { INT_IS(3, AT_EMPTY_PATH) } },
    /* No new code: PROT_EXEC is closed in both. */
    { "mmap mprotect", FILTER_ALLOW, { { 2, PROT_EXEC, 0 } } },
    /* Log rotation. */
    { "ftruncate fsync fdatasync copy_file_range" },
    { "recvmsg recvfrom accept4 shutdown getsockname getpeername "
      "getsockopt" },
    /* Descriptors go to QEMU, on the number of its QMP socket, and by no
     * other connection: some lead to servers of the host. */
    { "sendmsg", FILTER_ALLOW, { INT_IS(0, 4) } },
    { "sendto", FILTER_ALLOW, { IS(4, 0), IS(5, 0) } },
    /* What stands between QEMU and a viewer. */
    { "socketpair", FILTER_ALLOW,
      { INT_IS(0, AF_UNIX), TYPE_IS(1, SOCK_STREAM), INT_IS(2, 0) } },
    { "fcntl", FILTER_ALLOW, { INT_IS(1, F_GETFL) } },
    { "fcntl", FILTER_ALLOW, { INT_IS(1, F_SETFL) } },
    { "fcntl", FILTER_ALLOW, { INT_IS(1, F_GETFD) } },
    { "fcntl", FILTER_ALLOW, { INT_IS(1, F_SETFD) } },
    /* A pty master's window and state; nothing that types or signals. */
    { "ioctl", FILTER_ALLOW, { INT_IS(1, 0x5401 /* TCGETS */) } },
    { "ioctl", FILTER_ALLOW, { INT_IS(1, 0x541b /* FIONREAD */) } },
    { NULL }
};

/*
 * passt. It wants to build a sandbox of its own with user, mount and other
 * namespaces, which svirt has built already and will not open again: those
 * calls succeed and do nothing. Its own, narrower filter follows this one.
 */
static const FilterRule passt_rules[] = {
    RULES_SELF,
    RULES_EVENTS,
    RULES_EXEC,
    RULES_LOADER,
    RULES_IO,
    { "unshare setgroups setgid setuid capset mount umount2 pivot_root "
      "chdir setrlimit", FILTER_PRETEND },
    /* It raises its limit on descriptors, which is as high as it goes. */
    { "prlimit64", FILTER_PRETEND, { INT_IS(0, 0), INT_IS(1, 7), IS(3, 0) } },
    { "capget" },
    { "prctl", FILTER_ALLOW, { INT_IS(0, PR_SET_NO_NEW_PRIVS) } },
    { "prctl", FILTER_ALLOW, { INT_IS(0, PR_SET_SECCOMP) } },
    { "prctl", FILTER_ALLOW, { INT_IS(0, PR_SET_DUMPABLE), IS(1, 0) } },
    { "prctl", FILTER_ALLOW, { INT_IS(0, PR_SET_NAME) } },
    { "prctl", FILTER_PRETEND, { INT_IS(0, PR_CAPBSET_DROP) } },
    { "umask" },
    /* Names of interfaces, state of its own sockets' queues. */
    { "ioctl", FILTER_ALLOW, { INT_IS(1, 0x8910 /* SIOCGIFNAME */) } },
    { "ioctl", FILTER_ALLOW, { INT_IS(1, 0x8933 /* SIOCGIFINDEX */) } },
    { "ioctl", FILTER_ALLOW, { INT_IS(1, 0x5411 /* SIOCOUTQ */) } },
    { "ioctl", FILTER_ALLOW, { INT_IS(1, 0x541b /* SIOCINQ */) } },
    /* TCP, UDP and echo requests; the host's routes and addresses. */
    { "socket", FILTER_ALLOW,
      { INT_IS(0, AF_INET), TYPE_IS(1, SOCK_STREAM), INT_IS(2, IPPROTO_TCP) } },
    { "socket", FILTER_ALLOW,
      { INT_IS(0, AF_INET), TYPE_IS(1, SOCK_DGRAM), INT_IS(2, IPPROTO_UDP) } },
    { "socket", FILTER_ALLOW,
      { INT_IS(0, AF_INET6), TYPE_IS(1, SOCK_STREAM),
        INT_IS(2, IPPROTO_TCP) } },
    { "socket", FILTER_ALLOW,
      { INT_IS(0, AF_INET6), TYPE_IS(1, SOCK_DGRAM), INT_IS(2, IPPROTO_UDP) } },
    /* libc asks an interface's name of one of these; without a protocol it
     * can send no echo request, and programs on the cgroup see the rest. */
    { "socket", FILTER_ALLOW,
      { INT_IS(0, AF_INET), TYPE_IS(1, SOCK_DGRAM), INT_IS(2, 0) } },
    { "socket", FILTER_ALLOW,
      { INT_IS(0, AF_NETLINK), TYPE_IS(1, SOCK_RAW), INT_IS(2, 0) } },
    /* cgroup programs look at the addresses (cgroup.h). No listen, accept. */
    { "connect bind recvfrom recvmsg recvmmsg shutdown getsockname "
      "getpeername getsockopt setsockopt" },
    /* Fast open would connect by another way. */
    { "sendto sendmmsg", FILTER_ALLOW, { { 3, MSG_FASTOPEN, 0 } } },
    { "sendmsg", FILTER_ALLOW, { { 2, MSG_FASTOPEN, 0 } } },
    { "fcntl", FILTER_ALLOW, { INT_IS(1, F_GETFL) } },
    { "fcntl", FILTER_ALLOW, { INT_IS(1, F_SETFL) } },
    { "fcntl", FILTER_ALLOW, { INT_IS(1, F_GETFD) } },
    { "fcntl", FILTER_ALLOW, { INT_IS(1, F_SETFD) } },
    { NULL }
};

static const FilterExcept no_except[] = { { NULL } };

const FilterProfile filter_profiles[] = {
    { "vmm", vmm_rules, vmm_except },
    { "monitor", monitor_rules, no_except },
    { "passt", passt_rules, no_except },
    { NULL }
};
