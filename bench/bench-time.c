/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/*
 * bench-time RUNS COMMAND...             from exec to exit
 * bench-time RUNS --qmp COMMAND...       from exec to the first QMP reply
 * bench-time RUNS --qmp-many N COMMAND...  N at once, to the last one's reply
 *
 * Prints "median minimum maximum" in milliseconds. With --qmp the command is a
 * QEMU; its QMP is descriptor QMP_FD, a connected socket, and it is killed
 * after its reply. Exits 1 when a command fails.
 */
#define QMP_FD 9
#define MOST_AT_ONCE 256

extern char **environ;

static double
now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static void
die(const char *what)
{
    (void)fprintf(stderr, "bench-time: %s: %s\n", what, strerror(errno));
    exit(1);
}

/* Output goes nowhere; `qmp` (-1 none) becomes QMP_FD. */
static pid_t
start(char **argv, int qmp)
{
    posix_spawn_file_actions_t actions;
    pid_t pid;

    if (posix_spawn_file_actions_init(&actions) != 0 ||
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", 0, 0) ||
        posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", 1, 0) ||
        (qmp >= 0 &&
         posix_spawn_file_actions_adddup2(&actions, qmp, QMP_FD) != 0)) {
        die("file actions");
    }
    errno = posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ);
    if (errno != 0) {
        die(argv[0]);
    }
    (void)posix_spawn_file_actions_destroy(&actions);
    return pid;
}

static double
time_exit(char **argv)
{
    double begin = now_ms();
    pid_t pid = start(argv, -1);
    int status;

    if (waitpid(pid, &status, 0) < 0 || status != 0) {
        (void)fprintf(stderr, "bench-time: %s: status %d\n", argv[0], status);
        exit(1);
    }
    return now_ms() - begin;
}

/* The greeting comes first and says nothing: wait for the reply itself. */
static void
wait_reply(int fd)
{
    static const char command[] = "{\"execute\":\"qmp_capabilities\"}\n";
    char text[8192];
    size_t used = 0;

    if (write(fd, command, sizeof(command) - 1) < 0) {
        die("QMP");
    }
    for (;;) {
        ssize_t got = read(fd, text + used, sizeof(text) - 1 - used);

        if (got <= 0) {
            errno = got == 0 ? EPIPE : errno;
            die("QMP");
        }
        used += (size_t)got;
        text[used] = '\0';
        if (strstr(text, "\"return\"") != NULL) {
            return;
        }
    }
}

static double
time_qmp(char **argv, unsigned at_once)
{
    pid_t pids[MOST_AT_ONCE];
    int ends[MOST_AT_ONCE];
    double begin = now_ms();
    double taken;

    for (unsigned i = 0; i < at_once; i++) {
        int pair[2];

        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0) {
            die("socketpair");
        }
        pids[i] = start(argv, pair[1]);
        ends[i] = pair[0];
        (void)close(pair[1]);
    }
    for (unsigned i = 0; i < at_once; i++) {
        wait_reply(ends[i]);
    }
    taken = now_ms() - begin;
    for (unsigned i = 0; i < at_once; i++) {
        (void)kill(pids[i], SIGKILL);
        (void)waitpid(pids[i], NULL, 0);
        (void)close(ends[i]);
    }
    return taken;
}

static int
compare(const void *a, const void *b)
{
    double left = *(const double *)a;
    double right = *(const double *)b;

    return (left > right) - (left < right);
}

int
main(int argc, char **argv)
{
    unsigned runs = argc > 2 ? (unsigned)strtoul(argv[1], NULL, 10) : 0;
    unsigned at_once = 0;
    char **command = argv + 2;
    double *times;

    if (argc > 3 && strcmp(command[0], "--qmp") == 0) {
        at_once = 1;
        command++;
    } else if (argc > 4 && strcmp(command[0], "--qmp-many") == 0) {
        at_once = (unsigned)strtoul(command[1], NULL, 10);
        command += 2;
    }
    if (runs == 0 || runs > 100000 || at_once > MOST_AT_ONCE) {
        (void)fprintf(stderr, "usage: bench-time RUNS [--qmp | --qmp-many N] "
                              "COMMAND...\n");
        return 2;
    }
    times = calloc(runs, sizeof(*times));
    if (times == NULL) {
        die("memory");
    }
    (void)signal(SIGPIPE, SIG_IGN);
    for (unsigned i = 0; i < runs; i++) {
        times[i] = at_once > 0 ? time_qmp(command, at_once)
                               : time_exit(command);
    }
    qsort(times, runs, sizeof(*times), compare);
    (void)printf("%.2f %.2f %.2f\n", times[runs / 2], times[0],
                 times[runs - 1]);
    free(times);
    return 0;
}
