/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * attempt [VERB ARGUMENT]...: tries each and says on a line of its own how it
 * went: "VERB ARGUMENT: ok" or the errno's name; exit code 1 when one failed. It stands for what runs in a
 * VMM after an escape; the verbs are in the table at the end.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

static int
opened(int fd)
{
    if (fd < 0) {
        return errno;
    }
    (void)close(fd);
    return 0;
}

static int
result(long value)
{
    return value < 0 ? errno : 0;
}

static int
read_file(const char *path)
{
    int fd = open(path, O_RDONLY | O_NONBLOCK);
    char byte;

    if (fd < 0 ||
        (read(fd, &byte, 1) < 0 && errno != EISDIR && errno != EIO)) {
        return errno;
    }
    return opened(fd);
}

static int
write_file(const char *path)
{
    return opened(open(path, O_WRONLY));
}

static int
create_file(const char *path)
{
    return opened(open(path, O_WRONLY | O_CREAT | O_EXCL, 0600));
}

static int
execute(const char *path)
{
    int status = 0;
    pid_t child = fork();

    if (child == 0) {
        (void)execl(path, path, (char *)NULL);
        _exit(errno);
    }
    if (child < 0 || waitpid(child, &status, 0) != child) {
        return errno;
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 0;
}

static int
remove_file(const char *path)
{
    return result(unlink(path));
}

static int
change_mode(const char *path)
{
    return result(chmod(path, 0666));
}

static int
stat_file(const char *path)
{
    struct stat st;

    return result(stat(path, &st));
}

static int
relabel(const char *path)
{
    return result(setxattr(path, "security.SMACK64", "_", 1, 0));
}

static int
connect_unix(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    if (fd < 0 ||
        connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
        return errno;
    }
    return opened(fd);
}

/* Until an answer: a packet that is dropped on its way is no errno at once. */
static int
connect_tcp(const char *port)
{
    struct sockaddr_in address = { .sin_family = AF_INET };
    struct pollfd watched = { .events = POLLOUT };
    int failure = 0;
    socklen_t size = sizeof(failure);

    address.sin_port = htons((uint16_t)atoi(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    watched.fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (watched.fd < 0) {
        return errno;
    }
    if (connect(watched.fd, (struct sockaddr *)&address,
                sizeof(address)) == 0) {
        return 0;
    }
    if (errno != EINPROGRESS) {
        return errno;
    }
    if (poll(&watched, 1, 1500) != 1) {
        return ETIMEDOUT;
    }
    (void)getsockopt(watched.fd, SOL_SOCKET, SO_ERROR, &failure, &size);
    return failure;
}

/* Stays open for ten minutes, for somebody to connect to it. */
static int
listen_tcp(const char *port)
{
    struct sockaddr_in address = { .sin_family = AF_INET };
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    address.sin_port = htons((uint16_t)atoi(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
        listen(fd, 4) < 0) {
        return errno;
    }
    if (fork() == 0) {
        (void)close(STDOUT_FILENO);
        (void)sleep(600);
        _exit(0);
    }
    return opened(fd);
}

static int
send_signal(const char *pid)
{
    return result(kill(atoi(pid), SIGCONT));
}

static int
trace(const char *pid)
{
    long attached = ptrace(PTRACE_SEIZE, atoi(pid), NULL, NULL);

    return result(attached);
}

static int
read_memory(const char *pid)
{
    char byte;
    struct iovec here = { &byte, 1 };
    struct iovec there = { (void *)0x400000, 1 };

    if (process_vm_readv(atoi(pid), &here, 1, &there, 1, 0) < 0 &&
        errno != EFAULT) {
        return errno;
    }
    return 0;
}

static int
attach_shm(const char *id)
{
    return shmat(atoi(id), NULL, 0) == (void *)-1 ? errno : 0;
}

static int
write_text(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY);
    ssize_t wrote;

    if (fd < 0) {
        return errno;
    }
    wrote = write(fd, text, strlen(text));
    return result(wrote);
}

static int
take_label(const char *label)
{
    return write_text("/proc/self/attr/current", label);
}

static int
add_rule(const char *rule)
{
    return write_text("/sys/fs/smackfs/load2", rule);
}

/* A rule of this process alone: it can but take away. */
static int
own_rule(const char *rule)
{
    return write_text("/sys/fs/smackfs/load-self2", rule);
}

static int
mount_there(const char *path)
{
    return result(mount("none", path, "tmpfs", 0, NULL));
}

static int
make_device(const char *path)
{
    return result(mknod(path, S_IFCHR | 0600, makedev(1, 3)));
}

/* In a process of its own: the next attempt is root again. */
static int
take_user(const char *uid)
{
    int status = 0;
    pid_t child = fork();

    if (child == 0) {
        _exit(result(setresuid((uid_t)atoi(uid), (uid_t)atoi(uid),
                               (uid_t)atoi(uid))));
    }
    if (child < 0 || waitpid(child, &status, 0) != child) {
        return errno;
    }
    return WEXITSTATUS(status);
}

static const struct {
    const char *name;
    int (*run)(const char *argument);
} verbs[] = {
    { "read", read_file },     { "write", write_file },
    { "create", create_file }, { "execute", execute },
    { "unlink", remove_file }, { "chmod", change_mode },
    { "stat", stat_file },     { "relabel", relabel },
    { "connect", connect_unix }, { "tcp", connect_tcp },
    { "listen", listen_tcp },  { "signal", send_signal },
    { "trace", trace },        { "memory", read_memory },
    { "shmat", attach_shm },   { "take-label", take_label },
    { "add-rule", add_rule },  { "own-rule", own_rule },
    { "mount", mount_there },  { "mknod", make_device },
    { "setuid", take_user },
};

int
main(int argc, char **argv)
{
    int failed = 0;

    for (int i = 1; i + 1 < argc; i += 2) {
        for (size_t j = 0; j < sizeof(verbs) / sizeof(verbs[0]); j++) {
            if (strcmp(argv[i], verbs[j].name) == 0) {
                int failure = verbs[j].run(argv[i + 1]);

                failed |= failure != 0;
                (void)printf("%s %s: %s\n", argv[i], argv[i + 1],
                             failure == 0 ? "ok" : strerrorname_np(failure));
                (void)fflush(stdout);
            }
        }
    }
    return failed;
}
