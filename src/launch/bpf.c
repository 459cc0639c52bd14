/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launch/bpf.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"

void
svirt_bpf_emit(SvirtBpfProgram *program, struct bpf_insn instruction)
{
    if (program->count == SVIRT_BPF_MAX) {
        program->full = true;
        return;
    }
    program->code[program->count++] = instruction;
}

struct bpf_insn
svirt_bpf_move(unsigned dst, unsigned src)
{
    return (struct bpf_insn){
        .code = BPF_ALU64 | BPF_MOV | BPF_X,
        .dst_reg = dst & 15, .src_reg = src & 15,
    };
}

struct bpf_insn
svirt_bpf_set(unsigned dst, int value)
{
    return (struct bpf_insn){
        .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = dst & 15, .imm = value,
    };
}

struct bpf_insn
svirt_bpf_load(unsigned dst, unsigned src, short offset)
{
    return (struct bpf_insn){
        .code = BPF_LDX | BPF_MEM | BPF_W,
        .dst_reg = dst & 15, .src_reg = src & 15, .off = offset,
    };
}

struct bpf_insn
svirt_bpf_store(unsigned dst, short offset, unsigned src)
{
    return (struct bpf_insn){
        .code = BPF_STX | BPF_MEM | BPF_W,
        .dst_reg = dst & 15, .src_reg = src & 15, .off = offset,
    };
}

struct bpf_insn
svirt_bpf_math(unsigned operation, unsigned dst, int value)
{
    return (struct bpf_insn){
        .code = (uint8_t)(BPF_ALU | operation | BPF_K),
        .dst_reg = dst & 15, .imm = value,
    };
}

struct bpf_insn
svirt_bpf_jump(unsigned condition, unsigned dst, int value, size_t over)
{
    return (struct bpf_insn){
        .code = (uint8_t)(BPF_JMP32 | condition | BPF_K),
        .dst_reg = dst & 15, .imm = value, .off = (short)over,
    };
}

struct bpf_insn
svirt_bpf_exit(void)
{
    return (struct bpf_insn){ .code = BPF_JMP | BPF_EXIT };
}

int
svirt_bpf_make(const SvirtBpfProgram *program, enum bpf_prog_type type,
               enum bpf_attach_type attach)
{
    union bpf_attr attr;

    if (program->full) {
        errno = E2BIG;
        return -1;
    }
    memset(&attr, 0, sizeof(attr));
    attr.prog_type = type;
    attr.expected_attach_type = type == BPF_PROG_TYPE_CGROUP_DEVICE
        ? 0 : attach;
    attr.insns = (uint64_t)(uintptr_t)program->code;
    attr.insn_cnt = (uint32_t)program->count;
    attr.license = (uint64_t)(uintptr_t)"LGPL";
    return (int)syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr));
}

bool
svirt_bpf_put(int program_fd, enum bpf_attach_type attach, int cgroup_fd)
{
    union bpf_attr attr;

    memset(&attr, 0, sizeof(attr));
    attr.target_fd = (uint32_t)cgroup_fd;
    attr.attach_bpf_fd = (uint32_t)program_fd;
    attr.attach_type = attach;
    /* Flags 0: the one program of this cgroup, replaced by the next. */
    return syscall(SYS_bpf, BPF_PROG_ATTACH, &attr, sizeof(attr)) == 0;
}

bool
svirt_bpf_attach(const SvirtBpfProgram *program, enum bpf_prog_type type,
                 enum bpf_attach_type attach, int cgroup_fd)
{
    SVIRT_AUTO_FD fd = svirt_bpf_make(program, type, attach);

    return fd >= 0 && svirt_bpf_put(fd, attach, cgroup_fd);
}
