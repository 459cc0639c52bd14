/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain/obstacle.h"
#include "domain/parse.h"

#include <string.h>

/* What every page size of a PC divides. */
#define DIMM_BYTES (UINT64_C(2) << 20)

static uint64_t
read_size(SvirtReader *reader, SvirtXmlNode *parent, const char *name)
{
    SvirtXmlNode *node = svirt_reader_child(reader, parent, name);

    return node != NULL
               ? svirt_reader_size(reader, node, SVIRT_DOMAIN_MEMORY_MAX)
               : 0;
}

static void
parse_place(SvirtReader *reader, SvirtXmlNode *node, SvirtDimm *dimm)
{
    SvirtXmlNode *address = svirt_reader_child(reader, node, "address");
    SvirtXmlNode *alias = svirt_reader_child(reader, node, "alias");
    const char *type;

    if (alias != NULL) {
        (void)svirt_reader_word(reader, alias, "name"); /* error is kept */
    }
    dimm->slot = -1;
    if (address == NULL) {
        return;
    }
    type = svirt_reader_required(reader, address, "type");
    if (reader->error == NULL && strcmp(type, "dimm") != 0) {
        svirt_reader_bad_word(reader, address, "type", type);
    }
    dimm->slot = (int)svirt_reader_number(reader, address, "slot", 0, 255, 0);
    dimm->base =
        svirt_reader_number(reader, address, "base", 0, UINT64_MAX, 0);
}

static void
parse_source(SvirtReader *reader, SvirtXmlNode *node, SvirtDimm *dimm)
{
    SvirtXmlNode *source = svirt_reader_child(reader, node, "source");
    SvirtXmlNode *nodes = svirt_reader_child(reader, source, "nodemask");
    SvirtCpus set;

    dimm->page_bytes = read_size(reader, source, "pagesize");
    if (nodes == NULL) {
        return;
    }
    dimm->policy.nodes = svirt_reader_text(reader, nodes);
    if (reader->error == NULL && !svirt_cpus_parse(dimm->policy.nodes, &set)) {
        svirt_reader_fail(reader, nodes->line, SVIRT_ERROR_INVALID,
                          "write it as 0-3,^2",
                          "'%.80s' in <nodemask> is no list of nodes",
                          dimm->policy.nodes);
    }
}

static void
parse_dimm(SvirtReader *reader, SvirtXmlNode *node, const SvirtMemory *memory,
           SvirtDimm *dimm)
{
    SvirtXmlNode *target = svirt_reader_child(reader, node, "target");
    SvirtXmlNode *cell = svirt_reader_child(reader, target, "node");
    const char *model = svirt_reader_required(reader, node, "model");
    const char *access;

    dimm->line = node->line;
    if (reader->error == NULL && strcmp(model, "dimm") != 0) {
        svirt_reader_bad_word(reader, node, "model", model);
        node->unread = true;
        return;
    }
    access = svirt_reader_attribute(reader, node, "access");
    dimm->access_given = access != NULL;
    dimm->shared = g_strcmp0(access, "shared") == 0;
    if (access != NULL && !dimm->shared && strcmp(access, "private") != 0) {
        svirt_reader_bad_word(reader, node, "access", access);
    }
    dimm->discard = svirt_reader_yes_no(reader, node, "discard", false);
    parse_source(reader, node, dimm);
    dimm->size_bytes = read_size(reader, target, "size");
    dimm->size_bytes =
        (dimm->size_bytes + DIMM_BYTES - 1) / DIMM_BYTES * DIMM_BYTES;
    dimm->cell = cell != NULL ? (unsigned)svirt_reader_text_number(
                                    reader, cell, 0,
                                    MAX(memory->cell_count, 1) - 1)
                              : 0;
    parse_place(reader, node, dimm);
    if (reader->error == NULL && dimm->size_bytes == 0) {
        svirt_reader_fail(reader, node->line, SVIRT_ERROR_INVALID,
                          "add <target><size unit='MiB'>128</size></target>",
                          "<memory model='dimm'> has no size");
    }
}

void
svirt_parse_dimms(SvirtReader *reader, SvirtXmlNode *root, SvirtDomain *domain)
{
    SvirtXmlNode *devices = svirt_reader_child(reader, root, "devices");
    SvirtMemory *memory = &domain->memory;
    size_t count = svirt_reader_count(devices, "memory");
    uint64_t sum = domain->memory_bytes;
    SvirtXmlNode *node = NULL;
    SvirtDimm *dimms;

    if (count == 0) {
        return;
    }
    dimms = svirt_arena_array(reader->arena, count, sizeof(*dimms));
    memory->dimms = dimms;
    while ((node = svirt_reader_next(reader, devices, node, "memory"))) {
        SvirtDimm *dimm = &dimms[memory->dimm_count];

        if (svirt_obstacle_take(reader, node)) {
            (void)svirt_reader_part(reader);
            continue;
        }
        memory->dimm_count++;

        parse_dimm(reader, node, memory, dimm);
        sum += dimm->size_bytes;
        if (reader->error == NULL && (memory->dimm_count > memory->slots ||
                                      sum > memory->max_bytes)) {
            svirt_reader_fail(reader, node->line, SVIRT_ERROR_INVALID,
                              "give <maxMemory> more slots= or a larger size",
                              "<memory> has no room in <maxMemory>");
        }
        (void)svirt_reader_part(reader);
    }
}

void
svirt_parse_iommu(SvirtReader *reader, SvirtXmlNode *root, SvirtDomain *domain)
{
    SvirtXmlNode *devices = svirt_reader_child(reader, root, "devices");
    SvirtXmlNode *node = svirt_reader_child(reader, devices, "iommu");
    SvirtXmlNode *driver = svirt_reader_child(reader, node, "driver");
    SvirtIommu *iommu = &domain->iommu;
    const char *model;

    if (node == NULL || svirt_obstacle_take(reader, node)) {
        return;
    }
    model = svirt_reader_required(reader, node, "model");
    if (reader->error == NULL && strcmp(model, "intel") != 0) {
        svirt_reader_bad_word(reader, node, "model", model);
        node->unread = true;
        return;
    }
    iommu->line = node->line;
    if (driver == NULL) {
        return;
    }
    iommu->interrupt_remapping =
        svirt_reader_on_off(reader, driver, "intremap", false);
    iommu->caching_mode =
        svirt_reader_on_off(reader, driver, "caching_mode", false);
    iommu->device_iotlb = svirt_reader_on_off(reader, driver, "iotlb", false);
    iommu->eim_given = svirt_reader_attribute(reader, driver, "eim") != NULL;
    iommu->eim = svirt_reader_on_off(reader, driver, "eim", false);
    iommu->address_bits =
        (unsigned)svirt_reader_number(reader, driver, "aw_bits", 39, 48, 0);
    if (reader->error == NULL && iommu->eim && !iommu->interrupt_remapping) {
        svirt_reader_fail(reader, driver->line, SVIRT_ERROR_INVALID,
                          "add intremap='on'", "eim='on' needs intremap='on'");
    }
}
