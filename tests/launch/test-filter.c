/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <netinet/in.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "launch/filter.h"
#include "probe-calls.h"

#define VMM (1u << SVIRT_FILTER_VMM)
#define MONITOR (1u << SVIRT_FILTER_MONITOR)
#define PASST (1u << SVIRT_FILTER_PASST)
#define EVERY (VMM | MONITOR | PASST)

/* Calls a profile needs: they must come back with anything but a refusal. */
typedef struct OpenCall {
    ProbeCall call;
    unsigned profiles; /* that let it through; the others refuse it */
} OpenCall;

static const OpenCall open_calls[] = {
    { { "read", SYS_read, { BAD_FD, 0, 0 } }, EVERY },
    { { "write", SYS_write, { BAD_FD, 0, 0 } }, EVERY },
    { { "close", SYS_close, { BAD_FD } }, EVERY },
    { { "ppoll", SYS_ppoll, { 0, 0, BAD_POINTER, 0, 0 } }, EVERY },
    { { "epoll-wait", SYS_epoll_wait, { BAD_FD, 0, 1, 0 } }, EVERY },
    { { "eventfd2", SYS_eventfd2, { 0, 0 } }, EVERY },
    { { "futex", SYS_futex, { BAD_POINTER, 0, 0, 0, 0, 0 } }, EVERY },
    { { "recvmsg", SYS_recvmsg, { BAD_FD, BAD_POINTER, 0 } }, EVERY },
    { { "sendmsg", SYS_sendmsg, { BAD_FD, BAD_POINTER, 0 } }, VMM | PASST },
    { { "sendmsg-qmp", SYS_sendmsg, { 4, BAD_POINTER, 0 } }, EVERY },
    { { "sendto", SYS_sendto, { BAD_FD, 0, 0, 0, 0, 0 } }, EVERY },
    { { "fcntl-getfl", SYS_fcntl, { BAD_FD, F_GETFL } }, EVERY },
    { { "limits", SYS_prlimit64, { 0, 7, 0, BAD_POINTER } }, EVERY },
    { { "mmap", SYS_mmap, { 0, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS,
                            -1, 0 } }, EVERY },
    { { "mmap-exec", SYS_mmap, { 0, 4096, PROT_READ | PROT_EXEC,
                                 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0 } },
      VMM | PASST },
    { { "mprotect-exec", SYS_mprotect, { 0, 0, PROT_EXEC } }, VMM | PASST },
    { { "openat", SYS_openat, { BAD_FD, BAD_POINTER, 0, 0 } }, VMM | PASST },
    { { "fstat", SYS_newfstatat, { BAD_FD, BAD_POINTER, 0, AT_EMPTY_PATH } },
      EVERY },
    { { "stat", SYS_newfstatat, { BAD_FD, BAD_POINTER, 0, 0 } },
      VMM | PASST },
    { { "dup", SYS_dup, { BAD_FD } }, VMM },
    { { "ftruncate", SYS_ftruncate, { BAD_FD, 0 } }, VMM | MONITOR },
    { { "close-range-cloexec", SYS_close_range, { -2, -2, 4 } }, EVERY },
    { { "fallocate", SYS_fallocate, { BAD_FD, 0, 0, 4096 } }, VMM },
    { { "fallocate-punch", SYS_fallocate, { BAD_FD, 3, 0, 4096 } }, VMM },
    { { "fallocate-zero", SYS_fallocate, { BAD_FD, 0x10, 0, 4096 } }, VMM },
    { { "copy-file-range", SYS_copy_file_range,
        { BAD_FD, 0, BAD_FD, 0, 0, 0 } },
      VMM | MONITOR },
    { { "memfd-create", SYS_memfd_create, { BAD_POINTER, 0 } }, VMM },
    { { "io-submit", SYS_io_submit, { 0, 1, 0 } }, VMM },
    { { "mbind", SYS_mbind, { 1, 0, 99, 0, 0, 0 } }, VMM },
    { { "ioctl-any", SYS_ioctl, { BAD_FD, 0xae00 } }, VMM },
    { { "socketpair-stream", SYS_socketpair,
        { AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, BAD_POINTER } },
      VMM | MONITOR },
    { { "socketpair-seqpacket", SYS_socketpair,
        { AF_UNIX, SOCK_SEQPACKET, 0, BAD_POINTER } }, VMM },
    { { "accept4-inherited", SYS_accept4, { BAD_FD, 0, 0, 0 } }, MONITOR },
    { { "seccomp-own", SYS_seccomp, { 1, 1, BAD_POINTER } }, VMM },
    { { "prctl-seccomp", SYS_prctl, { PR_SET_SECCOMP, 2, BAD_POINTER } },
      PASST },
    { { "socket-tcp", SYS_socket, { AF_INET, SOCK_STREAM, IPPROTO_TCP } },
      PASST },
    { { "socket-udp6", SYS_socket, { AF_INET6, SOCK_DGRAM, IPPROTO_UDP } },
      PASST },
    { { "socket-icmp", SYS_socket, { AF_INET, SOCK_DGRAM, IPPROTO_ICMP } },
      0 },
    { { "socket-raw", SYS_socket, { AF_INET, SOCK_RAW, IPPROTO_ICMP } }, 0 },
    { { "socket-mptcp", SYS_socket, { AF_INET, SOCK_STREAM, 262 } }, 0 },
    { { "socket-vsock", SYS_socket, { 40, SOCK_STREAM, 0 } }, 0 },
    { { "sendto-fast-open", SYS_sendto,
        { BAD_FD, 0, 0, MSG_FASTOPEN, BAD_POINTER, 16 } }, 0 },
};

