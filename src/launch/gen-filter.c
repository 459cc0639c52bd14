/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Build-time program: prints the filters of filter-rules.c as C arrays of BPF
 * instructions. `gen-filter ARCH [linear]`, ARCH as libseccomp names it. So no
 * running program links libseccomp or spends time compiling a filter.
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "launch/filter-rules.h"

#define MAX_INSTRUCTIONS 4096
#define ARGUMENT_LOW(n) \
    ((uint32_t)offsetof(struct seccomp_data, args) + 8u * (n))

typedef struct Program {
    struct sock_filter code[MAX_INSTRUCTIONS];
    size_t count;
} Program;

static void
die(const char *what, const char *name, int error)
{
    fprintf(stderr, "gen-filter: %s %s: %s\n", what, name, strerror(error));
    exit(1);
}

static void
emit(Program *program, uint16_t code, uint32_t k, uint8_t jt, uint8_t jf)
{
    if (program->count == MAX_INSTRUCTIONS) {
        die("program", "too long", E2BIG);
    }
    program->code[program->count++] =
        (struct sock_filter){ .code = code, .jt = jt, .jf = jf, .k = k };
}

static int
resolve(uint32_t arch, const char *name)
{
    int nr = seccomp_syscall_resolve_name_arch(arch, name);

    if (nr == __NR_SCMP_ERROR) {
        die("unknown call", name, EINVAL);
    }
    return nr;
}

/* The newest call this libseccomp knows on the architecture. */
static uint32_t
newest_call(uint32_t arch)
{
    uint32_t newest = 0;

    for (int nr = 0; nr < 1024; nr++) {
        char *name = seccomp_syscall_resolve_num_arch(arch, nr);

        if (name != NULL) {
            newest = (uint32_t)nr;
            free(name);
        }
    }
    return newest;
}

/*
 * Before libseccomp's program: foreign architectures, calls newer than the
 * tables (x32's have bit 30 set and are among them), closed arguments.
 */
static void
emit_head(Program *program, uint32_t arch, const FilterProfile *profile)
{
    emit(program, BPF_LD | BPF_W | BPF_ABS,
         offsetof(struct seccomp_data, arch), 0, 0);
    /* libseccomp's tokens are the kernel's AUDIT_ARCH_* numbers. */
    emit(program, BPF_JMP | BPF_JEQ | BPF_K, arch, 1, 0);
    emit(program, BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS, 0, 0);
    emit(program, BPF_LD | BPF_W | BPF_ABS,
         offsetof(struct seccomp_data, nr), 0, 0);
    emit(program, BPF_JMP | BPF_JGT | BPF_K, newest_call(arch), 0, 1);
    emit(program, BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS, 0, 0);
    for (const FilterExcept *e = profile->except; e->call != NULL; e++) {
        uint8_t n = 0;

        while (e->values[n] != 0) {
            n++;
        }
        /* Over: the load, n comparisons, a jump, the verdict. */
        emit(program, BPF_JMP | BPF_JEQ | BPF_K,
             (uint32_t)resolve(arch, e->call), 0, (uint8_t)(n + 3));
        emit(program, BPF_LD | BPF_W | BPF_ABS, ARGUMENT_LOW(e->argument),
             0, 0);
        for (uint8_t i = 0; i < n; i++) {
            emit(program, BPF_JMP | BPF_JEQ | BPF_K, e->values[i],
                 (uint8_t)(n - i), 0);
        }
        emit(program, BPF_JMP | BPF_JA, 1, 0, 0);
        emit(program, BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM, 0, 0);
    }
}

static uint32_t
action_of(FilterAction action)
{
    switch (action) {
    case FILTER_ALLOW:
        return SCMP_ACT_ALLOW;
    case FILTER_NOSYS:
        return SCMP_ACT_ERRNO(ENOSYS);
    case FILTER_PRETEND:
        return SCMP_ACT_ERRNO(0);
    case FILTER_ASK:
        return SCMP_ACT_NOTIFY;
    }
    return SCMP_ACT_KILL_PROCESS;
}

static void
add_rule(scmp_filter_ctx ctx, uint32_t arch, const FilterRule *rule)
{
    struct scmp_arg_cmp tests[3];
    unsigned n_tests = 0;
    char *names = strdup(rule->calls);

    while (n_tests < 3 && rule->test[n_tests].mask != 0) {
        const FilterTest *t = &rule->test[n_tests];

        tests[n_tests++] = SCMP_CMP(t->argument, SCMP_CMP_MASKED_EQ, t->mask,
                                    t->value);
    }
    for (char *save = NULL, *name = strtok_r(names, " ", &save); name != NULL;
         name = strtok_r(NULL, " ", &save)) {
        /* Rules speak the build machine's numbers, whatever the target. */
        int nr = resolve(seccomp_arch_native(), name);
        int rc;

        /* Not a call of this architecture (open, poll on arm64). */
        if (resolve(arch, name) < 0) {
            continue;
        }
        rc = seccomp_rule_add_array(ctx, action_of(rule->action), nr,
                                          n_tests, tests);
        if (rc < 0) {
            die("rule for", name, -rc);
        }
    }
    free(names);
}

static void
export(scmp_filter_ctx ctx, Program *program, const char *name)
{
    int fd = memfd_create("filter", MFD_CLOEXEC);
    size_t room = sizeof(program->code) -
                  program->count * sizeof(program->code[0]);
    ssize_t size;

    if (fd < 0 || seccomp_export_bpf(ctx, fd) < 0 ||
        lseek(fd, 0, SEEK_SET) < 0) {
        die("export", name, errno);
    }
    size = read(fd, program->code + program->count, room);
    if (size <= 0 || (size_t)size == room) {
        die("export", name, E2BIG);
    }
    program->count += (size_t)size / sizeof(program->code[0]);
    close(fd);
}

static void
print(const Program *program, const char *name)
{
    printf("static const struct sock_filter svirt_filter_%s[] = {\n", name);
    for (size_t i = 0; i < program->count; i++) {
        const struct sock_filter *f = &program->code[i];

        printf("    { 0x%02x, %u, %u, 0x%08x },\n", f->code, f->jt, f->jf,
               f->k);
    }
    printf("};\n");
}

int
main(int argc, char **argv)
{
    uint32_t arch = argc > 1 ? seccomp_arch_resolve_name(argv[1]) : 0;
    bool linear = argc > 2 && strcmp(argv[2], "linear") == 0;

    if (arch == 0) {
        fprintf(stderr, "usage: gen-filter ARCH [linear]\n");
        return 2;
    }
    for (const FilterProfile *p = filter_profiles; p->name != NULL; p++) {
        static Program program;
        scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(EPERM));

        if (ctx == NULL) {
            die("start", p->name, ENOMEM);
        }
        if (arch != seccomp_arch_native() &&
            (seccomp_arch_add(ctx, arch) < 0 ||
             seccomp_arch_remove(ctx, seccomp_arch_native()) < 0)) {
            die("architecture", argv[1], EINVAL);
        }
        if (seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH,
                             SCMP_ACT_KILL_PROCESS) < 0 ||
            (!linear &&
             seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2) < 0)) {
            die("attribute", p->name, EINVAL);
        }
        for (const FilterRule *r = p->rules; r->calls != NULL; r++) {
            add_rule(ctx, arch, r);
        }
        program.count = 0;
        emit_head(&program, arch, p);
        export(ctx, &program, p->name);
        print(&program, p->name);
        seccomp_release(ctx);
    }
    return 0;
}
