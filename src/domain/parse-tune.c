/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain/parse.h"

#include <string.h>

#define PERIOD_US_DEFAULT 100000u
#define PERIOD_US_MIN 1000u
#define PERIOD_US_MAX 1000000u
#define QUOTA_US_MAX 17592186044415ull
/* libvirt's "unlimited", in KiB. */
#define UNLIMITED_BYTES (9007199254740991ull * 1024)

static bool
parse_cpu(char **text, uint64_t *ret)
{
    if (!g_ascii_isdigit(**text)) {
        return false;
    }
    *ret = g_ascii_strtoull(*text, text, 10);
    return *ret < SVIRT_CPUS_MAX;
}

bool
svirt_cpus_parse(const char *text, SvirtCpus *ret)
{
    g_autofree char *copy = g_strdelimit(g_strdup(text), " \t\n", ' ');
    char *p = g_strstrip(copy);
    bool any = false;

    memset(ret, 0, sizeof(*ret));
    for (;;) {
        bool without = *p == '^';
        uint64_t first, last;

        p += without;
        if (!parse_cpu(&p, &first)) {
            return false;
        }
        last = first;
        if (*p == '-') {
            p++;
            if (without || !parse_cpu(&p, &last) || last < first) {
                return false;
            }
        }
        for (uint64_t cpu = first; cpu <= last; cpu++) {
            uint8_t bit = (uint8_t)(1u << cpu % 8);

            ret->bits[cpu / 8] = (uint8_t)(without ? ret->bits[cpu / 8] & ~bit
                                                   : ret->bits[cpu / 8] | bit);
        }
        if (*p != ',') {
            break;
        }
        p++;
        p += strspn(p, " ");
    }
    for (size_t i = 0; i < sizeof(ret->bits); i++) {
        any = any || ret->bits[i] != 0;
    }
    return any && *p == '\0';
}

static const char *
read_cpus(SvirtReader *reader, SvirtXmlNode *node)
{
    const char *text = svirt_reader_attribute(reader, node, "cpuset");
    SvirtCpus cpus;

    if (text != NULL && !svirt_cpus_parse(text, &cpus)) {
        svirt_reader_fail(reader, node->line, SVIRT_ERROR_INVALID,
                          "write it as 0-3,^2,8",
                          "cpuset='%.80s' of <%s> is no list of CPUs", text,
                          node->name);
    }
    return text;
}

static uint64_t
read_number(SvirtReader *reader, SvirtXmlNode *parent, const char *name,
            uint64_t min, uint64_t max, uint64_t fallback)
{
    SvirtXmlNode *node = svirt_reader_child(reader, parent, name);

    return node != NULL ? svirt_reader_text_number(reader, node, min, max)
                        : fallback;
}

/* 0: none, also where it says -1. */
static uint64_t
read_quota(SvirtReader *reader, SvirtXmlNode *parent, const char *name)
{
    SvirtXmlNode *node = svirt_reader_child(reader, parent, name);

    if (node == NULL ||
        g_str_has_prefix(svirt_reader_text(reader, node), "-")) {
        return 0;
    }
    return svirt_reader_text_number(reader, node, 0, QUOTA_US_MAX);
}

static uint64_t
read_period(SvirtReader *reader, SvirtXmlNode *parent, const char *name)
{
    return read_number(reader, parent, name, PERIOD_US_MIN, PERIOD_US_MAX,
                       PERIOD_US_DEFAULT);
}

/*
 * Threads of a VMM have no cgroup of their own: what libvirt gives each vCPU
 * and the emulator is the limit of them all together.
 */
static void
parse_quotas(SvirtReader *reader, SvirtXmlNode *node, const SvirtDomain *domain,
             SvirtTune *tune)
{
    uint64_t whole = read_quota(reader, node, "global_quota");
    uint64_t whole_period = read_period(reader, node, "global_period");
    uint64_t vcpu = read_quota(reader, node, "quota");
    uint64_t vcpu_period = read_period(reader, node, "period");
    uint64_t emulator = read_quota(reader, node, "emulator_quota");
    uint64_t emulator_period = read_period(reader, node, "emulator_period");
    uint64_t iothread = read_quota(reader, node, "iothread_quota");
    uint64_t iothread_period = read_period(reader, node, "iothread_period");

    if (reader->error != NULL) {
        return;
    }
    if (whole != 0) {
        tune->cpu_quota_us = whole;
        tune->cpu_period_us = whole_period;
    } else if (vcpu != 0) {
        tune->cpu_quota_us = vcpu * domain->vcpus_max +
                             emulator * vcpu_period / emulator_period +
                             iothread * domain->iothread_count * vcpu_period /
                                 iothread_period;
        tune->cpu_period_us = vcpu_period;
    } else if (emulator != 0 || iothread != 0) {
        svirt_reader_fail(reader, node->line, SVIRT_ERROR_UNSUPPORTED,
                          "add <quota>, or use <global_quota>",
                          "<%s_quota> without a <quota> is not built",
                          emulator != 0 ? "emulator" : "iothread");
    }
}

