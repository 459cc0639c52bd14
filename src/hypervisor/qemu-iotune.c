/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "base/error.h"
#include "hypervisor/qemu-private.h"

/*
 * A disk with limits sits behind a node that holds it back, in a group of its
 * own or of several disks. The group's limits can be changed while it runs.
 */

static const char *const words[SVIRT_IOTUNE_MAX] = {
    [SVIRT_IOTUNE_TOTAL_BYTES] = "bps-total",
    [SVIRT_IOTUNE_READ_BYTES] = "bps-read",
    [SVIRT_IOTUNE_WRITE_BYTES] = "bps-write",
    [SVIRT_IOTUNE_TOTAL_OPERATIONS] = "iops-total",
    [SVIRT_IOTUNE_READ_OPERATIONS] = "iops-read",
    [SVIRT_IOTUNE_WRITE_OPERATIONS] = "iops-write",
    [SVIRT_IOTUNE_BURST + 0] = "bps-total-max",
    [SVIRT_IOTUNE_BURST + 1] = "bps-read-max",
    [SVIRT_IOTUNE_BURST + 2] = "bps-write-max",
    [SVIRT_IOTUNE_BURST + 3] = "iops-total-max",
    [SVIRT_IOTUNE_BURST + 4] = "iops-read-max",
    [SVIRT_IOTUNE_BURST + 5] = "iops-write-max",
    [SVIRT_IOTUNE_LENGTH + 0] = "bps-total-max-length",
    [SVIRT_IOTUNE_LENGTH + 1] = "bps-read-max-length",
    [SVIRT_IOTUNE_LENGTH + 2] = "bps-write-max-length",
    [SVIRT_IOTUNE_LENGTH + 3] = "iops-total-max-length",
    [SVIRT_IOTUNE_LENGTH + 4] = "iops-read-max-length",
    [SVIRT_IOTUNE_LENGTH + 5] = "iops-write-max-length",
    [SVIRT_IOTUNE_OPERATION_BYTES] = "iops-size",
};

const char *
svirt_qemu_throttle_word(SvirtIotuneLimit limit)
{
    return words[limit];
}

/* A length of 0 is no length: QEMU's is 1. */
json_t *
svirt_qemu_throttle_limits(const SvirtIotune *iotune)
{
    json_t *limits = json_object();

    for (int i = 0; i < SVIRT_IOTUNE_MAX; i++) {
        bool length = i >= SVIRT_IOTUNE_LENGTH &&
                      i < SVIRT_IOTUNE_OPERATION_BYTES;
        uint64_t value = iotune->limits[i];

        json_object_set_new(limits, words[i],
                            json_integer((json_int_t)(length ? MAX(value, 1)
                                                             : value)));
    }
    return limits;
}

char *
svirt_qemu_throttle_id(const SvirtDisk *disk, size_t index)
{
    return disk->iotune.group != NULL
               ? g_strdup_printf("throttle-group-%s", disk->iotune.group)
               : g_strdup_printf("throttle-disk%zu", index);
}

char *
svirt_qemu_top_node(const SvirtDisk *disk, size_t index)
{
    return g_strdup_printf(
        disk->iotune.line != 0 ? "disk%zu-throttle" : "disk%zu-format0",
        index);
}

/* A device asks this node alone what its disk takes: it says what the image's
 * node below says. */
void
svirt_qemu_add_throttle(SvirtQemuBuilder *builder, size_t index)
{
    const SvirtDisk *disk = &builder->input->domain->disks[index];
    g_autofree char *node = svirt_qemu_top_node(disk, index);
    g_autofree char *file = g_strdup_printf("disk%zu-format0", index);
    g_autofree char *group = svirt_qemu_throttle_id(disk, index);
    json_t *throttle = json_pack(
        "{s:s,s:s,s:s,s:s,s:b}", "driver", "throttle", "node-name", node,
        "throttle-group", group, "file", file, "read-only",
        (int)builder->input->drives[index].nodes[0].read_only);

    if (disk->discard != SVIRT_DISK_DISCARD_UNSET) {
        json_object_set_new(
            throttle, "discard",
            json_string(svirt_disk_discard_to_string(disk->discard)));
    }
    svirt_qemu_add_json(builder, "-blockdev", throttle);
}

/* The first disk of the same group; `index` itself when it is that. */
static size_t
first_of_group(const SvirtDomain *domain, size_t index)
{
    const char *group = domain->disks[index].iotune.group;

    for (size_t i = 0; group != NULL && i < index; i++) {
        if (g_strcmp0(domain->disks[i].iotune.group, group) == 0) {
            return i;
        }
    }
    return index;
}

bool
svirt_qemu_add_throttle_groups(SvirtQemuBuilder *builder, GError **error)
{
    const SvirtDomain *domain = builder->input->domain;

    for (size_t i = 0; i < domain->disk_count; i++) {
        const SvirtIotune *iotune = &domain->disks[i].iotune;
        size_t first = first_of_group(domain, i);
        g_autofree char *id = NULL;

        if (first != i &&
            memcmp(iotune->limits, domain->disks[first].iotune.limits,
                   sizeof(iotune->limits)) != 0) {
            return svirt_raise(error, SVIRT_ERROR_INVALID, NULL,
                               "give both the same <iotune>",
                               "line %u: disks '%s' and '%s' of the group "
                               "'%s' have different limits",
                               iotune->line, domain->disks[first].target,
                               domain->disks[i].target, iotune->group);
        }
        if (iotune->line == 0 || first != i) {
            continue;
        }
        id = svirt_qemu_throttle_id(&domain->disks[i], i);
        svirt_qemu_add_json(builder, "-object",
                            json_pack("{s:s,s:s,s:o}", "qom-type",
                                      "throttle-group", "id", id, "limits",
                                      svirt_qemu_throttle_limits(iotune)));
    }
    return true;
}
