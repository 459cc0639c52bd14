/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "exec/relay.h"

/*
 * A relay works on this process's own 0, 1 and 2: each case is played in a
 * process of its own, whose exit status is what the relay said, and what it
 * wrote comes back by a pipe.
 */
typedef struct Case {
    const char *name;
    const char *program; /* for /bin/sh */
    const char *input;
    const char *output;
    int status;
} Case;

static pid_t
start(const SvirtRelay *relay, const char *program, int *ret_pidfd)
{
    sigset_t none;
    pid_t pid = fork();

    if (pid == 0) {
        (void)signal(SIGPIPE, SIG_DFL);
        (void)sigemptyset(&none);
        (void)sigprocmask(SIG_SETMASK, &none, NULL);
        for (int i = 0; i < 3; i++) {
            (void)dup2(relay->fd[i], i);
        }
        (void)syscall(SYS_close_range, 3, ~0u, 0);
        (void)execl("/bin/sh", "sh", "-c", program, (char *)NULL);
        _exit(99);
    }
    *ret_pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    return pid;
}

/*
 * In a child: 120 for a relay that does not work. `late`: a signal for svirt
 * when the program is gone; 0 none.
 */
static int
relayed(const char *program, int late)
{
    siginfo_t info;
    SvirtRelay relay;
    int pidfd = -1, status = 120;
    pid_t pid;

    /* As in svirt itself. */
    (void)signal(SIGPIPE, SIG_IGN);
    if (!svirt_relay_open(&relay, NULL)) {
        return 120;
    }
    pid = start(&relay, program, &pidfd);
    if (pid < 0 || pidfd < 0 ||
        (late != 0 && (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) < 0 ||
                       raise(late) != 0)) ||
        !svirt_relay_wait(&relay, pid, pidfd, &status, NULL)) {
        status = 120;
    }
    svirt_relay_close(&relay);
    return status;
}

static void
make_pipe(int ends[2])
{
    g_assert_no_errno(pipe2(ends, O_CLOEXEC));
}

static void
test_case(gconstpointer data)
{
    const Case *row = data;
    int input[2], output[2], status = 0;
    char said[4096] = "";
    size_t used = 0;
    ssize_t got;
    pid_t pid;

    make_pipe(input);
    make_pipe(output);
    g_assert_cmpint(write(input[1], row->input, strlen(row->input)), ==,
                    strlen(row->input));
    pid = fork();
    if (pid == 0) {
        (void)dup2(input[0], 0);
        (void)dup2(output[1], 1);
        (void)syscall(SYS_close_range, 3, ~0u, 0);
        _exit(relayed(row->program, 0));
    }
    (void)close(input[0]);
    (void)close(input[1]);
    (void)close(output[1]);
    while (used < sizeof(said) - 1 &&
           (got = read(output[0], said + used, sizeof(said) - 1 - used)) > 0) {
        used += (size_t)got;
    }
    (void)close(output[0]);
    g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
    g_assert_true(WIFEXITED(status));
    g_assert_cmpint(WEXITSTATUS(status), ==, row->status);
    g_assert_cmpstr(said, ==, row->output);
}

static const Case cases[] = {
    { "ends-with-zero", "exit 0", "", "", 0 },
    { "ends-with-a-number", "exit 77", "", "", 77 },
    { "ends-by-a-signal", "kill -TERM $$", "", "", 128 + SIGTERM },
    { "carries-both-ways", "read line; echo \"<$line>\"", "in\n", "<in>\n", 0 },
    { "tells-the-end-of-input", "cat; echo end", "a", "aend\n", 0 },
    { "leaves-what-is-not-read", "exit 3", "never read\n", "", 3 },
    { "output-after-the-end", "printf before; exit 1", "", "before", 1 },
    { "a-closed-output", "exec 1>&-; exit 5", "", "", 5 },
    { "a-descriptor-of-its-own",
      "[ -p /proc/self/fd/0 ] && [ -p /proc/self/fd/1 ] && echo pipes", "",
      "pipes\n", 0 },
};

