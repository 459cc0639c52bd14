/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "base/error.h"
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

static void
add_storage_node(SvirtQemuBuilder *builder, size_t disk_index,
                 size_t node_index)
{
    const SvirtDisk *disk = &builder->input->domain->disks[disk_index];
    const SvirtQemuNode *from =
        &builder->input->drives[disk_index].nodes[node_index];
    g_autofree char *name = storage_name(disk_index, node_index);
    g_autofree char *file = g_strdup_printf("/dev/fdset/%u", from->fdset);
    json_t *node = json_pack(
        "{s:s,s:s,s:s,s:s,s:b}", "driver", from->block ? "host_device" : "file",
        "filename", file, "node-name", name, "locking", "off", "read-only",
        (int)from->read_only);

    set_cache(node, disk->cache);
    if (disk->io != SVIRT_DISK_IO_UNSET) {
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
    const SvirtDisk *disk = &builder->input->domain->disks[disk_index];
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
static void
add_nodes(SvirtQemuBuilder *builder, size_t disk)
{
    const SvirtQemuDrive *drive = &builder->input->drives[disk];

    for (size_t i = drive->node_count; i-- > 0;) {
        add_storage_node(builder, disk, i);
        if (!drive->nodes[i].is_data_file) {
            add_format_node(builder, disk, i);
        }
    }
}

/* "sdb" is the second, "vdaa" the 27th; -1 when it has no such form. */
static int
target_index(const char *target)
{
    int index = 0;

    for (const char *p = target + 2; *p != '\0'; p++) {
        if (*p < 'a' || *p > 'z' || index > 1000) {
            return -1;
        }
        index = index * 26 + (*p - 'a') + 1;
    }
    return index - 1;
}

/* Where a disk sits on a bus with units: its address, else its name. */
static bool
drive_place(const SvirtDisk *disk, unsigned units, unsigned *ret_controller,
            unsigned *ret_unit, GError **error)
{
    int index = strlen(disk->target) > 2 ? target_index(disk->target) : -1;

    if (disk->info.address.type == SVIRT_ADDRESS_DRIVE) {
        *ret_controller = disk->info.address.controller;
        *ret_unit = disk->info.address.bus * 2 * (units == 2) +
                    disk->info.address.unit;
        return true;
    }
    if (index < 0) {
        return svirt_raise(error, SVIRT_ERROR_INVALID, NULL,
                           "name it sda, sdb, hda...",
                           "disk target '%s' gives no place on its bus",
                           disk->target);
    }
    *ret_controller = (unsigned)index / (units == 2 ? 4 : units);
    *ret_unit = (unsigned)index % (units == 2 ? 4 : units);
    return true;
}

static bool
add_ide_device(SvirtQemuBuilder *builder, const SvirtDisk *disk,
               json_t *device, GError **error)
{
    bool sata = disk->bus == SVIRT_DISK_BUS_SATA || builder->pcie;
    g_autofree char *bus = NULL;
    unsigned controller, unit;

    if (!drive_place(disk, sata ? 6 : 2, &controller, &unit, error)) {
        return false;
    }
    if (controller > 0 && !(sata && builder->pcie)) {
        return svirt_raise(error, SVIRT_ERROR_UNSUPPORTED, NULL,
                           "use bus='virtio' or bus='scsi' for more disks",
                           "disk '%s' does not fit on the machine's "
                           "%s controller",
                           disk->target, sata ? "SATA" : "IDE");
    }
    if (!sata) {
        bus = g_strdup_printf("ide.%u", unit / 2);
        json_object_set_new(device, "unit", json_integer(unit % 2));
    } else if (builder->pcie && controller == 0) {
        bus = g_strdup_printf("ide.%u", unit);
    } else {
        bus = g_strdup_printf("sata%u.%u", controller, unit);
    }
    json_object_set_new(device, "bus", json_string(bus));
    return true;
}

static bool
add_scsi_device(const SvirtDisk *disk, json_t *device, GError **error)
{
    g_autofree char *bus = NULL;
    unsigned controller, unit, target = 0;

    if (!drive_place(disk, 7, &controller, &unit, error)) {
        return false;
    }
    if (disk->info.address.type == SVIRT_ADDRESS_DRIVE) {
        target = disk->info.address.target;
    }
    bus = g_strdup_printf("scsi%u.0", controller);
    json_object_set_new(device, "bus", json_string(bus));
    json_object_set_new(device, "channel", json_integer(0));
    json_object_set_new(device, "scsi-id", json_integer(target));
    json_object_set_new(device, "lun", json_integer(unit));
    return true;
}

static const char *
disk_driver(const SvirtDisk *disk)
{
    bool cdrom = disk->device == SVIRT_DISK_DEVICE_CDROM;

    switch (disk->bus) {
    case SVIRT_DISK_BUS_VIRTIO:
        return "virtio-blk-pci";
    case SVIRT_DISK_BUS_SATA:
    case SVIRT_DISK_BUS_IDE:
        return cdrom ? "ide-cd" : "ide-hd";
    case SVIRT_DISK_BUS_SCSI:
        return cdrom ? "scsi-cd" : "scsi-hd";
    case SVIRT_DISK_BUS_USB:
        return "usb-storage";
    case SVIRT_DISK_BUS_MAX:
        break;
    }
    g_assert_not_reached();
}

static bool
place_disk(SvirtQemuBuilder *builder, const SvirtDisk *disk, json_t *device,
           GError **error)
{
    switch (disk->bus) {
    case SVIRT_DISK_BUS_VIRTIO:
        return svirt_qemu_place_pci(builder, device, &disk->info, "a disk",
                                    error);
    case SVIRT_DISK_BUS_SATA:
    case SVIRT_DISK_BUS_IDE:
        return add_ide_device(builder, disk, device, error);
    case SVIRT_DISK_BUS_SCSI:
        return add_scsi_device(disk, device, error);
    case SVIRT_DISK_BUS_USB:
        return true;
    case SVIRT_DISK_BUS_MAX:
        break;
    }
    g_assert_not_reached();
}

static void
set_disk_options(const SvirtDisk *disk, bool has_medium, const char *node,
                 json_t *device)
{
    bool cached = disk->cache == SVIRT_DISK_CACHE_UNSET ||
                  disk->cache == SVIRT_DISK_CACHE_NONE ||
                  disk->cache == SVIRT_DISK_CACHE_WRITEBACK ||
                  disk->cache == SVIRT_DISK_CACHE_UNSAFE;

    if (has_medium) {
        json_object_set_new(device, "drive", json_string(node));
        if (disk->cache != SVIRT_DISK_CACHE_UNSET) {
            json_object_set_new(device, "write-cache",
                                json_string(cached ? "on" : "off"));
        }
    }
    if (disk->serial != NULL) {
        json_object_set_new(device, "serial", json_string(disk->serial));
    }
    if (disk->shareable) {
        json_object_set_new(device, "share-rw", json_true());
    }
    if (disk->logical_block_size_bytes != 0) {
        json_object_set_new(device, "logical_block_size",
                            json_integer(disk->logical_block_size_bytes));
    }
    if (disk->physical_block_size_bytes != 0) {
        json_object_set_new(device, "physical_block_size",
                            json_integer(disk->physical_block_size_bytes));
    }
    if (disk->error_policy != SVIRT_DISK_ERROR_POLICY_UNSET) {
        json_object_set_new(device, "werror",
                            json_string(svirt_disk_error_policy_to_string(
                                disk->error_policy)));
    }
    if (disk->read_error_policy != SVIRT_DISK_ERROR_POLICY_UNSET) {
        json_object_set_new(device, "rerror",
                            json_string(svirt_disk_error_policy_to_string(
                                disk->read_error_policy)));
    }
}

/* The order of <boot dev=> where no device says its own. */
static unsigned
boot_order(const SvirtDomain *domain, const SvirtDisk *disk)
{
    SvirtBootDevice kind = disk->device == SVIRT_DISK_DEVICE_CDROM
                               ? SVIRT_BOOT_DEVICE_CDROM
                               : SVIRT_BOOT_DEVICE_HD;

    if (disk->info.boot_order != 0) {
        return disk->info.boot_order;
    }
    for (const SvirtDisk *other = domain->disks; other < disk; other++) {
        if (other->device == disk->device) {
            return 0;
        }
    }
    for (size_t i = 0; i < domain->os.boot_count; i++) {
        if (domain->os.boot[i] == kind) {
            return (unsigned)i + 1;
        }
    }
    return 0;
}

bool
svirt_qemu_add_disks(SvirtQemuBuilder *builder, GError **error)
{
    const SvirtDomain *domain = builder->input->domain;

    for (size_t i = 0; i < domain->disk_count; i++) {
        const SvirtDisk *disk = &domain->disks[i];
        bool has_medium = builder->input->drives[i].node_count > 0;
        g_autofree char *id = g_strdup_printf("disk%zu", i);
        g_autofree char *node = format_name(i, 0);
        json_t *device = svirt_qemu_device(disk_driver(disk), id,
                                           boot_order(domain, disk));

        add_nodes(builder, i);
        set_disk_options(disk, has_medium, node, device);
        if (!place_disk(builder, disk, device, error)) {
            json_decref(device);
            return false;
        }
        if (disk->bus == SVIRT_DISK_BUS_USB) {
            json_object_set_new(device, "bus", json_string("usb.0"));
        }
        svirt_qemu_add_json(builder, "-device", device);
    }
    return true;
}
