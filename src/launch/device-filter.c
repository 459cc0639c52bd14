/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>

#include "base/fd.h"
#include "launch/bpf.h"
#include "launch/cgroup.h"
#include "launch/device-node.h"

/* struct bpf_cgroup_dev_ctx: access << 16 | type, major, minor. */
#define CTX_ACCESS_TYPE 0
#define CTX_MAJOR 4
#define CTX_MINOR 8

/* Registers by use; r1 is the context. */
enum { VERDICT = 0, CTX = 1, TYPE = 2, ACCESS = 3, MAJOR = 4, MINOR = 5,
       REST = 6 };

static void
emit_rule(SvirtBpfProgram *program, const SvirtDeviceRule *rule)
{
    const unsigned access = (rule->mknod ? BPF_DEVCG_ACC_MKNOD : 0) |
                            (rule->read ? BPF_DEVCG_ACC_READ : 0) |
                            (rule->write ? BPF_DEVCG_ACC_WRITE : 0);
    const int type = rule->type == 'b' ? BPF_DEVCG_DEV_BLOCK
                                       : BPF_DEVCG_DEV_CHAR;

    /* Each test jumps over the rest of this rule, which is 8 long. */
    svirt_bpf_emit(program, svirt_bpf_jump(BPF_JNE, TYPE, type, 7));
    svirt_bpf_emit(program, svirt_bpf_jump(BPF_JNE, MAJOR, (int)rule->major,
                                           6));
    svirt_bpf_emit(program, svirt_bpf_jump(BPF_JNE, MINOR, (int)rule->minor,
                                           5));
    svirt_bpf_emit(program, svirt_bpf_move(REST, ACCESS));
    svirt_bpf_emit(program, svirt_bpf_math(BPF_AND, REST, (int)~access));
    svirt_bpf_emit(program, svirt_bpf_jump(BPF_JNE, REST, 0, 2));
    svirt_bpf_emit(program, svirt_bpf_set(VERDICT, 1));
    svirt_bpf_emit(program, svirt_bpf_exit());
}

int
svirt_device_filter_load(const SvirtDeviceRule *rules, size_t count)
{
    SvirtBpfProgram program; /* 32 kB, of which few are touched */

    program.count = 0;
    program.full = false;
    if (count > SVIRT_DEVICE_RULES_MAX) {
        errno = E2BIG;
        return -1;
    }
    svirt_bpf_emit(&program, svirt_bpf_load(TYPE, CTX, CTX_ACCESS_TYPE));
    svirt_bpf_emit(&program, svirt_bpf_load(MAJOR, CTX, CTX_MAJOR));
    svirt_bpf_emit(&program, svirt_bpf_load(MINOR, CTX, CTX_MINOR));
    svirt_bpf_emit(&program, svirt_bpf_move(ACCESS, TYPE));
    svirt_bpf_emit(&program, svirt_bpf_math(BPF_AND, TYPE, 0xffff));
    svirt_bpf_emit(&program, svirt_bpf_math(BPF_RSH, ACCESS, 16));
    for (size_t i = 0; i < count; i++) {
        if (rules[i].type != 'c' && rules[i].type != 'b') {
            errno = EINVAL;
            return -1;
        }
        emit_rule(&program, &rules[i]);
    }
    svirt_bpf_emit(&program, svirt_bpf_set(VERDICT, 0));
    svirt_bpf_emit(&program, svirt_bpf_exit());
    return svirt_bpf_make(&program, BPF_PROG_TYPE_CGROUP_DEVICE,
                          BPF_CGROUP_DEVICE);
}

bool
svirt_device_filter_put(int program_fd, int cgroup_fd)
{
    return svirt_bpf_put(program_fd, BPF_CGROUP_DEVICE, cgroup_fd);
}

bool
svirt_cgroup_set_devices(int cgroup_fd, const SvirtDeviceRule *rules,
                         size_t count)
{
    SVIRT_AUTO_FD program_fd = svirt_device_filter_load(rules, count);

    return program_fd >= 0 && svirt_device_filter_put(program_fd, cgroup_fd);
}

size_t
svirt_device_rules_for_nodes(uint32_t nodes, SvirtDeviceRule rules[static 8])
{
    size_t n_nodes;
    const SvirtDeviceNode *table = svirt_device_node_table(&n_nodes);
    size_t n = 0;

    for (size_t i = 0; i < n_nodes && n < 8; i++) {
        if ((nodes & table[i].bit) != 0) {
            rules[n++] = (SvirtDeviceRule){
                'c', table[i].major, table[i].minor,
                .read = true, .write = true, .mknod = true,
            };
        }
    }
    return n;
}
