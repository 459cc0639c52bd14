/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/types.h>
#include <unistd.h>

/*
 * bench-floor CGROUP2 NAME QEMU...
 *
 * The least that a compartment of svirt's design costs, whoever writes it:
 * nothing but the system calls, each done once and none looked at again. This
 * process stands for svirt: it makes a cgroup with a leaf and executes the
 * keeper, which clones the VMM and the monitor into namespaces of their own.
 * Both take a root of their own, a uid, no_new_privs, Landlock and a system
 * call filter, and are executed. No XML, no state, no image, no lock, no
 * device filter, no policy, no QMP and no read-back. For bench-time --qmp;
 * "bench-floor CGROUP2 NAME" kills what is in the cgroup and removes it.
 */
#define UID 1699990000
#define NAMESPACES                                                           \
    (CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWNET)

static void
die(const char *what)
{
    (void)fprintf(stderr, "bench-floor: %s: %s\n", what, strerror(errno));
    _exit(1);
}

static void
must(long result, const char *what)
{
    if (result < 0) {
        die(what);
    }
}

static pid_t
clone_into(uint64_t flags, int cgroup)
{
    struct clone_args args = {
        .flags = flags | (cgroup >= 0 ? CLONE_INTO_CGROUP : 0),
        .exit_signal = SIGCHLD,
        .cgroup = (uint64_t)cgroup,
    };
    pid_t pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));

    must(pid, "clone3");
    return pid;
}

static void
bind_read_only(const char *from, const char *to)
{
    const unsigned long flags =
        MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV;

    must(mount(from, to, NULL, MS_BIND, NULL), from);
    must(mount(NULL, to, NULL, flags, NULL), to);
}

static void
make_file(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

    must(fd, path);
    (void)close(fd);
}

/* `program` NULL: the VMM's, with /usr; else that file and nothing else. */
static void
take_root(const char *program)
{
    (void)umask(0);
    must(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), "private mounts");
    must(mount("floor", "/tmp", "tmpfs", MS_NOSUID | MS_NODEV, "size=64k"),
         "tmpfs");
    must(chdir("/tmp"), "chdir");
    if (program != NULL) {
        make_file("program");
        bind_read_only(program, "program");
    } else {
        static const char *const links[] = { "bin", "lib", "lib64", "sbin" };

        must(mkdir("usr", 0755) | mkdir("etc", 0755) | mkdir("proc", 0555) |
                 mkdir("dev", 0755), "directories");
        for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
            char to[16];

            (void)snprintf(to, sizeof(to), "usr/%s", links[i]);
            must(symlink(to, links[i]), links[i]);
        }
        bind_read_only("/usr", "usr");
        make_file("etc/ld.so.cache");
        bind_read_only("/etc/ld.so.cache", "etc/ld.so.cache");
        must(mount("proc", "proc", "proc", MS_RDONLY, "subset=pid"), "proc");
        must(mount("dev", "dev", "tmpfs", MS_NOSUID | MS_NOEXEC, "size=4k"),
             "dev");
        must(mknod("dev/null", S_IFCHR | 0666, makedev(1, 3)), "null");
        must(mknod("dev/urandom", S_IFCHR | 0444, makedev(1, 9)), "urandom");
    }
    must(syscall(SYS_pivot_root, ".", "."), "pivot_root");
    must(umount2(".", MNT_DETACH), "umount");
    must(chdir("/"), "chdir");
    must(mount(NULL, "/", NULL,
               MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV, NULL),
         "read-only root");
}

static void
allow_below(int ruleset, const char *path)
{
    struct landlock_path_beneath_attr rule = {
        .allowed_access =
            LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE |
            LANDLOCK_ACCESS_FS_EXECUTE,
        .parent_fd = open(path, O_PATH | O_CLOEXEC),
    };

    must(rule.parent_fd, path);
    must(syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH,
                 &rule, 0), "rule");
    (void)close(rule.parent_fd);
}

static void
confine(const char *const *readable)
{
    const struct landlock_ruleset_attr attr = {
        .handled_access_fs = (1u << 13) - 1, /* of the first ABI */
    };
    struct sock_filter allow =
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    const struct sock_fprog program = { .len = 1, .filter = &allow };
    int ruleset;

    must(syscall(SYS_setresgid, UID, UID, UID), "gid");
    must(syscall(SYS_setresuid, UID, UID, UID), "uid");
    must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs");
    ruleset = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr),
                           0);
    must(ruleset, "Landlock");
    for (; *readable != NULL; readable++) {
        allow_below(ruleset, *readable);
    }
    must(syscall(SYS_landlock_restrict_self, ruleset, 0), "Landlock");
    (void)close(ruleset);
    must(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), "filter");
}

