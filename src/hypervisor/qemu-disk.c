/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "base/error.h"
#include "hypervisor/qemu-private.h"

/* An adapter that takes targets, and of each the first LUN. */
static bool
is_narrow(const SvirtQemuBuilder *builder, unsigned controller)
{
    const SvirtController *found = svirt_hardware_controller(
        builder->input->domain, SVIRT_CONTROLLER_SCSI, controller);

    return found != NULL && found->model == SVIRT_CONTROLLER_MODEL_LSILOGIC;
}

static void
place_scsi(SvirtQemuBuilder *builder, const SvirtAddress *address,
           json_t *device)
{
    bool narrow = is_narrow(builder, address->controller);

    json_object_set_new(device, "channel", json_integer(address->bus));
    json_object_set_new(device, "scsi-id",
                        json_integer(narrow ? address->unit
                                            : address->target));
    json_object_set_new(device, "lun",
                        json_integer(narrow ? 0 : address->unit));
}

/* The bus of a disk on IDE, SATA or SCSI, and where on it. */
static bool
place_unit(SvirtQemuBuilder *builder, const SvirtDisk *disk, json_t *device,
           GError **error)
{
    const SvirtAddress *address = &disk->info.address;
    g_autofree char *bus = NULL;

    if (address->type != SVIRT_ADDRESS_DRIVE) {
        return svirt_raise(error, SVIRT_ERROR_INVALID, NULL,
                           "define the domain again",
                           "disk '%s' has no address", disk->target);
    }
    if (disk->bus == SVIRT_DISK_BUS_SCSI) {
        bus = g_strdup_printf("scsi%u.0", address->controller);
        place_scsi(builder, address, device);
    } else if (disk->bus == SVIRT_DISK_BUS_IDE && !builder->pcie) {
        unsigned unit = address->bus * 2 + address->unit;

        bus = g_strdup_printf("ide.%u", unit / 2);
        json_object_set_new(device, "unit", json_integer(unit % 2));
    } else if (builder->pcie && address->controller == 0) {
        bus = g_strdup_printf("ide.%u", address->unit);
    } else {
        bus = g_strdup_printf("sata%u.%u", address->controller,
                              address->unit);
    }
    json_object_set_new(device, "bus", json_string(bus));
    return true;
}

/* QEMU's usb-storage is always a hard disk: a drive sits behind usb-bot. */
static bool
place_usb(SvirtQemuBuilder *builder, const SvirtDisk *disk, size_t index,
          json_t *device, GError **error)
{
    g_autofree char *id = g_strdup_printf("disk%zu-usb", index);
    g_autofree char *bus = g_strdup_printf("%s.0", id);
    json_t *bridge;

    if (disk->device != SVIRT_DISK_DEVICE_CDROM) {
        return svirt_qemu_place_usb(builder, device, &disk->info, "a disk",
                                    error);
    }
    bridge = svirt_qemu_device("usb-bot", id, 0);
    if (!svirt_qemu_place_usb(builder, bridge, &disk->info, "a cdrom", error)) {
        json_decref(bridge);
        return false;
    }
    svirt_qemu_add_json(builder, "-device", bridge);
    json_object_set_new(device, "bus", json_string(bus));
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
        return cdrom ? "scsi-cd" : "usb-storage";
    case SVIRT_DISK_BUS_FDC:
        return "floppy";
    case SVIRT_DISK_BUS_MAX:
        break;
    }
    g_assert_not_reached();
}

static bool
place_disk(SvirtQemuBuilder *builder, const SvirtDisk *disk, size_t index,
           json_t *device, GError **error)
{
    switch (disk->bus) {
    case SVIRT_DISK_BUS_VIRTIO:
        return svirt_qemu_place_pci(builder, device, &disk->info, "a disk",
                                    error);
    case SVIRT_DISK_BUS_SATA:
    case SVIRT_DISK_BUS_IDE:
    case SVIRT_DISK_BUS_SCSI:
        return place_unit(builder, disk, device, error);
    case SVIRT_DISK_BUS_USB:
        return place_usb(builder, disk, index, device, error);
    case SVIRT_DISK_BUS_FDC:
        json_object_set_new(device, "unit",
                            json_integer(disk->info.address.unit));
        return true;
    case SVIRT_DISK_BUS_MAX:
        break;
    }
    g_assert_not_reached();
}

static void
set_block_sizes(const SvirtDisk *disk, json_t *device)
{
    /* QEMU takes no physical block that is smaller than a logical one. */
    uint32_t physical =
        MAX(disk->physical_block_size_bytes, disk->logical_block_size_bytes);

    if (disk->logical_block_size_bytes != 0) {
        json_object_set_new(device, "logical_block_size",
                            json_integer(disk->logical_block_size_bytes));
    }
    if (physical != 0) {
        json_object_set_new(device, "physical_block_size",
                            json_integer(physical));
    }
}

static const char *
error_word(SvirtDiskErrorPolicy policy)
{
    return policy == SVIRT_DISK_ERROR_POLICY_ENOSPACE
               ? "enospc"
               : svirt_disk_error_policy_to_string(policy);
}

static void
set_disk_options(const SvirtDisk *disk, bool has_medium, const char *node,
                 json_t *device)
{
    bool cached = disk->cache != SVIRT_DISK_CACHE_WRITETHROUGH &&
                  disk->cache != SVIRT_DISK_CACHE_DIRECTSYNC;

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
    set_block_sizes(disk, device);
    if (disk->error_policy != SVIRT_DISK_ERROR_POLICY_UNSET) {
        json_object_set_new(device, "werror",
                            json_string(error_word(disk->error_policy)));
    }
    if (disk->read_error_policy != SVIRT_DISK_ERROR_POLICY_UNSET) {
        json_object_set_new(device, "rerror",
                            json_string(error_word(disk->read_error_policy)));
    }
}

