/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain/parse.h"

#include <string.h>

#define MIB (UINT64_C(1) << 20)
#define NODES_HINT "write it as 0-3,^2"

/* A list of numbers as of CPUs, below `limit`; NULL when absent. */
static const char *
read_list(SvirtReader *reader, SvirtXmlNode *node, const char *name,
          unsigned limit)
{
    const char *text = svirt_reader_attribute(reader, node, name);
    SvirtCpus set;
    bool ok = text == NULL || svirt_cpus_parse(text, &set);

    for (unsigned i = limit; text != NULL && ok && i < SVIRT_CPUS_MAX; i++) {
        ok = (set.bits[i / 8] & 1u << i % 8) == 0;
    }
    if (!ok) {
        svirt_reader_fail(reader, node->line, SVIRT_ERROR_INVALID, NODES_HINT,
                          "%s='%.80s' of <%s> is no list of numbers below %u",
                          name, text, node->name, limit);
    }
    return text;
}

static void
parse_pages(SvirtReader *reader, SvirtXmlNode *backing, SvirtMemory *memory)
{
    SvirtXmlNode *node = svirt_reader_child(reader, backing, "hugepages");
    SvirtXmlNode *child = NULL;
    SvirtHugePage *pages;
    size_t count;

    if (node == NULL) {
        return;
    }
    count = svirt_reader_count(node, "page");
    pages = svirt_arena_array(reader->arena, count + 1, sizeof(*pages));
    memory->pages = pages;
    memory->page_count = MAX(count, 1);
    for (size_t i = 0; i < count; i++) {
        const char *unit;

        child = svirt_reader_next(reader, node, child, "page");
        unit = svirt_reader_attribute(reader, child, "unit");
        (void)svirt_reader_required(reader, child, "size"); /* kept */
        pages[i].size_bytes = svirt_reader_size_of(
            reader, child, svirt_reader_attribute(reader, child, "size"), unit,
            UINT64_C(1) << 40);
        pages[i].cells = read_list(reader, child, "nodeset",
                                   (unsigned)MAX(memory->cell_count, 1));
        if (reader->error == NULL &&
            (pages[i].size_bytes & (pages[i].size_bytes - 1)) != 0) {
            svirt_reader_fail(reader, child->line, SVIRT_ERROR_INVALID, NULL,
                              "the size of a <page> is no power of two");
        }
        (void)svirt_reader_part(reader);
    }
    if (memory->cell_count == 0 && count > 1) {
        svirt_reader_fail(reader, node->line, SVIRT_ERROR_INVALID,
                          "keep one <page>",
                          "memory that is one piece has several sizes of "
                          "pages");
    }
}

/* The attribute is one of two words; `yes` says which is the second. */
static bool
read_choice(SvirtReader *reader, SvirtXmlNode *parent, const char *name,
            const char *attribute, const char *no, const char *yes)
{
    SvirtXmlNode *node = svirt_reader_child(reader, parent, name);
    const char *word = node != NULL
                           ? svirt_reader_attribute(reader, node, attribute)
                           : NULL;

    if (word != NULL && strcmp(word, no) != 0 && strcmp(word, yes) != 0) {
        svirt_reader_bad_word(reader, node, attribute, word);
    }
    return g_strcmp0(word, yes) == 0;
}

static void
parse_backing(SvirtReader *reader, SvirtXmlNode *root, SvirtMemory *memory)
{
    SvirtXmlNode *node = svirt_reader_child(reader, root, "memoryBacking");
    SvirtXmlNode *source = svirt_reader_child(reader, node, "source");
    SvirtXmlNode *allocation = svirt_reader_child(reader, node, "allocation");
    const char *type;

    if (node == NULL) {
        return;
    }
    parse_pages(reader, node, memory);
    memory->no_merging =
        svirt_reader_child(reader, node, "nosharepages") != NULL;
    memory->discard = svirt_reader_child(reader, node, "discard") != NULL;
    memory->shared =
        read_choice(reader, node, "access", "mode", "private", "shared");
    memory->immediate = read_choice(reader, node, "allocation", "mode",
                                    "ondemand", "immediate");
    if (allocation != NULL) {
        memory->threads = (unsigned)svirt_reader_number(
            reader, allocation, "threads", 1, SVIRT_DOMAIN_VCPUS_MAX, 0);
    }
    type = source != NULL ? svirt_reader_attribute(reader, source, "type")
                          : NULL;
    memory->in_file = type != NULL && strcmp(type, "anonymous") != 0;
    if (memory->in_file && strcmp(type, "memfd") != 0 &&
        strcmp(type, "file") != 0) {
        svirt_reader_bad_word(reader, source, "type", type);
    }
}

