/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fixture.h"

/* A call of the child that fails with EIO, by its number and first argument. */
typedef struct Fault {
    const char *name;
    SvirtStep step;
    long nr;
    long first; /* -1: any */
} Fault;

static const Fault faults[] = {
    { "clone", SVIRT_STEP_CLONE, SYS_clone3, -1 },
    { "setsid", SVIRT_STEP_SESSION, SYS_setsid, -1 },
    { "personality", SVIRT_STEP_SESSION, SYS_personality, -1 },
    { "setrlimit", SVIRT_STEP_RLIMIT, SYS_prlimit64, -1 },
    { "mount", SVIRT_STEP_MOUNT_PRIVATE, SYS_mount, -1 },
    { "mknodat", SVIRT_STEP_ROOT, SYS_mknodat, -1 },
    { "open-tree", SVIRT_STEP_ROOT, SYS_open_tree, -1 },
    { "move-mount", SVIRT_STEP_ROOT, SYS_move_mount, -1 },
    { "pivot-root", SVIRT_STEP_PIVOT, SYS_pivot_root, -1 },
    { "umount", SVIRT_STEP_PIVOT, SYS_umount2, -1 },
    { "sethostname", SVIRT_STEP_HOSTNAME, SYS_sethostname, -1 },
    { "setdomainname", SVIRT_STEP_HOSTNAME, SYS_setdomainname, -1 },
    { "dup3", SVIRT_STEP_DESCRIPTORS, SYS_dup3, -1 },
    { "close-range", SVIRT_STEP_DESCRIPTORS, SYS_close_range, -1 },
    { "bounding-set", SVIRT_STEP_CAPABILITIES, SYS_prctl, PR_CAPBSET_DROP },
    { "securebits", SVIRT_STEP_CAPABILITIES, SYS_prctl, PR_SET_SECUREBITS },
    { "setresgid", SVIRT_STEP_IDENTITY, SYS_setresgid, -1 },
    { "setresuid", SVIRT_STEP_IDENTITY, SYS_setresuid, -1 },
    { "capset", SVIRT_STEP_IDENTITY, SYS_capset, -1 },
    { "no-new-privs", SVIRT_STEP_NO_NEW_PRIVS, SYS_prctl,
      PR_SET_NO_NEW_PRIVS },
    { "landlock-rule", SVIRT_STEP_LANDLOCK, SYS_landlock_add_rule, -1 },
    { "landlock", SVIRT_STEP_LANDLOCK, SYS_landlock_restrict_self, -1 },
    { "seccomp", SVIRT_STEP_SECCOMP, SYS_seccomp, SECCOMP_SET_MODE_FILTER },
    { "execveat", SVIRT_STEP_EXEC, SYS_execveat, -1 },
};

static void
inject(long nr, long first, int error)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
                 offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)nr, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
                 offsetof(struct seccomp_data, args)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)first, 0,
                 first == -1 ? 0 : 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (uint32_t)error),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = { G_N_ELEMENTS(code), code };

    g_assert_cmpint(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0,
                            &program), ==, 0);
}

/* In a process of its own, which keeps the fault. */
static void
test_fault_names_its_step(gconstpointer data)
{
    const Fault *fault = data;
    int status;
    pid_t pid;

    if (!fixture_need_root()) {
        return;
    }
    pid = fork();
    g_assert_cmpint(pid, >=, 0);
    if (pid == 0) {
        g_autoptr(Fixture) fixture = fixture_new(SVIRT_PROCESS_VMM, true);
        SvirtLaunchFailure failure = { 0 };

        fixture_use_probe(fixture, "sleep");
        inject(fault->nr, fault->first, EIO);
        if (fixture_start(fixture, -1, &failure)) {
            _exit(100);
        }
        /* Nothing is left: the child is reaped. */
        if (waitpid(-1, NULL, WNOHANG) != -1 || errno != ECHILD) {
            _exit(101);
        }
        if (failure.errnum != EIO || failure.words[0] == '\0') {
            _exit(102);
        }
        _exit((int)failure.step);
    }
    g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
    g_assert_true(WIFEXITED(status));
    g_assert_cmpint(WEXITSTATUS(status), ==, fault->step);
}

/* Kernels without the newer mount calls get the same root. */
static void
test_old_mount_calls_serve(gconstpointer data)
{
    long nr = (long)GPOINTER_TO_SIZE(data);
    int status;
    pid_t pid;

    if (!fixture_need_root()) {
        return;
    }
    pid = fork();
    g_assert_cmpint(pid, >=, 0);
    if (pid == 0) {
        g_autoptr(Fixture) fixture = fixture_new(SVIRT_PROCESS_VMM, true);
        SvirtLaunchFailure failure = { 0 };
        g_autofree char *text = NULL;
        unsigned read_only = 0;
        g_auto(GStrv) lines = NULL;

        fixture_use_probe(fixture, "see");
        inject(nr, -1, ENOSYS);
        if (!fixture_start(fixture, -1, &failure)) {
            g_printerr("%s: %s\n", failure.words,
                       g_strerror(failure.errnum));
            _exit(100);
        }
        text = fixture_finish(fixture, &status);
        lines = g_strsplit(text, "\n", -1);
        for (unsigned i = 0; lines[i] != NULL; i++) {
            read_only += strstr(lines[i], " ro,nosuid") != NULL;
        }
        _exit((int)read_only);
    }
    g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
    g_assert_true(WIFEXITED(status));
    g_assert_cmpint(WEXITSTATUS(status), ==, 4);
}

