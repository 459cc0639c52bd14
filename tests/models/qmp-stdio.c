/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * qmp-stdio FD PROGRAM [ARGUMENT]...: runs a QEMU whose QMP is the connected
 * socket FD, which it need not make, connect or accept itself. When QMP is
 * ready a line "ready PID" is printed; then each line of the input is given as
 * a command, and its answer printed on a line. At the end of the input QEMU is
 * killed.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static char line[1 << 20];

/* The next line that is an answer; 0 at the end. */
static int
get_answer(FILE *from)
{
    while (fgets(line, sizeof(line), from) != NULL) {
        if (strstr(line, "\"return\"") != NULL ||
            strstr(line, "\"error\": {") != NULL) {
            return 1;
        }
    }
    return 0;
}

static void
serve(int fd, pid_t pid)
{
    static const char hello[] = "{\"execute\": \"qmp_capabilities\"}\n";
    FILE *from = fdopen(fd, "r");

    if (from == NULL || fgets(line, sizeof(line), from) == NULL ||
        write(fd, hello, sizeof(hello) - 1) < 0 || !get_answer(from)) {
        return;
    }
    (void)printf("ready %d\n", (int)pid);
    (void)fflush(stdout);
    while (fgets(line, sizeof(line), stdin) != NULL) {
        if (write(fd, line, strlen(line)) < 0 || !get_answer(from)) {
            (void)puts("{\"error\": \"no answer\"}");
            return;
        }
        (void)fputs(line, stdout);
        (void)fflush(stdout);
    }
}

int
main(int argc, char **argv)
{
    int pair[2];
    pid_t pid;

    if (argc < 3 || socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0) {
        return 2;
    }
    pid = fork();
    if (pid == 0) {
        (void)close(pair[0]);
        /* The output is for answers alone. */
        if (dup2(STDERR_FILENO, STDOUT_FILENO) >= 0 &&
            dup2(pair[1], atoi(argv[1])) >= 0) {
            (void)execvp(argv[2], argv + 2);
        }
        perror(argv[2]);
        _exit(127);
    }
    (void)close(pair[1]);
    serve(pair[0], pid);
    (void)kill(pid, SIGKILL);
    (void)waitpid(pid, NULL, 0);
    return 0;
}