/* A flag that the program sets on what it got is on no description of ours. */
static void
test_no_description_is_shared(void)
{
    static const char *const kinds[] = { "pipe", "file", "null" };

    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
        g_autofree char *path = g_strdup_printf("/tmp/svirt-relay-%d",
                                                (int)getpid());
        int status = 0, flags;
        int output[2] = { -1, -1 };
        pid_t pid;

        if (i == 0) {
            make_pipe(output);
        } else {
            output[1] = open(i == 1 ? path : "/dev/null",
                             O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        }
        g_assert_cmpint(output[1], >=, 0);
        pid = fork();
        if (pid == 0) {
            SvirtRelay relay;

            (void)dup2(output[1], 1);
            if (!svirt_relay_open(&relay, NULL) ||
                fcntl(relay.fd[1], F_SETFL, O_APPEND | O_NONBLOCK) < 0) {
                _exit(1);
            }
            _exit(0);
        }
        g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
        g_assert_cmpint(status, ==, 0);
        flags = fcntl(output[1], F_GETFL);
        g_test_message("%s", kinds[i]);
        g_assert_cmpint(flags & (O_APPEND | O_NONBLOCK), ==, 0);
        for (int j = 0; j < 2; j++) {
            if (output[j] >= 0) {
                (void)close(output[j]);
            }
        }
        (void)unlink(path);
    }
}

/* A reader that went away is no reason to wait for ever, or to die. */
static void
test_output_that_nobody_reads(void)
{
    static const struct {
        const char *program;
        int status;
    } rows[] = {
        { "trap '' PIPE; echo a; echo b; exit 4", 4 },
        /* More than any pipe takes. */
        { "while :; do echo endless; done", 128 + SIGPIPE },
        { "exec 2>&1; while :; do echo endless; done", 128 + SIGPIPE },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        int output[2], status = 0;
        pid_t pid;

        make_pipe(output);
        (void)close(output[0]);
        pid = fork();
        if (pid == 0) {
            (void)dup2(output[1], 1);
            (void)dup2(output[1], 2);
            (void)syscall(SYS_close_range, 3, ~0u, 0);
            _exit(relayed(rows[i].program, 0));
        }
        (void)close(output[1]);
        g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
        g_assert_true(WIFEXITED(status));
        g_assert_cmpint(WEXITSTATUS(status), ==, rows[i].status);
    }
}

/* A full disk is no reason either. */
static void
test_output_that_is_full(void)
{
    int status = 0;
    pid_t pid = fork();

    if (pid == 0) {
        int full = open("/dev/full", O_WRONLY | O_CLOEXEC);

        _exit(full < 0 || dup2(full, 1) < 0
                  ? 121
                  : relayed("while :; do echo endless; done", 0));
    }
    g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
    g_assert_true(WIFEXITED(status));
    g_assert_cmpint(WEXITSTATUS(status), ==, 128 + SIGPIPE);
}

/* The program is gone: a signal ends the wait for a reader, not the output. */
static void
test_signal_after_the_end(void)
{
    for (int full = 0; full < 2; full++) {
        static const char byte = '.';
        int output[2], status = 0;
        char said[16] = "";
        pid_t pid;

        make_pipe(output);
        g_assert_no_errno(fcntl(output[1], F_SETFL, O_NONBLOCK));
        while (full == 1 && write(output[1], &byte, 1) == 1) {
        }
        g_assert_no_errno(fcntl(output[1], F_SETFL, 0));
        pid = fork();
        if (pid == 0) {
            (void)dup2(output[1], 1);
            (void)syscall(SYS_close_range, 3, ~0u, 0);
            _exit(relayed("echo said; exit 6", SIGTERM));
        }
        g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
        g_assert_true(WIFEXITED(status));
        g_assert_cmpint(WEXITSTATUS(status), ==, 6);
        g_assert_cmpint(read(output[0], said, 5), ==, 5);
        g_assert_cmpstr(said, ==, full == 1 ? "....." : "said\n");
        (void)close(output[0]);
        (void)close(output[1]);
    }
}

/* No descriptor is left: the limit on them is the fault. */
static void
test_no_descriptor_left(void)
{
    int status = 0;
    pid_t pid = fork();

    if (pid == 0) {
        SvirtRelay relay;
        const struct rlimit few = { 64, 64 };
        bool ok;

        /* Everything is taken. */
        (void)setrlimit(RLIMIT_NOFILE, &few);
        while (dup(0) >= 0) {
        }
        ok = svirt_relay_open(&relay, NULL);
        svirt_relay_close(&relay);
        _exit(ok ? 1 : 0);
    }
    g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
    g_assert_cmpint(status, ==, 0);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *name =
            g_strdup_printf("/exec/relay/%s", cases[i].name);

        g_test_add_data_func(name, &cases[i], test_case);
    }
    g_test_add_func("/exec/relay/no-description-is-shared",
                    test_no_description_is_shared);
    g_test_add_func("/exec/relay/output-that-nobody-reads",
                    test_output_that_nobody_reads);
    g_test_add_func("/exec/relay/output-that-is-full",
                    test_output_that_is_full);
    g_test_add_func("/exec/relay/signal-after-the-end",
                    test_signal_after_the_end);
    g_test_add_func("/exec/relay/no-descriptor-left",
                    test_no_descriptor_left);
    return g_test_run();
}
