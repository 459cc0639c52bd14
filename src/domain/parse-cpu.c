/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain/parse.h"

#include <string.h>

#define VENDOR_BYTES 12u

static void
parse_model(SvirtReader *reader, SvirtXmlNode *node, SvirtCpu *cpu)
{
    SvirtXmlNode *model = svirt_reader_child(reader, node, "model");
    bool empty;

    if (model == NULL) {
        return;
    }
    /* host-model takes <model fallback='...'/> without a name. */
    cpu->vendor_id = svirt_reader_attribute(reader, model, "vendor_id");
    if (cpu->vendor_id != NULL && (strlen(cpu->vendor_id) != VENDOR_BYTES ||
                                   strchr(cpu->vendor_id, ',') != NULL)) {
        svirt_reader_fail(reader, model->line, SVIRT_ERROR_INVALID, NULL,
                          "vendor_id='%.80s' is not %u letters without a "
                          "comma",
                          cpu->vendor_id, VENDOR_BYTES);
    }
    empty = model->text == NULL;
    if (empty) {
        return;
    }
    cpu->model = svirt_reader_text(reader, model);
    if (reader->error == NULL && !svirt_reader_is_word(cpu->model)) {
        svirt_reader_fail(reader, model->line, SVIRT_ERROR_INVALID, NULL,
                          "CPU model '%.80s' is not a single word", cpu->model);
    }
}

static unsigned
read_level(SvirtReader *reader, SvirtXmlNode *node, const char *name,
           unsigned fallback)
{
    return (unsigned)svirt_reader_number(reader, node, name, 1,
                                         SVIRT_DOMAIN_VCPUS_MAX, fallback);
}

static void
parse_topology(SvirtReader *reader, SvirtXmlNode *node, unsigned vcpus,
               SvirtCpu *cpu)
{
    SvirtXmlNode *topology = svirt_reader_child(reader, node, "topology");
    uint64_t product;

    if (topology == NULL) {
        return;
    }
    (void)svirt_reader_required(reader, topology, "sockets"); /* kept */
    (void)svirt_reader_required(reader, topology, "cores");
    (void)svirt_reader_required(reader, topology, "threads");
    cpu->sockets = read_level(reader, topology, "sockets", 0);
    cpu->dies = read_level(reader, topology, "dies", 1);
    cpu->clusters = read_level(reader, topology, "clusters", 1);
    cpu->cores = read_level(reader, topology, "cores", 0);
    cpu->threads = read_level(reader, topology, "threads", 0);
    product = (uint64_t)cpu->sockets * cpu->dies * cpu->clusters;
    product *= (uint64_t)cpu->cores * cpu->threads;
    if (vcpus != 0 && product != vcpus) {
        svirt_reader_fail(reader, topology->line, SVIRT_ERROR_INVALID,
                          "make the product of the topology equal to <vcpu>",
                          "CPU topology has %" PRIu64 " threads, <vcpu> %u",
                          product, vcpus);
    }
}

static void
parse_feature(SvirtReader *reader, SvirtXmlNode *node, SvirtCpuFeature *feature)
{
    (void)svirt_reader_required(reader, node, "name"); /* error is kept */
    feature->line = node->line;
    feature->name = svirt_reader_word(reader, node, "name");
    feature->policy = SVIRT_CPU_POLICY_REQUIRE;
    SVIRT_READ_ENUM(reader, node, "policy", svirt_cpu_policy,
                    &feature->policy);
}

static void
parse_cpu_features(SvirtReader *reader, SvirtXmlNode *node, SvirtCpu *cpu)
{
    g_autoptr(GHashTable) names = g_hash_table_new(g_str_hash, g_str_equal);
    SvirtCpuFeature *features;
    SvirtXmlNode *child = NULL;
    size_t i = 0;

    cpu->feature_count = svirt_reader_count(node, "feature");
    features =
        svirt_arena_array(reader->arena, cpu->feature_count, sizeof(*features));
    cpu->features = features;
    while ((child = svirt_reader_next(reader, node, child, "feature"))) {
        SvirtCpuFeature *feature = &features[i++];

        parse_feature(reader, child, feature);
        if (feature->name != NULL &&
            !g_hash_table_add(names, (gpointer)feature->name)) {
            svirt_reader_fail(reader, child->line, SVIRT_ERROR_INVALID,
                              "keep one of the two",
                              "CPU feature '%s' is given twice", feature->name);
        }
        (void)svirt_reader_part(reader);
    }
}

static bool
has_host_cpu(const SvirtCpu *cpu)
{
    return cpu->mode == SVIRT_CPU_MODE_HOST_PASSTHROUGH ||
           cpu->mode == SVIRT_CPU_MODE_MAXIMUM;
}

