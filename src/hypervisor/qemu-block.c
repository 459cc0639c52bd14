/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hypervisor/qemu-private.h"

static char *
storage_name(size_t disk, size_t node)
{
    return g_strdup_printf("disk%zu-storage%zu", disk, node);
}

static char *
format_name(size_t disk, size_t node)
{
    return g_strdup_printf("disk%zu-format%zu", disk, node);
}

/* What libvirt's cache modes mean: host page cache bypassed, flushes kept. */
static void
set_cache(json_t *node, SvirtDiskCache cache)
{
    bool direct =
        cache == SVIRT_DISK_CACHE_NONE || cache == SVIRT_DISK_CACHE_DIRECTSYNC;
    bool no_flush = cache == SVIRT_DISK_CACHE_UNSAFE;

    if (cache != SVIRT_DISK_CACHE_UNSET) {
        json_object_set_new(node, "cache",
                            json_pack("{s:b,s:b}", "direct", (int)direct,
                                      "no-flush", (int)no_flush));
    }
}

/* Behind the disks stands what firmware writes. */
static const SvirtDisk *
disk_of(const SvirtQemuBuilder *builder, size_t index)
{
    const SvirtDomain *domain = builder->input->domain;

    return index < domain->disk_count ? &domain->disks[index]
                                      : &domain->os.nvram;
}

static void
add_storage_node(SvirtQemuBuilder *builder, size_t disk_index,
                 size_t node_index)
{
    const SvirtDisk *disk = disk_of(builder, disk_index);
    const SvirtQemuNode *from =
        &builder->input->drives[disk_index].nodes[node_index];
    g_autofree char *name = storage_name(disk_index, node_index);
    g_autofree char *file = g_strdup_printf("/dev/fdset/%u", from->fdset);
    json_t *node = json_pack(
        "{s:s,s:s,s:s,s:s,s:b}", "driver", from->block ? "host_device" : "file",
        "filename", file, "node-name", name, "locking", "off", "read-only",
        (int)from->read_only);

    set_cache(node, disk->cache);
    /* io_uring has calls that no filter sees: threads do what it asks. */
    if (disk->io != SVIRT_DISK_IO_UNSET && disk->io != SVIRT_DISK_IO_IO_URING) {
        json_object_set_new(node, "aio",
                            json_string(svirt_disk_io_to_string(disk->io)));
    }
    if (disk->discard != SVIRT_DISK_DISCARD_UNSET) {
        json_object_set_new(
            node, "discard",
            json_string(svirt_disk_discard_to_string(disk->discard)));
    }
    svirt_qemu_add_json(builder, "-blockdev", node);
}

static void
add_format_node(SvirtQemuBuilder *builder, size_t disk_index,
                size_t node_index)
{
    const SvirtDisk *disk = disk_of(builder, disk_index);
    const SvirtQemuNode *from =
        &builder->input->drives[disk_index].nodes[node_index];
    g_autofree char *name = format_name(disk_index, node_index);
    g_autofree char *storage = storage_name(disk_index, node_index);
    json_t *node = json_pack("{s:s,s:s,s:s,s:b}", "driver",
                             svirt_image_format_to_string(from->format),
                             "file", storage, "node-name", name, "read-only",
                             (int)from->read_only);

    if (from->data_file >= 0) {
        g_autofree char *data = storage_name(disk_index, from->data_file);

        json_object_set_new(node, "data-file", json_string(data));
    }
    if (from->backing >= 0) {
        g_autofree char *backing = format_name(disk_index, from->backing);

        json_object_set_new(node, "backing", json_string(backing));
    } else if (from->format == SVIRT_IMAGE_FORMAT_QCOW2 ||
               from->format == SVIRT_IMAGE_FORMAT_QCOW ||
               from->format == SVIRT_IMAGE_FORMAT_QED ||
               from->format == SVIRT_IMAGE_FORMAT_VMDK) {
        /* Said outright, so that QEMU never follows a name in the header. */
        json_object_set_new(node, "backing", json_null());
    }
    set_cache(node, disk->cache);
    if (disk->discard != SVIRT_DISK_DISCARD_UNSET) {
        json_object_set_new(
            node, "discard",
            json_string(svirt_disk_discard_to_string(disk->discard)));
    }
    if (node_index == 0 &&
        disk->detect_zeroes != SVIRT_DISK_DETECT_ZEROES_UNSET) {
        json_object_set_new(node, "detect-zeroes",
                            json_string(svirt_disk_detect_zeroes_to_string(
                                disk->detect_zeroes)));
    }
    svirt_qemu_add_json(builder, "-blockdev", node);
}

/* A node must exist before the one that names it: deepest first. */
void
svirt_qemu_add_nodes(SvirtQemuBuilder *builder, size_t disk)
{
    const SvirtQemuDrive *drive = &builder->input->drives[disk];

    for (size_t i = drive->node_count; i-- > 0;) {
        add_storage_node(builder, disk, i);
        if (!drive->nodes[i].is_data_file) {
            add_format_node(builder, disk, i);
        }
    }
    if (drive->node_count > 0 && disk_of(builder, disk)->iotune.line != 0) {
        svirt_qemu_add_throttle(builder, disk);
    }
}