/* Rows of probe_calls[] that a profile is allowed. */
static const struct { unsigned profiles; const char *name; } excused[] = {
    { MONITOR, "accept4" },
    /* TCP and UDP are what passt is for. */
    { PASST, "socket-netlink" },
    { PASST, "connect" },
    { PASST, "bind" },
    { PASST, "sendto-address" },
    { PASST, "sendmmsg" },
    { PASST, "setsockopt-filter" },
    /* Done before by svirt: they succeed and do nothing. */
    { PASST, "mount" },
    { PASST, "umount2" },
    { PASST, "pivot-root" },
    { PASST, "unshare" },
    { PASST, "setuid" },
    { PASST, "setgid" },
    { PASST, "setgroups" },
    { PASST, "capset" },
    { PASST, "setrlimit" },
    { PASST, "prlimit-set" },
};

typedef struct Result {
    long value;
    int error;
} Result;

#define N_RESULTS (N_PROBE_CALLS + G_N_ELEMENTS(open_calls))

static Result
call(const ProbeCall *c)
{
    Result result;

    errno = 0;
    result.value = syscall(c->nr, c->a[0], c->a[1], c->a[2], c->a[3], c->a[4],
                           c->a[5]);
    if (c->forks && result.value == 0) {
        _exit(0);
    }
    result.error = errno;
    return result;
}

/* Every row by a process that has the filter and nothing else. */
static Result *
run(SvirtFilter filter)
{
    Result *results = mmap(NULL, N_RESULTS * sizeof(Result),
                           PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
                           -1, 0);
    int status;
    pid_t pid;

    g_assert_true(results != MAP_FAILED);
    pid = fork();
    g_assert_cmpint(pid, >=, 0);
    if (pid == 0) {
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
            !svirt_filter_install(filter, 0, NULL, NULL)) {
            _exit(1);
        }
        for (unsigned i = 0; i < N_PROBE_CALLS; i++) {
            results[i] = call(&probe_calls[i]);
        }
        for (unsigned i = 0; i < G_N_ELEMENTS(open_calls); i++) {
            results[N_PROBE_CALLS + i] = call(&open_calls[i].call);
        }
        /* Signals to itself alone. */
        if (syscall(SYS_kill, getpid(), 0) < 0 ||
            syscall(SYS_tgkill, getpid(), getpid(), 0) < 0) {
            _exit(2);
        }
        _exit(0);
    }
    g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
    g_assert_cmpint(status, ==, 0);
    return results;
}

static bool
is_excused(unsigned profile, const char *name)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(excused); i++) {
        if ((excused[i].profiles & profile) != 0 &&
            strcmp(excused[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

static void
test_profile(gconstpointer data)
{
    SvirtFilter filter = (SvirtFilter)GPOINTER_TO_UINT(data);
    unsigned profile = 1u << filter;
    Result *results = run(filter);

    for (unsigned i = 0; i < N_RESULTS; i++) {
        const ProbeCall *c = i < N_PROBE_CALLS
            ? &probe_calls[i] : &open_calls[i - N_PROBE_CALLS].call;
        bool open = i < N_PROBE_CALLS
            ? is_excused(profile, c->name)
            : (open_calls[i - N_PROBE_CALLS].profiles & profile) != 0;
        bool refused = results[i].value == -1 &&
            (results[i].error == EPERM || results[i].error == ENOSYS);

        if (refused == open) {
            g_error("%s: %s gives %ld, %s", svirt_filter_to_string(filter),
                    c->name, results[i].value, g_strerror(results[i].error));
        }
    }
    munmap(results, N_RESULTS * sizeof(Result));
}

/* What passt believes to have done has not happened. */
static void
test_pretended_calls_do_nothing(void)
{
    int status;
    pid_t pid = fork();

    g_assert_cmpint(pid, >=, 0);
    if (pid == 0) {
        char before[256], after[256];

        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
            !svirt_filter_install(SVIRT_FILTER_PASST, 0, NULL, NULL)) {
            _exit(1);
        }
        before[0] = after[0] = '\0';
        (void)!readlink("/proc/self/ns/user", before, sizeof(before) - 1);
        if (syscall(SYS_unshare, 0x10000000) != 0 ||
            syscall(SYS_setuid, 12345) != 0) {
            _exit(2);
        }
        (void)!readlink("/proc/self/ns/user", after, sizeof(after) - 1);
        _exit(memcmp(before, after, 12) == 0 && getuid() != 12345 ? 0 : 3);
    }
    g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
    g_assert_cmpint(status, ==, 0);
}

static void
test_words(void)
{
    for (int i = 0; i < SVIRT_FILTER_MAX; i++) {
        SvirtFilter found = SVIRT_FILTER_MAX;

        g_assert_true(svirt_filter_from_string(
            svirt_filter_to_string((SvirtFilter)i), &found));
        g_assert_cmpint((int)found, ==, i);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (unsigned i = 0; i < SVIRT_FILTER_MAX; i++) {
        g_autofree char *path = g_strdup_printf("/launch/filter/profile/%s",
            svirt_filter_to_string((SvirtFilter)i));

        g_test_add_data_func(path, GUINT_TO_POINTER(i), test_profile);
    }
    g_test_add_func("/launch/filter/pretended-calls-do-nothing",
                    test_pretended_calls_do_nothing);
    g_test_add_func("/launch/filter/words", test_words);
    return g_test_run();
}
