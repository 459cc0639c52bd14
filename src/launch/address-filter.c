/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "launch/address.h"
#include "launch/bpf.h"
#include "launch/cgroup.h"

/* struct bpf_sock_addr; addresses and port in network order. */
#define CTX_IP4 4
#define CTX_IP6 8
#define CTX_PORT 24
/* struct __sk_buff */
#define CTX_DEVICE 40
/* Of every network namespace: net/core/dev.c makes it the first. */
#define LOOPBACK_INDEX 1

enum { VERDICT = 0, CTX = 1, WORD = 2, MASKED = 6 };

/* What no helper may reach, whatever the host's addresses are. */
static const SvirtAddressRule always[] = {
    { false, { 0 }, 8 },            /* this network; 0.0.0.0 is loopback */
    { false, { 127 }, 8 },          /* loopback */
    { false, { 169, 254 }, 16 },    /* link-local; a cloud's metadata */
    { false, { 224 }, 3 },          /* multicast, reserved, broadcast */
    { true, { 0 }, 96 },            /* ::, ::1, IPv4-compatible */
    { true, { [10] = 0xff, [11] = 0xff }, 96 }, /* ::ffff:0:0, IPv4-mapped */
    { true, { [8] = 0xff, [9] = 0xff }, 96 },   /* IPv4-translated */
    { true, { 0xfe, 0x80 }, 10 },   /* link-local */
    { true, { 0xfe, 0xc0 }, 10 },   /* site-local */
    { true, { 0xff }, 8 },          /* multicast */
    { true, { 0xfd, 0x00, 0x0e, 0xc2 }, 32 }, /* a cloud's metadata, IPv6 */
};
#define N_ALWAYS (sizeof(always) / sizeof(always[0]))

/* Word `i` of a rule as it is compared: memory order, so any byte order. */
static void
rule_word(const SvirtAddressRule *rule, unsigned i, uint32_t *ret_mask,
          uint32_t *ret_value)
{
    uint8_t mask[4] = { 0 };
    uint8_t value[4];

    for (unsigned j = 0; j < 4; j++) {
        unsigned first = (i * 4 + j) * 8;

        if (rule->bits >= first + 8) {
            mask[j] = 0xff;
        } else if (rule->bits > first) {
            mask[j] = (uint8_t)(0xff << (8 - (rule->bits - first)));
        }
        value[j] = rule->address[i * 4 + j] & mask[j];
    }
    memcpy(ret_mask, mask, sizeof(mask));
    memcpy(ret_value, value, sizeof(value));
}

/* Words whose mask is empty are not compared. */
static void
emit_rule(SvirtBpfProgram *program, const SvirtAddressRule *rule)
{
    const unsigned n_words = rule->bits == 0 ? 0 : (rule->bits + 31u) / 32;

    for (unsigned i = 0; i < n_words; i++) {
        uint32_t mask, value;
        /* Over the words still to come (3 each) and the verdict (2). */
        size_t rest = (n_words - i - 1) * 3 + 2;

        rule_word(rule, i, &mask, &value);
        svirt_bpf_emit(program, svirt_bpf_move(MASKED, WORD + i));
        svirt_bpf_emit(program, svirt_bpf_math(BPF_AND, MASKED, (int)mask));
        svirt_bpf_emit(program, svirt_bpf_jump(BPF_JNE, MASKED, (int)value,
                                               rest));
    }
    svirt_bpf_emit(program, svirt_bpf_set(VERDICT, 0));
    svirt_bpf_emit(program, svirt_bpf_exit());
}

bool
svirt_address_is_refused(const SvirtAddressRule *address)
{
    for (size_t i = 0; i < N_ALWAYS; i++) {
        bool inside = always[i].ipv6 == address->ipv6;

        for (unsigned w = 0; inside && w < (address->ipv6 ? 4u : 1u); w++) {
            uint32_t mask, value, word;

            rule_word(&always[i], w, &mask, &value);
            memcpy(&word, address->address + 4 * w, sizeof(word));
            inside = (word & mask) == value;
        }
        if (inside) {
            return true;
        }
    }
    return false;
}