typedef struct BadSpec {
    const char *name;
    SvirtStep step;
    int errnum;
    void (*change)(Fixture *fixture);
} BadSpec;

static void
no_program(Fixture *fixture)
{
    fixture_arg(fixture, "/usr/bin/no-such-emulator");
    svirt_spec_add_file(&fixture->spec, "/usr", SVIRT_FILE_TREE);
}

static void
script(Fixture *fixture)
{
    fixture_arg(fixture, "/usr/bin/ldd");
    svirt_spec_add_file(&fixture->spec, "/usr", SVIRT_FILE_TREE);
}

static void
directory(Fixture *fixture)
{
    fixture_arg(fixture, "/usr/bin");
    svirt_spec_add_file(&fixture->spec, "/usr", SVIRT_FILE_TREE);
}

/* The exec itself fails, after the parent let it pass. */
static void
not_executable(Fixture *fixture)
{
    g_autofree char *probe = fixture_program("launch-probe");
    g_autofree char *copy = fixture_program("launch-probe-0644");
    g_autofree char *content = NULL;
    gsize size;

    g_assert_true(g_file_get_contents(probe, &content, &size, NULL));
    g_assert_true(g_file_set_contents_full(copy, content, (gssize)size,
                                           G_FILE_SET_CONTENTS_NONE, 0644,
                                           NULL));
    svirt_spec_add_file(&fixture->spec, copy, SVIRT_FILE_EXECUTE);
    fixture_arg(fixture, copy);
}

static void
missing_file(Fixture *fixture)
{
    fixture_use_probe(fixture, "see");
    svirt_spec_add_file(&fixture->spec, "/no/such/firmware.fd", 0);
}

static void
directory_for_file(Fixture *fixture)
{
    fixture_use_probe(fixture, "see");
    svirt_spec_add_file(&fixture->spec, "/usr/share", 0);
}

static void
closed_source(Fixture *fixture)
{
    fixture_use_probe(fixture, "see");
    fixture_fd(fixture, 777, 7, SVIRT_FD_IMAGE, 0);
}

/* The numbers that the launch's own descriptors get. */
static void
source_of_the_launch(Fixture *fixture)
{
    fixture_use_probe(fixture, "see");
    for (int source = 3; source < 40; source++) {
        if (fcntl(source, F_GETFD) < 0) {
            fixture_fd(fixture, source, source, SVIRT_FD_IMAGE, 0);
        }
    }
}

static void
cgroup_not_waived(Fixture *fixture)
{
    fixture_use_probe(fixture, "see");
    fixture->spec->waived_layers = 0;
}

static const BadSpec bad_specs[] = {
    { "no-program", SVIRT_STEP_EXEC, ENOENT, no_program },
    { "script-for-program", SVIRT_STEP_EXEC, ENOEXEC, script },
    { "directory-for-program", SVIRT_STEP_EXEC, EACCES, directory },
    { "program-not-executable", SVIRT_STEP_EXEC, EACCES, not_executable },
    { "missing-file", SVIRT_STEP_ROOT, ENOENT, missing_file },
    { "directory-for-file", SVIRT_STEP_ROOT, EISDIR, directory_for_file },
    { "closed-source", SVIRT_STEP_DESCRIPTORS, EBADF, closed_source },
    { "source-of-the-launch-itself", SVIRT_STEP_DESCRIPTORS, EBADF,
      source_of_the_launch },
    { "no-cgroup", SVIRT_STEP_CLONE, ENOENT, cgroup_not_waived },
};

static void
test_bad_spec_is_refused(gconstpointer data)
{
    const BadSpec *bad = data;
    g_autoptr(Fixture) fixture = fixture_new(SVIRT_PROCESS_VMM, true);
    SvirtLaunchFailure failure = { 0 };

    if (!fixture_need_root()) {
        return;
    }
    bad->change(fixture);
    g_assert_false(fixture_start(fixture, -1, &failure));
    g_test_message("%s: %s", svirt_step_to_string(failure.step),
                   failure.words);
    g_assert_cmpint(failure.step, ==, bad->step);
    g_assert_cmpint(failure.errnum, ==, bad->errnum);
    g_assert_cmpint(fixture->launched.pid, ==, 0);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (unsigned i = 0; i < G_N_ELEMENTS(faults); i++) {
        g_autofree char *path = g_strdup_printf("/launch/fault/names/%s",
                                                faults[i].name);

        g_test_add_data_func(path, &faults[i], test_fault_names_its_step);
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(bad_specs); i++) {
        g_autofree char *path = g_strdup_printf("/launch/fault/refuses/%s",
                                                bad_specs[i].name);

        g_test_add_data_func(path, &bad_specs[i], test_bad_spec_is_refused);
    }
    g_test_add_data_func("/launch/fault/without-mount-setattr",
                         GSIZE_TO_POINTER(SYS_mount_setattr),
                         test_old_mount_calls_serve);
    return g_test_run();
}
