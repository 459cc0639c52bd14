/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <linux/bpf.h>
#include <stdbool.h>
#include <stddef.h>

/* A program being written: instruction by instruction, bounded. */
#define SVIRT_BPF_MAX 4096

typedef struct SvirtBpfProgram {
    struct bpf_insn code[SVIRT_BPF_MAX];
    size_t count;
    bool full; /* an instruction did not fit; loading fails with E2BIG */
} SvirtBpfProgram;

void svirt_bpf_emit(SvirtBpfProgram *program, struct bpf_insn instruction);

/* dst = src / dst = value / dst = *(u32 *)(src + offset), bpf(2). */
struct bpf_insn svirt_bpf_move(unsigned dst, unsigned src);
struct bpf_insn svirt_bpf_set(unsigned dst, int value);
struct bpf_insn svirt_bpf_load(unsigned dst, unsigned src, short offset);
struct bpf_insn svirt_bpf_store(unsigned dst, short offset, unsigned src);
/* 32-bit arithmetic with a constant: BPF_AND, BPF_RSH... */
struct bpf_insn svirt_bpf_math(unsigned operation, unsigned dst, int value);
/* 32-bit compare with a constant and jump over `over` instructions. */
struct bpf_insn svirt_bpf_jump(unsigned condition, unsigned dst, int value,
                               size_t over);
struct bpf_insn svirt_bpf_exit(void);

/* The loaded program: the caller's descriptor, or -1 with errno. */
int svirt_bpf_make(const SvirtBpfProgram *program, enum bpf_prog_type type,
                   enum bpf_attach_type attach);
/* A loaded program becomes the cgroup's only one, as svirt_bpf_attach says. */
bool svirt_bpf_put(int program_fd, enum bpf_attach_type attach,
                   int cgroup_fd);

/*
 * Loads the program and makes it the cgroup's only one of that attach type,
 * in place of an earlier one. Programs of cgroups above still apply. False
 * with errno.
 */
bool svirt_bpf_attach(const SvirtBpfProgram *program,
                      enum bpf_prog_type type, enum bpf_attach_type attach,
                      int cgroup_fd);