static void
write_address_program(SvirtBpfProgram *program, bool ipv6,
                      const SvirtAddressRule *rules, size_t count)
{
    program->count = 0;
    for (unsigned i = 0; i < (ipv6 ? 4u : 1u); i++) {
        svirt_bpf_emit(program, svirt_bpf_load(WORD + i, CTX, (short)
            ((ipv6 ? CTX_IP6 : CTX_IP4) + 4 * (int)i)));
    }
    for (size_t i = 0; i < N_ALWAYS; i++) {
        if (always[i].ipv6 == ipv6) {
            emit_rule(program, &always[i]);
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (rules[i].ipv6 == ipv6) {
            emit_rule(program, &rules[i]);
        }
    }
    svirt_bpf_emit(program, svirt_bpf_set(VERDICT, 1));
    svirt_bpf_emit(program, svirt_bpf_exit());
}

/* passt binds a guest's UDP source port: any free one serves as well. */
static void
write_bind_program(SvirtBpfProgram *program)
{
    program->count = 0;
    svirt_bpf_emit(program, svirt_bpf_set(WORD, 0));
    svirt_bpf_emit(program, svirt_bpf_store(CTX, CTX_PORT, WORD));
    svirt_bpf_emit(program, svirt_bpf_set(VERDICT, 1));
    svirt_bpf_emit(program, svirt_bpf_exit());
}

/*
 * What the host keeps for itself leaves by its loopback device, whatever the
 * address, whenever it was given, and by whatever redirection: no list has to
 * be kept up to date. A packet is dropped here; the lists above answer at once.
 */
static void
write_egress_program(SvirtBpfProgram *program)
{
    program->count = 0;
    svirt_bpf_emit(program, svirt_bpf_load(WORD, CTX, CTX_DEVICE));
    svirt_bpf_emit(program, svirt_bpf_set(VERDICT, 0));
    svirt_bpf_emit(program, svirt_bpf_jump(BPF_JEQ, WORD, LOOPBACK_INDEX, 1));
    svirt_bpf_emit(program, svirt_bpf_set(VERDICT, 1));
    svirt_bpf_emit(program, svirt_bpf_exit());
}

bool
svirt_cgroup_set_addresses(int cgroup_fd, const SvirtAddressRule *rules,
                           size_t count)
{
    static const enum bpf_attach_type v4[] = {
        BPF_CGROUP_INET4_CONNECT, BPF_CGROUP_UDP4_SENDMSG,
    };
    static const enum bpf_attach_type v6[] = {
        BPF_CGROUP_INET6_CONNECT, BPF_CGROUP_UDP6_SENDMSG,
    };
    const enum bpf_prog_type type = BPF_PROG_TYPE_CGROUP_SOCK_ADDR;
    SvirtBpfProgram program = { .count = 0 };

    if (count > SVIRT_ADDRESS_RULES_MAX) {
        errno = E2BIG;
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (rules[i].bits > (rules[i].ipv6 ? 128 : 32)) {
            errno = EINVAL;
            return false;
        }
    }
    write_address_program(&program, false, rules, count);
    for (size_t i = 0; i < 2; i++) {
        if (!svirt_bpf_attach(&program, type, v4[i], cgroup_fd)) {
            return false;
        }
    }
    write_address_program(&program, true, rules, count);
    for (size_t i = 0; i < 2; i++) {
        if (!svirt_bpf_attach(&program, type, v6[i], cgroup_fd)) {
            return false;
        }
    }
    write_bind_program(&program);
    if (!svirt_bpf_attach(&program, type, BPF_CGROUP_INET4_BIND, cgroup_fd) ||
        !svirt_bpf_attach(&program, type, BPF_CGROUP_INET6_BIND, cgroup_fd)) {
        return false;
    }
    write_egress_program(&program);
    return svirt_bpf_attach(&program, BPF_PROG_TYPE_CGROUP_SKB,
                            BPF_CGROUP_INET_EGRESS, cgroup_fd);
}

bool
svirt_address_rules_for_host(SvirtAddressRule *rules, size_t max,
                             size_t *ret_count)
{
    struct ifaddrs *list;
    size_t n = 0;

    if (getifaddrs(&list) < 0) {
        return false;
    }
    for (struct ifaddrs *at = list; at != NULL; at = at->ifa_next) {
        const struct sockaddr *address = at->ifa_addr;

        if (address == NULL || (address->sa_family != AF_INET &&
                                address->sa_family != AF_INET6)) {
            continue;
        }
        if (n == max) {
            break; /* the device's rule knows the rest */
        }
        memset(&rules[n], 0, sizeof(rules[n]));
        if (address->sa_family == AF_INET) {
            const struct sockaddr_in *in = (const void *)address;

            memcpy(rules[n].address, &in->sin_addr, 4);
            rules[n].bits = 32;
        } else {
            const struct sockaddr_in6 *in6 = (const void *)address;

            memcpy(rules[n].address, &in6->sin6_addr, 16);
            rules[n].bits = 128;
            rules[n].ipv6 = true;
        }
        n++;
    }
    freeifaddrs(list);
    *ret_count = n;
    return true;
}