static void
parse_policy(SvirtReader *reader, SvirtXmlNode *node, SvirtNumaPolicy *policy)
{
    SVIRT_READ_ENUM(reader, node, "mode", svirt_numa_mode, &policy->mode);
    policy->nodes = read_list(reader, node, "nodeset", 1024);
}

static void
parse_numatune(SvirtReader *reader, SvirtXmlNode *root, SvirtMemory *memory,
               SvirtNumaCell *cells)
{
    SvirtXmlNode *node = svirt_reader_child(reader, root, "numatune");
    SvirtXmlNode *whole = svirt_reader_child(reader, node, "memory");
    SvirtXmlNode *child = NULL;

    if (whole != NULL) {
        const char *placement =
            svirt_reader_attribute(reader, whole, "placement");
        const SvirtXmlNode *vcpu = svirt_xml_find(root, "vcpu");
        const char *vcpus =
            vcpu != NULL ? svirt_xml_get(vcpu, "placement") : NULL;
        bool given = placement != NULL ||
                     svirt_xml_get(whole, "nodeset") != NULL;
        /* That of the vCPUs, where it says nothing. */
        bool automatic =
            g_strcmp0(given ? placement : vcpus, "auto") == 0;

        parse_policy(reader, whole, &memory->policy);
        if (automatic) {
            memory->policy.nodes = NULL;
            svirt_reader_warn(reader, whole->line,
                              "placement='auto' of <memory> is ignored: "
                              "svirt asks no numad");
        } else if (placement != NULL && strcmp(placement, "static") != 0) {
            svirt_reader_bad_word(reader, whole, "placement", placement);
        } else if (memory->policy.nodes == NULL) {
            svirt_reader_fail(reader, whole->line, SVIRT_ERROR_INVALID,
                              "add nodeset='0'",
                              "<memory> of <numatune> has no nodeset");
        }
        if (automatic && svirt_reader_count(node, "memnode") > 0) {
            svirt_reader_fail(reader, whole->line, SVIRT_ERROR_INVALID,
                              "keep one of the two",
                              "<memnode> stands beside placement='auto'");
        }
        (void)svirt_reader_part(reader);
    }
    while (node != NULL &&
           (child = svirt_reader_next(reader, node, child, "memnode"))) {
        size_t id;

        (void)svirt_reader_required(reader, child, "cellid"); /* kept */
        (void)svirt_reader_required(reader, child, "nodeset");
        id = (size_t)svirt_reader_number(reader, child, "cellid", 0,
                                         SVIRT_NUMA_CELLS_MAX - 1, 0);
        if (reader->error == NULL &&
            (id >= memory->cell_count || cells[id].policy.nodes != NULL)) {
            svirt_reader_fail(reader, child->line, SVIRT_ERROR_INVALID,
                              "give each <cell> one at most",
                              "<memnode> of cell %zu, which there is not or "
                              "which has one",
                              id);
        }
        if (svirt_reader_part(reader)) {
            parse_policy(reader, child, &cells[id].policy);
            (void)svirt_reader_part(reader);
        }
    }
}

static void
parse_distances(SvirtReader *reader, SvirtXmlNode *cell_node, size_t count,
                SvirtNumaCell *cell)
{
    SvirtXmlNode *node = svirt_reader_child(reader, cell_node, "distances");
    SvirtXmlNode *child = NULL;
    uint8_t *distances;

    if (node == NULL) {
        return;
    }
    distances = svirt_arena_array(reader->arena, count, sizeof(*distances));
    cell->distances = distances;
    while ((child = svirt_reader_next(reader, node, child, "sibling"))) {
        uint64_t id, value;

        (void)svirt_reader_required(reader, child, "id"); /* kept */
        (void)svirt_reader_required(reader, child, "value");
        id = svirt_reader_number(reader, child, "id", 0, count - 1, 0);
        value = svirt_reader_number(reader, child, "value", 10, 255, 0);
        if (svirt_reader_part(reader)) {
            distances[id] = (uint8_t)value;
        }
    }
}

static void
parse_cell(SvirtReader *reader, SvirtXmlNode *node, unsigned vcpus,
           size_t count, SvirtNumaCell *cell)
{
    const char *access = svirt_reader_attribute(reader, node, "memAccess");
    const char *size = svirt_reader_required(reader, node, "memory");

    cell->line = node->line;
    cell->cpus = read_list(reader, node, "cpus",
                           vcpus != 0 ? vcpus : SVIRT_DOMAIN_VCPUS_MAX);
    cell->memory_bytes = svirt_reader_size_of(
        reader, node, size, svirt_reader_attribute(reader, node, "unit"),
        SVIRT_DOMAIN_MEMORY_MAX);
    /* As libvirt does; QEMU takes no part of a page. */
    cell->memory_bytes = (cell->memory_bytes + MIB - 1) / MIB * MIB;
    cell->discard = svirt_reader_yes_no(reader, node, "discard", false);
    cell->access_given = access != NULL;
    cell->shared = g_strcmp0(access, "shared") == 0;
    if (access != NULL && !cell->shared && strcmp(access, "private") != 0) {
        svirt_reader_bad_word(reader, node, "memAccess", access);
    }
    parse_distances(reader, node, count, cell);
}