/* The order of <boot dev=> where no device says its own. */
static unsigned
boot_order(const SvirtDomain *domain, const SvirtDisk *disk)
{
    static const SvirtBootDevice kinds[] = {
        [SVIRT_DISK_DEVICE_DISK] = SVIRT_BOOT_DEVICE_HD,
        [SVIRT_DISK_DEVICE_CDROM] = SVIRT_BOOT_DEVICE_CDROM,
        [SVIRT_DISK_DEVICE_FLOPPY] = SVIRT_BOOT_DEVICE_FD,
    };
    SvirtBootDevice kind = kinds[disk->device];

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

static bool
read_only_format(SvirtDiskFormat format)
{
    return format == SVIRT_DISK_FORMAT_BOCHS ||
           format == SVIRT_DISK_FORMAT_CLOOP || format == SVIRT_DISK_FORMAT_DMG;
}

/* What a floppy drive, and what a disk outside virtio, has not. */
static bool
check_extras(const SvirtDisk *disk, bool has_medium, GError **error)
{
    const char *missing = NULL;

    if (disk->device == SVIRT_DISK_DEVICE_FLOPPY &&
        (disk->serial != NULL ||
         disk->error_policy != SVIRT_DISK_ERROR_POLICY_UNSET ||
         disk->read_error_policy != SVIRT_DISK_ERROR_POLICY_UNSET)) {
        missing = "serial number or error policy, which a floppy has not";
    } else if (disk->iothread != 0 && disk->bus != SVIRT_DISK_BUS_VIRTIO) {
        missing = "iothread=, which a disk on virtio alone has";
    } else if (disk->iotune.line != 0 && !has_medium) {
        missing = "<iotune>, but no medium that it limits";
    }
    return missing == NULL ||
           svirt_raise(error, SVIRT_ERROR_UNSUPPORTED, NULL, "remove it",
                       "disk '%s' has %s", disk->target, missing);
}

/* What QEMU would refuse once it runs. */
static bool
check_disk(const SvirtDisk *disk, GError **error)
{
    bool ata =
        disk->bus == SVIRT_DISK_BUS_SATA || disk->bus == SVIRT_DISK_BUS_IDE;
    bool cdrom = disk->device == SVIRT_DISK_DEVICE_CDROM;

    if (ata && disk->read_only && !cdrom) {
        return svirt_raise(error, SVIRT_ERROR_UNSUPPORTED, NULL,
                           "use bus='virtio' or bus='scsi'",
                           "disk '%s' is read-only, which a disk on %s "
                           "cannot be",
                           disk->target, svirt_disk_bus_to_string(disk->bus));
    }
    if (ata && disk->logical_block_size_bytes > 512) {
        return svirt_raise(error, SVIRT_ERROR_UNSUPPORTED, NULL,
                           "use bus='virtio' or bus='scsi'",
                           "disk '%s' has blocks of %u bytes, a disk on %s "
                           "512",
                           disk->target, disk->logical_block_size_bytes,
                           svirt_disk_bus_to_string(disk->bus));
    }
    if (disk->io == SVIRT_DISK_IO_NATIVE &&
        disk->cache != SVIRT_DISK_CACHE_NONE &&
        disk->cache != SVIRT_DISK_CACHE_DIRECTSYNC) {
        return svirt_raise(error, SVIRT_ERROR_INVALID, NULL,
                           "add cache='none', or use io='threads'",
                           "io='native' of disk '%s' needs cache='none' or "
                           "cache='directsync'",
                           disk->target);
    }
    if (read_only_format(disk->images[0].format) && !disk->read_only &&
        !disk->transient) {
        return svirt_raise(
            error, SVIRT_ERROR_UNSUPPORTED, NULL, "add <readonly/>",
            "disk '%s' has format '%s', which QEMU only reads", disk->target,
            svirt_disk_format_to_string(disk->images[0].format));
    }
    return true;
}

bool
svirt_qemu_add_disks(SvirtQemuBuilder *builder, GError **error)
{
    const SvirtDomain *domain = builder->input->domain;

    for (size_t i = 0; i < domain->disk_count; i++) {
        const SvirtDisk *disk = &domain->disks[i];
        bool has_medium = builder->input->drives[i].node_count > 0;
        g_autofree char *id = g_strdup_printf("disk%zu", i);
        g_autofree char *node = svirt_qemu_top_node(disk, i);
        bool floppy = disk->device == SVIRT_DISK_DEVICE_FLOPPY;
        unsigned order = boot_order(domain, disk);
        json_t *device;

        if (!check_disk(disk, error) ||
            !check_extras(disk, disk->images[0].path != NULL, error)) {
            return false;
        }
        if (floppy && order != 0) {
            svirt_qemu_addf(builder, "-global", "isa-fdc.bootindex%c=%u",
                            'A' + disk->info.address.unit, order);
        }
        device =
            svirt_qemu_device(disk_driver(disk), id, floppy ? 0 : order);
        svirt_qemu_set_iothread(device, disk->iothread);
        svirt_qemu_add_nodes(builder, i);
        set_disk_options(disk, has_medium, node, device);
        if (!place_disk(builder, disk, i, device, error)) {
            json_decref(device);
            return false;
        }
        svirt_qemu_add_json(builder, "-device", device);
    }
    return true;
}
