/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain/parse.h"

#include <string.h>

static void
check_root(SvirtReader *reader, const SvirtController *controller, bool pcie)
{
    bool is_pcie = controller->model == SVIRT_CONTROLLER_MODEL_PCIE_ROOT;
    unsigned line = controller->info.line;

    if (controller->type != SVIRT_CONTROLLER_PCI ||
        (!is_pcie && controller->model != SVIRT_CONTROLLER_MODEL_PCI_ROOT)) {
        return;
    }
    if (is_pcie != pcie) {
        svirt_reader_fail(reader, line, SVIRT_ERROR_INVALID,
                          pcie ? "use model='pcie-root'"
                               : "use model='pci-root', or the machine q35",
                          "this machine has no PCI controller '%s'",
                          svirt_controller_model_to_string(controller->model));
    } else if (controller->index > 0) {
        svirt_reader_fail(reader, line, SVIRT_ERROR_INVALID, "use index='0'",
                          "the PCI root has index %d", controller->index);
    } else if (controller->info.address.type != SVIRT_ADDRESS_UNSET) {
        svirt_reader_fail(reader, line, SVIRT_ERROR_INVALID,
                          "remove <address>", "the PCI root has an address");
    }
}

/* It is part of the board. */
static void
check_dmi(SvirtReader *reader, const SvirtController *controller)
{
    if (controller->model == SVIRT_CONTROLLER_MODEL_DMI_TO_PCI_BRIDGE &&
        controller->info.address.bus != 0) {
        svirt_reader_fail(reader, controller->info.line, SVIRT_ERROR_INVALID,
                          "put it on bus 0",
                          "a dmi-to-pci-bridge can be on the root alone");
    }
}

static bool
address_fits(SvirtDiskBus bus, SvirtAddressType type)
{
    switch (bus) {
    case SVIRT_DISK_BUS_VIRTIO:
        return type == SVIRT_ADDRESS_PCI;
    case SVIRT_DISK_BUS_USB:
        return type == SVIRT_ADDRESS_USB;
    default:
        return type == SVIRT_ADDRESS_DRIVE;
    }
}

static void
check_disk(SvirtReader *reader, const SvirtDisk *disk)
{
    SvirtAddressType type = disk->info.address.type;

    if (type != SVIRT_ADDRESS_UNSET && !address_fits(disk->bus, type)) {
        svirt_reader_fail(reader, disk->info.address.line, SVIRT_ERROR_INVALID,
                          "remove <address>",
                          "disk '%s' on the bus %s has an address of type "
                          "'%s'",
                          disk->target, svirt_disk_bus_to_string(disk->bus),
                          svirt_address_type_to_string(type));
    }
}

static void
check_video(SvirtReader *reader, const SvirtVideo *video, size_t count)
{
    if (video->model == SVIRT_VIDEO_NONE && count > 1) {
        svirt_reader_fail(reader, video->info.line, SVIRT_ERROR_INVALID,
                          "keep one of the two",
                          "<video> of type none stands beside another");
    } else if (video->model == SVIRT_VIDEO_RAMFB &&
               video->info.address.type != SVIRT_ADDRESS_UNSET) {
        svirt_reader_fail(reader, video->info.line, SVIRT_ERROR_INVALID,
                          "remove <address>",
                          "<video> of type ramfb has an address");
    }
}

void
svirt_check_places(SvirtReader *reader, const SvirtDomain *domain)
{
    const char *machine = domain->os.machine;
    bool pcie = machine != NULL && strstr(machine, "q35") != NULL;

    for (size_t i = 0; i < domain->controller_count; i++) {
        check_root(reader, &domain->controllers[i], pcie);
        check_dmi(reader, &domain->controllers[i]);
        (void)svirt_reader_part(reader);
    }
    for (size_t i = 0; i < domain->disk_count; i++) {
        check_disk(reader, &domain->disks[i]);
        (void)svirt_reader_part(reader);
    }
    for (size_t i = 0; i < domain->video_count; i++) {
        check_video(reader, &domain->videos[i], domain->video_count);
        (void)svirt_reader_part(reader);
    }
}
