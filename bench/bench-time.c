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
 * bench-time RUNS BENCH [--versus BENCH]...
 *   BENCH: [--at-once N] [--qmp] [--undo COMMAND... --] COMMAND...
 *
 * Runs each command RUNS times and prints for each a line "median minimum
 * maximum over ratio": of the time from exec to exit in milliseconds, with
 * --at-once from the first exec of N to the last end; and how much longer than
 * the first command it took. Of several, each run takes every command once,
 * in the opposite order from run to run, and `over` and `ratio` are medians of
 * the runs' own differences and quotients: what slows the machine for a while
 * slows both sides of a pair. --undo is run after each, untimed. With --qmp
 * the command is a QEMU, timed to its first QMP reply and then killed; its QMP
 * is descriptor QMP_FD, a connected socket. A "%" in a word stands for the
 * number of the command: of those at once, else of the run. Exits 1 when a
 * command fails.
 */
#define QMP_FD 9
#define MOST_AT_ONCE 256
#define MOST_WORDS 512
#define MOST_BENCHES 8

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

/*
 * Output goes nowhere; `qmp` (-1 none) becomes QMP_FD. In a session of its own,
 * as svirt's VMs are: the kernel shares out a busy machine by sessions
 * (sched(7), autogroup).
 */
static pid_t
start(char **argv, int qmp)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    pid_t pid;

    if (posix_spawn_file_actions_init(&actions) != 0 ||
        posix_spawnattr_init(&attributes) != 0 ||
        posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID) != 0 ||
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", 0, 0) ||
        posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", 1, 0) ||
        (qmp >= 0 &&
         posix_spawn_file_actions_adddup2(&actions, qmp, QMP_FD) != 0)) {
        die("file actions");
    }
    errno = posix_spawnp(&pid, argv[0], &actions, &attributes, argv, environ);
    if (errno != 0) {
        die(argv[0]);
    }
    (void)posix_spawn_file_actions_destroy(&actions);
    (void)posix_spawnattr_destroy(&attributes);
    return pid;
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

typedef struct Bench {
    char **command;
    char **undo; /* NULL none */
    unsigned at_once;
    bool qmp;
} Bench;

/* The words with each "%" replaced; free with free_words. */
static char **
words_of(char **words, unsigned number)
{
    char **copy = calloc(MOST_WORDS + 1, sizeof(*copy));

    if (copy == NULL) {
        die("memory");
    }
    for (unsigned i = 0; words[i] != NULL && i < MOST_WORDS; i++) {
        size_t size = strlen(words[i]) + 32;
        const char *percent = strchr(words[i], '%');

        copy[i] = malloc(size);
        if (copy[i] == NULL) {
            die("memory");
        }
        if (percent == NULL) {
            (void)snprintf(copy[i], size, "%s", words[i]);
        } else {
            (void)snprintf(copy[i], size, "%.*s%u%s",
                           (int)(percent - words[i]), words[i], number,
                           percent + 1);
        }
    }
    return copy;
}

static void
free_words(char **words)
{
    for (char **word = words; *word != NULL; word++) {
        free(*word);
    }
    free(words);
}

static void
wait_exit(pid_t pid, const char *name)
{
    int status;

    if (waitpid(pid, &status, 0) < 0 || status != 0) {
        (void)fprintf(stderr, "bench-time: %s: status %d\n", name, status);
        exit(1);
    }
}

static double
time_one(const Bench *bench, unsigned run)
{
    pid_t pids[MOST_AT_ONCE];
    int ends[MOST_AT_ONCE];
    char **words[MOST_AT_ONCE];
    double begin, taken;

    for (unsigned i = 0; i < bench->at_once; i++) {
        words[i] = words_of(bench->command, bench->at_once > 1 ? i : run);
    }
    begin = now_ms();
    for (unsigned i = 0; i < bench->at_once; i++) {
        int pair[2] = { -1, -1 };

        if (bench->qmp &&
            socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0) {
            die("socketpair");
        }
        pids[i] = start(words[i], pair[1]);
        ends[i] = pair[0];
        if (bench->qmp) {
            (void)close(pair[1]);
        }
    }
    for (unsigned i = 0; i < bench->at_once; i++) {
        if (bench->qmp) {
            wait_reply(ends[i]);
        } else {
            wait_exit(pids[i], words[i][0]);
        }
    }
    taken = now_ms() - begin;
    for (unsigned i = 0; i < bench->at_once; i++) {
        if (bench->qmp) {
            (void)kill(pids[i], SIGKILL);
            (void)waitpid(pids[i], NULL, 0);
            (void)close(ends[i]);
        }
        free_words(words[i]);
    }
    return taken;
}

