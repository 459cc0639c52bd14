/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hypervisor/kvm.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"

/* devices.txt of the kernel; the VM's own node has these numbers, too. */
#define KVM_MAJOR 10
#define KVM_MINOR 232
#define PAGE_BYTES 4096u
#define MARK "kvm-works"

static const char *const words[SVIRT_KVM_MAX] = {
    [SVIRT_KVM_OPEN] = "it does not open",
    [SVIRT_KVM_API] = "it speaks another API",
    [SVIRT_KVM_VM] = "it makes no VM",
    [SVIRT_KVM_MEMORY] = "its VM takes no memory",
    [SVIRT_KVM_VCPU] = "its VM has no virtual CPU",
    [SVIRT_KVM_RUN] = "its virtual CPU does not run",
};

static bool
unusable(const char *node, GError *cause, GError **error)
{
    return svirt_raise(error, SVIRT_ERROR_UNSUPPORTED, cause,
                       "use <domain type='qemu'>, or load the kernel's "
                       "kvm_intel or kvm_amd",
                       "KVM does not work on this host ('%s')", node);
}

#if defined(__x86_64__)
/* One page at the reset vector's segment, with a halt in it. */
static bool
run_first_instruction(int kvm, int vm, int vcpu)
{
    int size = ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
    struct kvm_regs regs = { .rip = 0, .rflags = 2 };
    struct kvm_sregs sregs;
    struct kvm_run *run;

    (void)vm;
    if (size < (int)sizeof(*run)) {
        return false;
    }
    run = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu,
               0);
    if (run == MAP_FAILED || ioctl(vcpu, KVM_GET_SREGS, &sregs) < 0) {
        return false;
    }
    sregs.cs.base = 0;
    sregs.cs.selector = 0;
    if (ioctl(vcpu, KVM_SET_SREGS, &sregs) < 0 ||
        ioctl(vcpu, KVM_SET_REGS, &regs) < 0 ||
        ioctl(vcpu, KVM_RUN, 0) < 0) {
        return false;
    }
    errno = EIO;
    return run->exit_reason == KVM_EXIT_HLT;
}
#else
static bool
run_first_instruction(int kvm, int vm, int vcpu)
{
    return kvm >= 0 && vm >= 0 && vcpu >= 0;
}
#endif

static void
probe_kvm(const char *node, SvirtKvmStep *step)
{
    struct kvm_userspace_memory_region region = {
        .memory_size = PAGE_BYTES,
    };
    uint8_t *memory = mmap(NULL, PAGE_BYTES, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int kvm = open(node, O_RDWR | O_CLOEXEC | O_NONBLOCK);
    int vm;
    int vcpu;

    if (kvm < 0 || memory == MAP_FAILED) {
        return;
    }
    *step = SVIRT_KVM_API;
    if (ioctl(kvm, KVM_GET_API_VERSION, 0) != KVM_API_VERSION) {
        return;
    }
    *step = SVIRT_KVM_VM;
    vm = ioctl(kvm, KVM_CREATE_VM, 0);
    if (vm < 0) {
        return;
    }
    *step = SVIRT_KVM_MEMORY;
    memory[0] = 0xf4; /* hlt */
    region.userspace_addr = (uint64_t)(uintptr_t)memory;
    if (ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region) < 0) {
        return;
    }
    *step = SVIRT_KVM_VCPU;
    vcpu = ioctl(vm, KVM_CREATE_VCPU, 0);
    if (vcpu < 0) {
        return;
    }
    *step = SVIRT_KVM_RUN;
    if (run_first_instruction(kvm, vm, vcpu)) {
        *step = SVIRT_KVM_DONE;
    }
}

/* What the process and this one have in common. */
typedef struct Shared {
    SvirtKvmStep step;
    int errnum;
} Shared;

/* Killed and waited for, unless the kernel holds on to it. */
static bool
await_end(int end, pid_t pid, int timeout_ms)
{
    struct pollfd ready = { .fd = end, .events = POLLIN };
    int got;

    do {
        got = poll(&ready, 1, timeout_ms);
    } while (got < 0 && errno == EINTR);
    if (got == 0) {
        (void)kill(pid, SIGKILL);
        (void)poll(&ready, 1, 100);
        (void)waitpid(pid, NULL, WNOHANG);
        return false;
    }
    (void)waitpid(pid, NULL, 0);
    return true;
}