static void
parse_cache(SvirtReader *reader, SvirtXmlNode *node, SvirtCpu *cpu)
{
    SvirtXmlNode *cache = svirt_reader_child(reader, node, "cache");
    unsigned level;

    if (cache == NULL) {
        return;
    }
    (void)svirt_reader_required(reader, cache, "mode"); /* kept */
    SVIRT_READ_ENUM(reader, cache, "mode", svirt_cpu_cache, &cpu->cache);
    level = (unsigned)svirt_reader_number(reader, cache, "level", 1, 3, 0);
    if (cpu->cache == SVIRT_CPU_CACHE_EMULATE && level != 3) {
        svirt_reader_fail(reader, cache->line, SVIRT_ERROR_INVALID,
                          "add level='3'",
                          "<cache mode='emulate'> has not level='3'");
    }
    if (cpu->cache == SVIRT_CPU_CACHE_PASSTHROUGH &&
        (level != 0 || !has_host_cpu(cpu))) {
        svirt_reader_fail(reader, cache->line, SVIRT_ERROR_INVALID,
                          "use it without a level and with <cpu "
                          "mode='host-passthrough'>",
                          "<cache mode='passthrough'> is not possible here");
    }
}

static void
parse_address_bits(SvirtReader *reader, SvirtXmlNode *node, SvirtCpu *cpu)
{
    SvirtXmlNode *size = svirt_reader_child(reader, node, "maxphysaddr");
    const char *mode;

    if (size == NULL) {
        return;
    }
    mode = svirt_reader_required(reader, size, "mode");
    cpu->host_physical_bits = strcmp(mode, "passthrough") == 0;
    cpu->physical_bits =
        (unsigned)svirt_reader_number(reader, size, "bits", 32, 64, 0);
    cpu->physical_bits_limit =
        (unsigned)svirt_reader_number(reader, size, "limit", 32, 64, 0);
    if (reader->error != NULL) {
        return;
    }
    if (!cpu->host_physical_bits && strcmp(mode, "emulate") != 0) {
        svirt_reader_bad_word(reader, size, "mode", mode);
    } else if (cpu->host_physical_bits != (cpu->physical_bits == 0) ||
               (cpu->physical_bits_limit != 0 && !cpu->host_physical_bits)) {
        svirt_reader_fail(reader, size->line, SVIRT_ERROR_INVALID,
                          "give bits= with mode='emulate' alone, and limit= "
                          "with 'passthrough'",
                          "<maxphysaddr mode='%s'> has bits or limit that do "
                          "not fit",
                          mode);
    } else if (cpu->host_physical_bits && !has_host_cpu(cpu)) {
        svirt_reader_fail(reader, size->line, SVIRT_ERROR_INVALID,
                          "use it with <cpu mode='host-passthrough'>",
                          "<maxphysaddr mode='passthrough'> is not possible "
                          "here");
    }
}

void
svirt_parse_cpu(SvirtReader *reader, SvirtXmlNode *root, SvirtDomain *domain)
{
    SvirtXmlNode *node = svirt_reader_child(reader, root, "cpu");
    SvirtCpu *cpu = &domain->cpu;
    bool ok;

    if (node == NULL) {
        return;
    }
    cpu->line = node->line;
    parse_model(reader, node, cpu);
    ok = svirt_reader_part(reader);
    if (cpu->model != NULL) {
        cpu->mode = SVIRT_CPU_MODE_CUSTOM;
    }
    SVIRT_READ_ENUM(reader, node, "mode", svirt_cpu_mode,
                    &cpu->mode);
    SVIRT_READ_ENUM(reader, node, "check", svirt_cpu_check,
                    &cpu->check);
    if (svirt_reader_attribute(reader, node, "migratable") != NULL) {
        cpu->migratable = svirt_reader_on_off(reader, node, "migratable", true)
                              ? SVIRT_SWITCH_ON
                              : SVIRT_SWITCH_OFF;
    }
    ok = svirt_reader_part(reader) && ok;
    parse_topology(reader, node, domain->vcpus_max, cpu);
    ok = svirt_reader_part(reader) && ok;
    parse_cache(reader, node, cpu);
    ok = svirt_reader_part(reader) && ok;
    parse_address_bits(reader, node, cpu);
    ok = svirt_reader_part(reader) && ok;
    parse_cpu_features(reader, node, cpu);
    if (!ok) {
        return;
    }
    if (cpu->mode == SVIRT_CPU_MODE_CUSTOM && cpu->model == NULL) {
        svirt_reader_fail(reader, node->line, SVIRT_ERROR_INVALID,
                          "add <model>NAME</model>",
                          "<cpu mode='custom'> has no <model>");
    }
    if (cpu->mode == SVIRT_CPU_MODE_UNSET && cpu->feature_count > 0) {
        svirt_reader_fail(reader, node->line, SVIRT_ERROR_INVALID,
                          "add <model>NAME</model> or mode='host-passthrough'",
                          "<cpu> has features and no model");
    }
}
