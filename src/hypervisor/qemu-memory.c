/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>

#include "base/error.h"
#include "hypervisor/qemu-private.h"

/* Of the guest's whole memory when it has no cells. */
static const SvirtNumaCell no_cell;

/* The bits of a list that the parser has tried, as numbers. */
static json_t *
numbers_of(const char *list)
{
    json_t *numbers = json_array();
    SvirtCpus set;

    g_assert(svirt_cpus_parse(list, &set));
    for (unsigned i = 0; i < SVIRT_CPUS_MAX; i++) {
        if ((set.bits[i / 8] & 1u << i % 8) != 0) {
            json_array_append_new(numbers, json_integer(i));
        }
    }
    return numbers;
}

static const SvirtHugePage *
page_of(const SvirtMemory *memory, size_t cell)
{
    const SvirtHugePage *found = NULL;

    for (size_t i = 0; i < memory->page_count; i++) {
        const SvirtHugePage *page = &memory->pages[i];
        SvirtCpus cells;

        if (page->cells == NULL) {
            found = found != NULL ? found : page;
        } else if (svirt_cpus_parse(page->cells, &cells) &&
                   (cells.bits[cell / 8] & 1u << cell % 8) != 0) {
            return page;
        }
    }
    return found;
}

/* A memfd: what others map, and huge pages, without a file system of them. */
static bool
in_memfd(const SvirtMemory *memory, const SvirtNumaCell *cell,
         const SvirtHugePage *page)
{
    return page != NULL || memory->in_file ||
           (cell->access_given ? cell->shared : memory->shared);
}

static bool
is_plain(const SvirtMemory *memory)
{
    return memory->page_count == 0 && !memory->in_file && !memory->shared &&
           !memory->discard && !memory->immediate &&
           memory->policy.nodes == NULL;
}

const char *
svirt_qemu_memory_backend(const SvirtDomain *domain)
{
    return domain->memory.cell_count == 0 && !is_plain(&domain->memory)
               ? "ram"
               : NULL;
}

uint64_t
svirt_qemu_memory_file_bytes(const SvirtDomain *domain)
{
    const SvirtMemory *memory = &domain->memory;
    uint64_t largest = 0;

    for (size_t i = 0; i < memory->dimm_count; i++) {
        largest = MAX(largest, memory->dimms[i].size_bytes);
    }
    if (memory->cell_count == 0) {
        return in_memfd(memory, &no_cell, page_of(memory, 0))
                   ? domain->memory_bytes
                   : 0;
    }
    for (size_t i = 0; i < memory->cell_count; i++) {
        const SvirtNumaCell *cell = &memory->cells[i];

        if (in_memfd(memory, cell, page_of(memory, i))) {
            largest = MAX(largest, cell->memory_bytes);
        }
    }
    return largest;
}

static void
set_policy(json_t *object, const SvirtNumaPolicy *policy)
{
    static const char *const words[] = { "bind", "preferred", "interleave" };

    G_STATIC_ASSERT(G_N_ELEMENTS(words) == SVIRT_NUMA_MODE_MAX);
    if (policy->nodes != NULL) {
        json_object_set_new(object, "host-nodes", numbers_of(policy->nodes));
        json_object_set_new(object, "policy",
                            json_string(words[policy->mode]));
    }
}

static void
add_backend(SvirtQemuBuilder *builder, const char *id,
            const SvirtHugePage *page, const SvirtNumaCell *cell,
            uint64_t size)
{
    const SvirtMemory *memory = &builder->input->domain->memory;
    bool memfd = in_memfd(memory, cell, page);
    json_t *object =
        json_pack("{s:s,s:s,s:I}", "qom-type",
                  memfd ? "memory-backend-memfd" : "memory-backend-ram", "id",
                  id, "size", (json_int_t)size);

    if (memfd) {
        bool shared = cell->access_given ? cell->shared : memory->shared;

        json_object_set_new(object, "share", json_boolean(shared));
    }
    if (page != NULL) {
        json_object_set_new(object, "hugetlb", json_true());
        if (page->size_bytes != 0) {
            json_object_set_new(object, "hugetlbsize",
                                json_integer((json_int_t)page->size_bytes));
        }
    }
    /* Huge pages that are not there are missed now, not by the guest. */
    if (page != NULL || memory->immediate) {
        json_object_set_new(object, "prealloc", json_true());
        if (memory->threads != 0) {
            json_object_set_new(object, "prealloc-threads",
                                json_integer(memory->threads));
        }
    }
    if (memory->discard || cell->discard) {
        json_object_set_new(object, "discard-data", json_true());
    }
    set_policy(object, cell->policy.nodes != NULL ? &cell->policy
                                                  : &memory->policy);
    svirt_qemu_add_json(builder, "-object", object);
}

static void
append_cpus(GString *text, const char *list)
{
    SvirtCpus set;

    g_assert(svirt_cpus_parse(list, &set));
    for (unsigned first = 0; first < SVIRT_CPUS_MAX; first++) {
        unsigned last = first;

        if ((set.bits[first / 8] & 1u << first % 8) == 0) {
            continue;
        }
        while (last + 1 < SVIRT_CPUS_MAX &&
               (set.bits[(last + 1) / 8] & 1u << (last + 1) % 8) != 0) {
            last++;
        }
        g_string_append_printf(text, ",cpus=%u", first);
        if (last > first) {
            g_string_append_printf(text, "-%u", last);
        }
        first = last;
    }
}