static void
parse_pins(SvirtReader *reader, SvirtXmlNode *node, const SvirtDomain *domain,
           SvirtTune *tune)
{
    SvirtPin *pins =
        svirt_arena_array(reader->arena, svirt_reader_count(node, "vcpupin"),
                          sizeof(*pins));
    SvirtXmlNode *child = NULL;

    tune->pins = pins;
    while ((child = svirt_reader_next(reader, node, child, "vcpupin"))) {
        SvirtPin pin = { .line = child->line };

        (void)svirt_reader_required(reader, child, "vcpu"); /* kept */
        (void)svirt_reader_required(reader, child, "cpuset");
        pin.vcpu = (unsigned)svirt_reader_number(reader, child, "vcpu", 0,
                                                 SVIRT_DOMAIN_VCPUS_MAX, 0);
        pin.cpus = read_cpus(reader, child);
        for (size_t i = 0; i < tune->pin_count; i++) {
            if (pins[i].vcpu == pin.vcpu) {
                svirt_reader_fail(reader, pin.line, SVIRT_ERROR_INVALID,
                                  "keep one of the two",
                                  "vCPU %u is pinned twice", pin.vcpu);
            }
        }
        if (domain->vcpus_max != 0 && pin.vcpu >= domain->vcpus_max) {
            svirt_reader_warn(reader, pin.line,
                              "<vcpupin> is ignored: there is no vCPU %u",
                              pin.vcpu);
        } else {
            pins[tune->pin_count++] = pin;
        }
        (void)svirt_reader_part(reader);
    }
}

static void
parse_cputune(SvirtReader *reader, SvirtXmlNode *root, SvirtDomain *domain)
{
    SvirtXmlNode *node = svirt_reader_child(reader, root, "cputune");
    SvirtXmlNode *emulator = svirt_reader_child(reader, node, "emulatorpin");
    SvirtTune *tune = &domain->tune;

    if (node == NULL) {
        return;
    }
    /* The kernel's bounds: libvirt passes the number on to cgroup v2. */
    if (svirt_reader_count(node, "shares") != 0) {
        tune->cpu_weight =
            CLAMP(read_number(reader, node, "shares", 0, 262144, 0), 1, 10000);
    }
    (void)svirt_reader_part(reader);
    parse_quotas(reader, node, domain, tune);
    (void)svirt_reader_part(reader);
    parse_pins(reader, node, domain, tune);
    if (emulator != NULL) {
        (void)svirt_reader_required(reader, emulator, "cpuset"); /* kept */
        tune->emulator_cpus = read_cpus(reader, emulator);
        tune->emulator_line = emulator->line;
    }
}

/* 0: unlimited, or not given. */
static uint64_t
read_bytes(SvirtReader *reader, SvirtXmlNode *parent, const char *name)
{
    SvirtXmlNode *node = svirt_reader_child(reader, parent, name);
    uint64_t bytes =
        node != NULL ? svirt_reader_size(reader, node, INT64_MAX) : 0;

    return bytes >= UNLIMITED_BYTES ? 0 : bytes;
}

static void
parse_memtune(SvirtReader *reader, SvirtXmlNode *root, SvirtDomain *domain)
{
    SvirtXmlNode *node = svirt_reader_child(reader, root, "memtune");
    SvirtTune *tune = &domain->tune;
    uint64_t swap;

    if (node == NULL) {
        return;
    }
    tune->memory_max_bytes = read_bytes(reader, node, "hard_limit");
    tune->memory_high_bytes = read_bytes(reader, node, "soft_limit");
    /* Memory and swap together. */
    swap = read_bytes(reader, node, "swap_hard_limit");
    if (swap == 0 || reader->error != NULL) {
        return;
    }
    if (swap < tune->memory_max_bytes || tune->memory_max_bytes == 0) {
        svirt_reader_fail(reader, node->line, SVIRT_ERROR_INVALID,
                          "give a <hard_limit> that is not more",
                          "<swap_hard_limit> is memory and swap together, and "
                          "less than <hard_limit>");
        return;
    }
    tune->swap_max_bytes = swap - tune->memory_max_bytes;
    tune->swap_limited = true;
}

static void
parse_blkiotune(SvirtReader *reader, SvirtXmlNode *root, SvirtDomain *domain)
{
    SvirtXmlNode *node = svirt_reader_child(reader, root, "blkiotune");
    SvirtXmlNode *child = NULL;
    SvirtBlockTune *devices;

    if (node == NULL) {
        return;
    }
    domain->tune.io_weight = read_number(reader, node, "weight", 1, 10000, 0);
    devices = svirt_arena_array(
        reader->arena, svirt_reader_count(node, "device"), sizeof(*devices));
    domain->tune.devices = devices;
    while ((child = svirt_reader_next(reader, node, child, "device"))) {
        SvirtBlockTune *device = &devices[domain->tune.device_count++];
        SvirtXmlNode *path = svirt_reader_child(reader, child, "path");

        device->line = child->line;
        if (path == NULL) {
            svirt_reader_fail(reader, child->line, SVIRT_ERROR_INVALID,
                              "add <path>/dev/sda</path>",
                              "<device> has no <path>");
        } else {
            device->path = svirt_reader_path(reader, path, NULL);
        }
        device->weight = read_number(reader, child, "weight", 0, 10000, 0);
        device->read_bytes =
            read_number(reader, child, "read_bytes_sec", 0, INT64_MAX, 0);
        device->write_bytes =
            read_number(reader, child, "write_bytes_sec", 0, INT64_MAX, 0);
        device->read_operations =
            read_number(reader, child, "read_iops_sec", 0, UINT32_MAX, 0);
        device->write_operations =
            read_number(reader, child, "write_iops_sec", 0, UINT32_MAX, 0);
        (void)svirt_reader_part(reader);
    }
}

void
svirt_parse_tune(SvirtReader *reader, SvirtXmlNode *root, SvirtDomain *domain)
{
    SvirtXmlNode *vcpu = svirt_reader_child(reader, root, "vcpu");

    if (vcpu != NULL) {
        domain->tune.cpus = read_cpus(reader, vcpu);
        domain->tune.cpus_line = vcpu->line;
    }
    (void)svirt_reader_part(reader);
    parse_cputune(reader, root, domain);
    (void)svirt_reader_part(reader);
    parse_memtune(reader, root, domain);
    (void)svirt_reader_part(reader);
    parse_blkiotune(reader, root, domain);
}