static bool
judge(const Shared *shared, bool ended, const char *node, int timeout_ms,
      GError **error)
{
    SvirtKvmStep step = shared->step;
    GError *cause = NULL;

    if (ended && step == SVIRT_KVM_DONE) {
        return true;
    }
    if (!ended) {
        svirt_raise(&cause, SVIRT_ERROR_TIMEOUT, NULL, NULL,
                    "%s within %d ms", words[MIN(step, SVIRT_KVM_RUN)],
                    timeout_ms);
    } else {
        svirt_raise_errno(&cause, shared->errnum, NULL, "%s",
                          words[MIN(step, SVIRT_KVM_RUN)]);
    }
    return unusable(node, cause, error);
}

bool
svirt_kvm_bounded(SvirtKvmProbe probe, const char *node, int timeout_ms,
                  GError **error)
{
    SVIRT_AUTO_FD end = -1;
    Shared *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
                          MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int pipe_ends[2] = { -1, -1 };
    pid_t pid;
    bool ended;
    bool ok;

    if (shared == MAP_FAILED || pipe2(pipe_ends, O_CLOEXEC) < 0) {
        return svirt_raise_errno(error, errno, NULL, "cannot look at '%s'",
                                 node);
    }
    end = pipe_ends[0];
    pid = fork();
    if (pid == 0) {
        errno = 0;
        probe(node, &shared->step);
        shared->errnum = errno != 0 ? errno : ENOTTY;
        _exit(0);
    }
    (void)close(pipe_ends[1]);
    if (pid < 0) {
        (void)munmap(shared, sizeof(*shared));
        return svirt_raise_errno(error, errno, NULL, "cannot look at '%s'",
                                 node);
    }
    ended = await_end(end, pid, timeout_ms);
    ok = judge(shared, ended, node, timeout_ms, error);
    (void)munmap(shared, sizeof(*shared));
    return ok;
}

static bool
check_kind(const char *node, struct stat *ret, GError **error)
{
    GError *cause = NULL;

    if (stat(node, ret) < 0) {
        svirt_raise_errno(&cause, errno, NULL,
                          errno == ENOENT ? "it is not there"
                                          : "it cannot be looked at");
        return unusable(node, cause, error);
    }
    if (!S_ISCHR(ret->st_mode) ||
        ret->st_rdev != makedev(KVM_MAJOR, KVM_MINOR)) {
        svirt_raise(&cause, SVIRT_ERROR_INVALID, NULL, NULL,
                    "it is no device of KVM's (%u:%u, not 10:232)",
                    major(ret->st_rdev), minor(ret->st_rdev));
        return unusable(node, cause, error);
    }
    return true;
}

bool
svirt_kvm_check_node(const char *node, GError **error)
{
    struct stat st;

    return check_kind(node, &st, error) &&
           svirt_kvm_bounded(probe_kvm, node, SVIRT_KVM_TIMEOUT_MS, error);
}

/* A module that is loaded again makes the node anew, a boot everything. */
static char *
mark_of(const struct stat *st)
{
    char boot[64] = "";

    (void)svirt_read_small(AT_FDCWD, "/proc/sys/kernel/random/boot_id", boot,
                           sizeof(boot));
    return g_strdup_printf("%lu %lu %ld.%09ld %s", (unsigned long)st->st_dev,
                           (unsigned long)st->st_ino,
                           (long)st->st_ctim.tv_sec, st->st_ctim.tv_nsec,
                           boot);
}

bool
svirt_kvm_check(int run_dir, GError **error)
{
    g_autofree char *mark = NULL;
    char known[256] = "";
    SVIRT_AUTO_FD fd = -1;
    struct stat st;

    if (!check_kind(SVIRT_KVM_NODE, &st, error)) {
        return false;
    }
    mark = mark_of(&st);
    if (run_dir >= 0 && svirt_read_small(run_dir, MARK, known,
                                         sizeof(known)) > 0 &&
        strcmp(known, mark) == 0) {
        return true;
    }
    if (!svirt_kvm_bounded(probe_kvm, SVIRT_KVM_NODE, SVIRT_KVM_TIMEOUT_MS,
                           error)) {
        return false;
    }
    /* One that cannot be written is looked at again. */
    if (run_dir >= 0) {
        fd = openat(run_dir, MARK, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW |
                    O_CLOEXEC, 0600);
        (void)(fd >= 0 && svirt_write_full(fd, mark, strlen(mark)));
    }
    return true;
}