/* Two cells with one vCPU. */
static void
check_cells(SvirtReader *reader, const SvirtNumaCell *cells, size_t count)
{
    SvirtCpus taken = { { 0 } };

    for (size_t i = 0; i < count; i++) {
        SvirtCpus own;

        if (cells[i].cpus == NULL || !svirt_cpus_parse(cells[i].cpus, &own)) {
            continue;
        }
        for (size_t j = 0; j < sizeof(own.bits); j++) {
            if ((taken.bits[j] & own.bits[j]) != 0) {
                svirt_reader_fail(reader, cells[i].line, SVIRT_ERROR_INVALID,
                                  "give each vCPU to one cell",
                                  "cell %zu has a vCPU of another cell", i);
                return;
            }
            taken.bits[j] |= own.bits[j];
        }
    }
}

static SvirtNumaCell *
parse_cells(SvirtReader *reader, SvirtXmlNode *root, SvirtDomain *domain)
{
    SvirtXmlNode *cpu = svirt_reader_child(reader, root, "cpu");
    SvirtXmlNode *node = svirt_reader_child(reader, cpu, "numa");
    SvirtXmlNode *child = NULL;
    SvirtNumaCell *cells;
    size_t count;
    uint64_t sum = 0;

    if (node == NULL) {
        return NULL;
    }
    count = svirt_reader_count(node, "cell");
    if (count == 0 || count > SVIRT_NUMA_CELLS_MAX) {
        svirt_reader_fail(reader, node->line, SVIRT_ERROR_INVALID, NULL,
                          "<numa> has not 1 to %u cells", SVIRT_NUMA_CELLS_MAX);
        return NULL;
    }
    cells = svirt_arena_array(reader->arena, count, sizeof(*cells));
    for (size_t i = 0; i < count; i++) {
        size_t id;

        child = svirt_reader_next(reader, node, child, "cell");
        id = (size_t)svirt_reader_number(reader, child, "id", 0, count - 1, i);
        if (reader->error == NULL && cells[id].line != 0) {
            svirt_reader_fail(reader, child->line, SVIRT_ERROR_INVALID,
                              "number them from 0", "second cell %zu", id);
        }
        if (reader->error == NULL) {
            parse_cell(reader, child, domain->vcpus_max, count, &cells[id]);
            sum += cells[id].memory_bytes;
        }
        (void)svirt_reader_part(reader);
    }
    check_cells(reader, cells, count);
    (void)svirt_reader_part(reader);
    domain->memory.cells = cells;
    domain->memory.cell_count = count;
    /* What the cells have is what there is, as in libvirt. */
    if (domain->current_memory_bytes == domain->memory_bytes ||
        domain->current_memory_bytes > sum) {
        domain->current_memory_bytes = sum;
    }
    domain->memory_bytes = sum;
    return cells;
}

void
svirt_parse_memory(SvirtReader *reader, SvirtXmlNode *root, SvirtDomain *domain)
{
    SvirtXmlNode *max = svirt_reader_child(reader, root, "maxMemory");
    SvirtNumaCell *cells = parse_cells(reader, root, domain);

    (void)svirt_reader_part(reader);
    parse_numatune(reader, root, &domain->memory, cells);
    (void)svirt_reader_part(reader);
    parse_backing(reader, root, &domain->memory);
    (void)svirt_reader_part(reader);
    if (max == NULL) {
        return;
    }
    domain->memory.max_bytes =
        svirt_reader_size(reader, max, SVIRT_DOMAIN_MEMORY_MAX);
    domain->memory.slots =
        (unsigned)svirt_reader_number(reader, max, "slots", 1, 255, 0);
    if (reader->error == NULL && cells == NULL) {
        svirt_reader_fail(reader, max->line, SVIRT_ERROR_INVALID,
                          "add <cpu><numa> with a <cell>",
                          "<maxMemory> without a NUMA cell");
    } else if (reader->error == NULL &&
               domain->memory.max_bytes < domain->memory_bytes) {
        svirt_reader_fail(reader, max->line, SVIRT_ERROR_INVALID, NULL,
                          "<maxMemory> is less than <memory>");
    }
}