static void
add_cells(SvirtQemuBuilder *builder)
{
    const SvirtMemory *memory = &builder->input->domain->memory;

    for (size_t i = 0; i < memory->cell_count; i++) {
        const SvirtNumaCell *cell = &memory->cells[i];
        g_autofree char *id = g_strdup_printf("ram-node%zu", i);
        g_autoptr(GString) text = g_string_new(NULL);

        add_backend(builder, id, page_of(memory, i), cell, cell->memory_bytes);
        g_string_append_printf(text, "node,nodeid=%zu", i);
        if (cell->cpus != NULL) {
            append_cpus(text, cell->cpus);
        }
        g_string_append_printf(text, ",memdev=%s", id);
        svirt_qemu_add(builder, "-numa", text->str);
    }
    for (size_t i = 0; i < memory->cell_count; i++) {
        const uint8_t *distances = memory->cells[i].distances;

        for (size_t j = 0; distances != NULL && j < memory->cell_count; j++) {
            if (distances[j] != 0) {
                svirt_qemu_addf(builder, "-numa",
                                "dist,src=%zu,dst=%zu,val=%u", i, j,
                                distances[j]);
            }
        }
    }
}

/* A back end of its own, as a cell has one. */
static void
add_dimm(SvirtQemuBuilder *builder, size_t index)
{
    const SvirtMemory *memory = &builder->input->domain->memory;
    const SvirtDimm *dimm = &memory->dimms[index];
    const SvirtHugePage own = { .size_bytes = dimm->page_bytes };
    const SvirtNumaCell like = {
        .access_given = dimm->access_given,
        .shared = dimm->shared,
        .discard = dimm->discard,
        .policy = dimm->policy,
    };
    g_autofree char *backend = g_strdup_printf("memdimm%zu", index);
    g_autofree char *id = g_strdup_printf("dimm%zu", index);
    json_t *device = svirt_qemu_device("pc-dimm", id, 0);

    add_backend(builder, backend,
                dimm->page_bytes != 0 ? &own : page_of(memory, dimm->cell),
                &like, dimm->size_bytes);
    json_object_set_new(device, "memdev", json_string(backend));
    json_object_set_new(device, "node", json_integer(dimm->cell));
    if (dimm->slot >= 0) {
        json_object_set_new(device, "slot", json_integer(dimm->slot));
    }
    if (dimm->base != 0) {
        json_object_set_new(device, "addr",
                            json_integer((json_int_t)dimm->base));
    }
    svirt_qemu_add_json(builder, "-device", device);
}

static void
set_switch(json_t *device, const char *name, bool on)
{
    if (on) {
        json_object_set_new(device, name, json_true());
    }
}

bool
svirt_qemu_add_iommu(SvirtQemuBuilder *builder, GError **error)
{
    const SvirtIommu *iommu = &builder->input->domain->iommu;
    json_t *device;

    if (iommu->line == 0) {
        return true;
    }
    if (!builder->pcie) {
        return svirt_raise(error, SVIRT_ERROR_UNSUPPORTED, NULL,
                           "use the machine q35, or remove it",
                           "line %u: this machine has no <iommu>",
                           iommu->line);
    }
    device = json_pack("{s:s,s:s}", "driver", "intel-iommu", "id", "iommu0");
    set_switch(device, "intremap", iommu->interrupt_remapping);
    set_switch(device, "caching-mode", iommu->caching_mode);
    set_switch(device, "device-iotlb", iommu->device_iotlb);
    if (iommu->eim_given) {
        json_object_set_new(device, "eim",
                            json_string(iommu->eim ? "on" : "off"));
    }
    if (iommu->address_bits != 0) {
        json_object_set_new(device, "aw-bits",
                            json_integer(iommu->address_bits));
    }
    svirt_qemu_add_json(builder, "-device", device);
    return true;
}

void
svirt_qemu_add_memory(SvirtQemuBuilder *builder)
{
    const SvirtDomain *domain = builder->input->domain;
    const SvirtMemory *memory = &domain->memory;
    const char *backend = svirt_qemu_memory_backend(domain);
    g_autoptr(GString) text = g_string_new(NULL);

    g_string_append_printf(text, "size=%" PRIu64 "k",
                           domain->memory_bytes / 1024);
    if (memory->max_bytes > domain->memory_bytes) {
        g_string_append_printf(text, ",slots=%u,maxmem=%" PRIu64 "k",
                               MAX(memory->slots, 1),
                               memory->max_bytes / 1024);
    }
    svirt_qemu_add(builder, "-m", text->str);
    if (backend != NULL) {
        add_backend(builder, backend, page_of(memory, 0), &no_cell,
                    domain->memory_bytes);
    }
    add_cells(builder);
    for (size_t i = 0; i < memory->dimm_count; i++) {
        add_dimm(builder, i);
    }
}
