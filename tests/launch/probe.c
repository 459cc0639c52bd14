/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Stands in the place of a VMM and says what it sees: a static program, so
 * that nothing but the launch decides what it can do. `probe MODE`:
 *
 *   see    key=value lines about itself
 *   calls  "NAME RESULT ERRNO" for every row of calls[]
 *   exec   tries to execute things, by every road
 *   int80  a call of the 32-bit architecture
 *   sleep  waits
 *   monitor, monitor-wait  confines itself as a monitor does, then tries a
 *          few things, or waits
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "launch/confine.h"
#include "probe-calls.h"

static void
see_directory(const char *path)
{
    DIR *dir = opendir(path);
    struct dirent *entry;

    printf("ls %s=", path);
    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] != '.') {
            printf("%s ", entry->d_name);
        }
    }
    printf("\n");
}

static void
see_capabilities(void)
{
    unsigned bounding = 0;

    for (unsigned long cap = 0; cap < 64; cap++) {
        bounding += prctl(PR_CAPBSET_READ, cap, 0, 0, 0) == 1;
    }
    printf("bounding=%u\n", bounding);
}

static void
see_file(const char *path)
{
    char text[8192];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

    if (fd >= 0) {
        close(fd);
    }
    text[got < 0 ? 0 : got] = '\0';
    printf("--- %s\n%s---\n", path, text);
}

static int
see(void)
{
    struct utsname name;
    struct rlimit limit;
    static const int limits[] = { RLIMIT_NOFILE, RLIMIT_CORE, RLIMIT_FSIZE,
                                  RLIMIT_MEMLOCK };

    printf("fds=");
    for (int fd = 0; fd < 70000; fd++) {
        if (fcntl(fd, F_GETFD) >= 0) {
            printf("%d ", fd);
        }
    }
    printf("\npid=%d ppid=%d uid=%d gid=%d groups=%d\n", getpid(), getppid(),
           getuid(), getgid(), getgroups(0, NULL));
    (void)uname(&name);
    printf("host=%s\n", name.nodename);
    for (unsigned i = 0; i < 4; i++) {
        (void)getrlimit((__rlimit_resource_t)limits[i], &limit);
        printf("limit%d=%llu/%llu\n", limits[i],
               (unsigned long long)limit.rlim_cur,
               (unsigned long long)limit.rlim_max);
    }
    printf("environment=");
    for (char **at = environ; *at != NULL; at++) {
        printf("%s ", *at);
    }
    printf("\numask=%03o\n", umask(077));
    see_directory("/");
    see_directory("/dev");
    see_directory("/proc");
    see_capabilities();
    see_file("/proc/self/status");
    see_file("/proc/self/mountinfo");
    return 0;
}

static int
calls(void)
{
    for (size_t i = 0; i < N_PROBE_CALLS; i++) {
        const ProbeCall *c = &probe_calls[i];
        long result;

        errno = 0;
        result = syscall(c->nr, c->a[0], c->a[1], c->a[2], c->a[3], c->a[4],
                         c->a[5]);
        /* A call that made a process: the child must not go on here. */
        if (c->forks && result == 0) {
            _exit(0);
        }
        printf("%s %ld %d\n", c->name, result, result < 0 ? errno : 0);
        fflush(stdout);
    }
    return 0;
}

static void
say(const char *what, long result)
{
    printf("%s %ld %d\n", what, result, result < 0 ? errno : 0);
    fflush(stdout);
}

/* argv[0] is the program's own path, which it may read and was executed by. */
static int
try_exec(char **argv)
{
    static char *const none[] = { NULL };
    struct rlimit limit;
    char *const args[] = { argv[0], (char *)"sleep", NULL };
    int self = open(argv[0], O_RDONLY);
    int memory = memfd_create("x", 0);
    struct stat st;
    char *copy;

    say("open-self", self);
    (void)getrlimit(RLIMIT_NOFILE, &limit);
    say("execve", execve(argv[0], args, none));
    say("execveat", syscall(SYS_execveat, self, "", args, none,
                            AT_EMPTY_PATH));
    say("execveat-path", syscall(SYS_execveat, AT_FDCWD, argv[0], args, none,
                                 0));
    /* By the number that was executed at the start, as far as one can know. */
    for (int above = 0; above < 3; above++) {
        say("execveat-number", syscall(SYS_execveat,
                                       (int)limit.rlim_max + above, "", args,
                                       none, AT_EMPTY_PATH));
        say("execveat-absolute", syscall(SYS_execveat,
                                         (int)limit.rlim_max + above, argv[0],
                                         args, none, AT_EMPTY_PATH));
    }
    say("dup2-number", dup2(self, (int)limit.rlim_max + 1));
    say("dup3-number", dup3(self, (int)limit.rlim_max + 1, O_CLOEXEC));
    say("dupfd-number", fcntl(self, F_DUPFD, (int)limit.rlim_max + 1));
    limit.rlim_max += 10;
    say("raise-limit", setrlimit(RLIMIT_NOFILE, &limit));
    if (memory >= 0 && self >= 0 && fstat(self, &st) == 0) {
        copy = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, self, 0);
        if (copy != MAP_FAILED &&
            write(memory, copy, (size_t)st.st_size) == st.st_size) {
            say("memfd", syscall(SYS_execveat, memory, "", args, none,
                                 AT_EMPTY_PATH));
        }
    }
    return 0;
}

static int
monitor(bool wait)
{
    SvirtLaunchFailure failure = { 0 };
    SvirtConfined confined;

    if (!svirt_confine_self_monitor(&confined, &failure)) {
        printf("%s: %s: %s\n", svirt_step_to_string(failure.step),
               failure.words, strerror(failure.errnum));
        return 3;
    }
    printf("confined missing=%u abi=%d\n", confined.missing_layers,
           confined.landlock_abi);
    fflush(stdout);
    if (wait) {
        struct timespec hour = { .tv_sec = 3600 };

        return nanosleep(&hour, NULL);
    }
    printf("pid=%d ppid=%d uid=%d gid=%d groups=%d\n", getpid(), getppid(),
           getuid(), getgid(), getgroups(0, NULL));
    say("open-root", open("/", O_RDONLY));
    say("socket", socket(AF_UNIX, SOCK_STREAM, 0));
    say("mmap-exec", mmap(NULL, 4096, PROT_READ | PROT_EXEC,
                          MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED
                     ? -1 : 0);
    say("execve", syscall(SYS_execve, "/", NULL, NULL));
    say("fork", syscall(SYS_fork));
    return 0;
}

int
main(int argc, char **argv)
{
    const char *mode = argc > 1 ? argv[1] : "";

    if (strcmp(mode, "see") == 0) {
        return see();
    }
    if (strcmp(mode, "calls") == 0) {
        return calls();
    }
    if (strcmp(mode, "exec") == 0) {
        return try_exec(argv);
    }
#ifdef __x86_64__
    if (strcmp(mode, "int80") == 0) {
        long result;

        /* getpid of i386 */
        __asm__ volatile("int $0x80" : "=a"(result) : "a"(20) : "memory");
        printf("int80 %ld\n", result);
        return 0;
    }
#endif
    if (strcmp(mode, "monitor") == 0 || strcmp(mode, "monitor-wait") == 0) {
        return monitor(strcmp(mode, "monitor-wait") == 0);
    }
    if (strcmp(mode, "sleep") == 0) {
        pause();
        return 0;
    }
    return 2;
}