static void
undo(const Bench *bench, unsigned run)
{
    for (unsigned i = 0; bench->undo != NULL && i < bench->at_once; i++) {
        char **words = words_of(bench->undo, bench->at_once > 1 ? i : run);

        wait_exit(start(words, -1), words[0]);
        free_words(words);
    }
}

static int
compare(const void *a, const void *b)
{
    double left = *(const double *)a;
    double right = *(const double *)b;

    return (left > right) - (left < right);
}

/* Up to the end or --versus, where *argv then is; false: no sense in it. */
static bool
read_bench(char ***argv, Bench *ret)
{
    Bench bench = { .at_once = 1 };
    char **word = *argv;

    for (; *word != NULL; word++) {
        if (strcmp(*word, "--qmp") == 0) {
            bench.qmp = true;
        } else if (strcmp(*word, "--at-once") == 0 && word[1] != NULL) {
            bench.at_once = (unsigned)strtoul(*++word, NULL, 10);
        } else if (strcmp(*word, "--undo") == 0) {
            bench.undo = word + 1;
            while (*word != NULL && strcmp(*word, "--") != 0) {
                word++;
            }
            if (*word == NULL) {
                return false;
            }
            *word = NULL;
        } else {
            break;
        }
    }
    bench.command = word;
    while (*word != NULL && strcmp(*word, "--versus") != 0) {
        word++;
    }
    *argv = word;
    *ret = bench;
    return *bench.command != NULL && word != bench.command &&
           bench.at_once > 0 && bench.at_once <= MOST_AT_ONCE;
}

/* How many; 0: no sense in them. */
static unsigned
read_benches(char **argv, Bench ret[MOST_BENCHES])
{
    unsigned count = 0;

    while (count < MOST_BENCHES && read_bench(&argv, &ret[count])) {
        count++;
        if (*argv == NULL) {
            return count;
        }
        *argv++ = NULL;
    }
    return 0;
}

static double
median(double *values, unsigned count)
{
    qsort(values, count, sizeof(*values), compare);
    return values[count / 2];
}

/* `times` of a bench and of the first one, run by run. */
static void
print_bench(const double *times, const double *first, unsigned runs)
{
    double *values = calloc(runs, sizeof(*values));
    double over, ratio;

    if (values == NULL) {
        die("memory");
    }
    for (unsigned i = 0; i < runs; i++) {
        values[i] = times[i] - first[i];
    }
    over = median(values, runs);
    for (unsigned i = 0; i < runs; i++) {
        values[i] = times[i] / first[i];
    }
    ratio = median(values, runs);
    memcpy(values, times, runs * sizeof(*values));
    (void)printf("%.2f ", median(values, runs));
    (void)printf("%.2f %.2f %.2f %.3f\n", values[0], values[runs - 1], over,
                 ratio);
    free(values);
}

int
main(int argc, char **argv)
{
    unsigned runs = argc > 2 ? (unsigned)strtoul(argv[1], NULL, 10) : 0;
    Bench benches[MOST_BENCHES];
    unsigned count = 0;
    double *times;

    if (runs > 0 && runs <= 100000) {
        count = read_benches(argv + 2, benches);
    }
    if (count == 0) {
        (void)fprintf(stderr,
                      "usage: bench-time RUNS [--at-once N] [--qmp] "
                      "[--undo COMMAND... --] COMMAND... [--versus ...]\n");
        return 2;
    }
    times = calloc((size_t)runs * count, sizeof(*times));
    if (times == NULL) {
        die("memory");
    }
    (void)signal(SIGPIPE, SIG_IGN);
    for (unsigned i = 0; i < runs; i++) {
        for (unsigned j = 0; j < count; j++) {
            unsigned k = i % 2 == 0 ? j : count - 1 - j;

            times[k * runs + i] = time_one(&benches[k], i);
            undo(&benches[k], i);
        }
    }
    for (unsigned k = 0; k < count; k++) {
        print_bench(&times[k * runs], times, runs);
    }
    free(times);
    return 0;
}