static void
run_keeper(const char *self, char **argv)
{
    static const char *const vmm_reads[] = { "/usr", "/etc/ld.so.cache",
                                             "/dev", "/proc", NULL };
    static const char *const monitor_reads[] = { "/program", NULL };
    char *const environment[] = { NULL };

    if (clone_into(NAMESPACES, -1) == 0) {
        take_root(NULL);
        confine(vmm_reads);
        must(execve(argv[0], argv, environment), argv[0]);
    }
    if (clone_into(NAMESPACES, -1) == 0) {
        take_root(self);
        confine(monitor_reads);
        must(execl("/program", "monitor", (char *)NULL), "monitor");
    }
}

static void
cgroup_paths(char **argv, char vm[512], char leaf[576])
{
    (void)snprintf(vm, 512, "%s/%s", argv[1], argv[2]);
    (void)snprintf(leaf, 576, "%s/vmm", vm);
}

/* The disk is opened here and goes by descriptor: `word` names its set. */
static void
open_disk(char **word, char add[64])
{
    static const char key[] = "filename=";
    char *at = strstr(*word, key);
    size_t room = strlen(*word) + 32;
    char *text;
    int fd;

    if (at == NULL) {
        return;
    }
    at += sizeof(key) - 1;
    fd = open(at, O_RDWR);
    text = malloc(room);
    if (fd < 0 || text == NULL) {
        die(at);
    }
    (void)snprintf(text, room, "%.*s/dev/fdset/%d", (int)(at - *word), *word,
                   fd);
    (void)snprintf(add, 64, "fd=%d,set=%d", fd, fd);
    *word = text;
}

static void
execute_keeper(char *self, int argc, char **argv)
{
    char **words = calloc(3 * (size_t)argc + 4, sizeof(*words));
    char(*added)[64] = calloc((size_t)argc, sizeof(*added));
    size_t count = 0;

    if (words == NULL || added == NULL) {
        die("memory");
    }
    words[count++] = self;
    words[count++] = (char *)"--keeper";
    words[count++] = self;
    for (int i = 0; i < argc; i++) {
        words[count++] = argv[i];
        /* Behind the option it belongs to; QEMU reads these first. */
        open_disk(&words[count - 1], added[i]);
        if (added[i][0] != '\0') {
            words[count++] = (char *)"-add-fd";
            words[count++] = added[i];
        }
    }
    must(execv(self, words), "keeper");
}

static int
clear(const char *vm, const char *leaf)
{
    char path[640];
    int fd;

    (void)snprintf(path, sizeof(path), "%s/cgroup.kill", vm);
    fd = open(path, O_WRONLY | O_CLOEXEC);
    must(fd, path);
    must(write(fd, "1", 1), path);
    for (unsigned i = 0; i < 5000; i++) {
        if (rmdir(leaf) == 0 && rmdir(vm) == 0) {
            return 0;
        }
        (void)usleep(1000);
    }
    die(leaf);
    return 1;
}

int
main(int argc, char **argv)
{
    char vm[512], leaf[576], self[512] = "";
    int fd;

    if (argc == 1) { /* the monitor, which has its name alone */
        for (;;) {
            (void)pause();
        }
    }
    if (argc < 3) {
        (void)fprintf(stderr, "usage: bench-floor CGROUP2 NAME [QEMU...]\n");
        return 2;
    }
    if (strcmp(argv[1], "--keeper") == 0) {
        run_keeper(argv[2], &argv[3]);
        for (;;) {
            (void)pause();
        }
    }
    cgroup_paths(argv, vm, leaf);
    if (argc == 3) {
        return clear(vm, leaf);
    }
    if ((mkdir(vm, 0755) < 0 && errno != EEXIST) ||
        (mkdir(leaf, 0755) < 0 && errno != EEXIST)) {
        die(leaf);
    }
    fd = open(leaf, O_RDONLY | O_DIRECTORY);
    must(fd, leaf);
    must(readlink("/proc/self/exe", self, sizeof(self) - 1), "itself");
    if (clone_into(0, fd) == 0) {
        execute_keeper(self, argc - 3, argv + 3);
    }
    for (;;) {
        (void)pause();
    }
}
