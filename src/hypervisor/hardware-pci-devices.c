/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hypervisor/hardware-pci.h"

#include <string.h>

#include "hypervisor/hardware-private.h"

#define PCI SVIRT_ADDRESS_PCI
#define AT(slot_, function_)                                                   \
    { .type = PCI, .slot = (slot_), .function = (function_) }
#define MULTI(slot_)                                                           \
    { .type = PCI, .slot = (slot_), .multifunction = true }

static const SvirtAddress pc_board[] = { AT(1, 0), { 0 } };
static const SvirtAddress pc_ide[] = { AT(1, 1), { 0 } };
static const SvirtAddress pc_usb[] = { AT(1, 2), { 0 } };
static const SvirtAddress pc_video[] = { AT(2, 0), { 0 } };
static const SvirtAddress q35_board[] = { AT(0x1f, 0), AT(0x1f, 3), { 0 } };
static const SvirtAddress q35_sata[] = { AT(0x1f, 2), { 0 } };
static const SvirtAddress q35_uhci1[] = { MULTI(0x1d), MULTI(0x1a), { 0 } };
static const SvirtAddress q35_dmi[] = { AT(0x1e, 0), { 0 } };
static const SvirtAddress q35_sound[] = { AT(0x1b, 0), { 0 } };
static const SvirtAddress q35_video[] = { AT(1, 0), { 0 } };

typedef struct Collector {
    const SvirtDomain *domain;
    GArray *devices;
    bool pcie;
    unsigned express; /* flags of a device that is PCI Express where it can */
} Collector;

#define LEGACY (SVIRT_PCI_DEVICE | SVIRT_PCI_HOTPLUG)

const SvirtAddress *
svirt_pci_board(const SvirtDomain *domain)
{
    return svirt_hardware_is_pcie(domain) ? q35_board : pc_board;
}

static SvirtPciDevice *
add(Collector *collector, const SvirtDeviceInfo *info, const char *what,
    unsigned flags)
{
    SvirtPciDevice device = {
        .node = info->node,
        .what = what,
        .line = info->line,
        .flags = flags,
        .usb2 = -1,
        .index = -1,
    };

    if (info->address.type == SVIRT_ADDRESS_PCI) {
        device.address = info->address;
    }
    g_array_append_val(collector->devices, device);
    return &g_array_index(collector->devices, SvirtPciDevice,
                          collector->devices->len - 1);
}

static void
add_pci_controllers(Collector *collector)
{
    for (size_t i = 0; i < collector->domain->controller_count; i++) {
        const SvirtController *controller =
            &collector->domain->controllers[i];
        unsigned flags = svirt_pci_model_connects(controller->model);
        SvirtPciDevice *device;

        if (controller->type != SVIRT_CONTROLLER_PCI || flags == 0) {
            continue;
        }
        device = add(collector, &controller->info, "a PCI controller", flags);
        device->controller = controller->model;
        device->index = controller->index;
        if (controller->model == SVIRT_CONTROLLER_MODEL_DMI_TO_PCI_BRIDGE) {
            device->fixed = q35_dmi;
        }
    }
}

static void
add_interfaces(Collector *collector)
{
    for (size_t i = 0; i < collector->domain->interface_count; i++) {
        const SvirtInterface *interface = &collector->domain->interfaces[i];
        const char *model = interface->model;
        bool express = model != NULL && (strcmp(model, "virtio") == 0 ||
                                         strcmp(model, "e1000e") == 0 ||
                                         strcmp(model, "igb") == 0);

        if (g_strcmp0(model, "usb-net") != 0) {
            add(collector, &interface->info, "an interface",
                express ? collector->express : LEGACY);
        }
    }
}

static void
add_sounds(Collector *collector)
{
    for (size_t i = 0; i < collector->domain->sound_count; i++) {
        const SvirtSound *sound = &collector->domain->sounds[i];
        bool ich9 = sound->model == SVIRT_SOUND_ICH9;
        SvirtPciDevice *device;

        if (!ich9 && sound->model != SVIRT_SOUND_ICH6 &&
            sound->model != SVIRT_SOUND_AC97 &&
            sound->model != SVIRT_SOUND_ES1370) {
            continue;
        }
        device = add(collector, &sound->info, "a sound device", LEGACY);
        if (ich9 && collector->pcie) {
            device->fixed = q35_sound;
        }
    }
}

static int
usb2_function(SvirtControllerModel model)
{
    switch (model) {
    case SVIRT_CONTROLLER_MODEL_ICH9_EHCI1:
        return 7;
    case SVIRT_CONTROLLER_MODEL_ICH9_UHCI1:
        return 0;
    case SVIRT_CONTROLLER_MODEL_ICH9_UHCI2:
        return 1;
    case SVIRT_CONTROLLER_MODEL_ICH9_UHCI3:
        return 2;
    default:
        return -1;
    }
}

static void
set_fixed(const Collector *collector, const SvirtController *controller,
          SvirtPciDevice *device)
{
    bool first = controller->index == 0;

    device->index = controller->index;
    device->only = first;
    if (collector->pcie) {
        if (controller->type == SVIRT_CONTROLLER_SATA && first) {
            device->fixed = q35_sata;
        } else if (controller->model == SVIRT_CONTROLLER_MODEL_ICH9_UHCI1) {
            device->fixed = q35_uhci1;
            device->only = false;
        }
    } else if (controller->type == SVIRT_CONTROLLER_IDE && first) {
        device->fixed = pc_ide;
    } else if (controller->model == SVIRT_CONTROLLER_MODEL_PIIX3_UHCI &&
               first) {
        device->fixed = pc_usb;
    }
    device->usb2 = usb2_function(controller->model);
}

static void
add_controllers(Collector *collector)
{
    for (size_t i = 0; i < collector->domain->controller_count; i++) {
        const SvirtController *controller =
            &collector->domain->controllers[i];
        SvirtControllerModel model = controller->model;
        bool express =
            controller->type == SVIRT_CONTROLLER_VIRTIO_SERIAL
                ? model != SVIRT_CONTROLLER_MODEL_VIRTIO_TRANSITIONAL
                : model == SVIRT_CONTROLLER_MODEL_VIRTIO_SCSI ||
                      model == SVIRT_CONTROLLER_MODEL_VIRTIO_NON_TRANSITIONAL ||
                      model == SVIRT_CONTROLLER_MODEL_NEC_XHCI ||
                      model == SVIRT_CONTROLLER_MODEL_QEMU_XHCI;

        if (controller->type != SVIRT_CONTROLLER_PCI &&
            controller->type != SVIRT_CONTROLLER_FDC &&
            model != SVIRT_CONTROLLER_MODEL_USB_NONE) {
            set_fixed(collector, controller,
                      add(collector, &controller->info, "a controller",
                          express ? collector->express : LEGACY));
        }
    }
}

/* The display the firmware uses: the one that says so, else the first. */
static size_t
primary_video(const SvirtDomain *domain)
{
    for (size_t i = 0; i < domain->video_count; i++) {
        if (domain->videos[i].primary) {
            return i;
        }
    }
    return 0;
}

static void
add_video(Collector *collector, size_t index, bool primary)
{
    const SvirtVideo *video = &collector->domain->videos[index];
    bool express = video->model == SVIRT_VIDEO_VIRTIO ||
                   video->model == SVIRT_VIDEO_BOCHS;
    SvirtPciDevice *device;

    if (video->model == SVIRT_VIDEO_NONE ||
        video->model == SVIRT_VIDEO_RAMFB) {
        return;
    }
    device = add(collector, &video->info, "a video device",
                 express ? collector->express : LEGACY);
    if (primary) {
        device->fixed = collector->pcie ? q35_video : pc_video;
    }
}

static void
add_videos(Collector *collector)
{
    size_t first = primary_video(collector->domain);

    for (size_t i = 0; i < collector->domain->video_count; i++) {
        if (i == 0) {
            add_video(collector, first, true);
        }
        if (i != first) {
            add_video(collector, i, false);
        }
    }
}

GArray *
svirt_pci_devices(const SvirtDomain *domain)
{
    bool pcie = svirt_hardware_is_pcie(domain);
    g_autoptr(GPtrArray) disks =
        svirt_hardware_disks(domain, SVIRT_DISK_BUS_VIRTIO);
    Collector all = {
        .domain = domain,
        .devices = g_array_new(FALSE, TRUE, sizeof(SvirtPciDevice)),
        .pcie = pcie,
        .express = (pcie ? SVIRT_PCI_EXPRESS : SVIRT_PCI_DEVICE) |
                   SVIRT_PCI_HOTPLUG,
    };

    add_pci_controllers(&all);
    add_interfaces(&all);
    add_sounds(&all);
    add_controllers(&all);
    for (guint i = 0; i < disks->len; i++) {
        add(&all, &((const SvirtDisk *)disks->pdata[i])->info, "a disk",
            all.express);
    }
    if (domain->balloon.model == SVIRT_BALLOON_VIRTIO) {
        add(&all, &domain->balloon.info, "the balloon", all.express);
    }
    for (size_t i = 0; i < domain->rng_count; i++) {
        add(&all, &domain->rngs[i].info, "an rng", all.express);
    }
    for (size_t i = 0; i < domain->watchdog_count; i++) {
        if (domain->watchdogs[i].model == SVIRT_WATCHDOG_I6300ESB) {
            add(&all, &domain->watchdogs[i].info, "a watchdog", LEGACY);
        }
    }
    add_videos(&all);
    for (size_t i = 0; i < domain->input_count; i++) {
        if (domain->inputs[i].bus == SVIRT_INPUT_BUS_VIRTIO) {
            add(&all, &domain->inputs[i].info, "an input", all.express);
        }
    }
    for (size_t i = 0; i < domain->chardev_count; i++) {
        if (domain->chardevs[i].target == SVIRT_CHARDEV_TARGET_PCI_SERIAL) {
            add(&all, &domain->chardevs[i].info, "a serial port", LEGACY);
        }
    }
    for (size_t i = 0; i < domain->panic_count; i++) {
        if (domain->panics[i].model == SVIRT_PANIC_PVPANIC) {
            add(&all, &domain->panics[i].info, "a panic device", LEGACY);
        }
    }
    if (domain->vsock.info.line != 0) {
        add(&all, &domain->vsock.info, "a vsock", all.express);
    }
    for (size_t i = 0; i < domain->withheld_count; i++) {
        if (domain->withheld[i].address.type == PCI) {
            add(&all, &domain->withheld[i], "a device that is not given",
                all.express);
        }
    }
    return all.devices;
}

void
svirt_pci_devices_insert(GArray *devices, const SvirtPciDevice *bus)
{
    guint at = 0;

    while (at < devices->len &&
           g_array_index(devices, SvirtPciDevice, at).controller !=
               SVIRT_CONTROLLER_MODEL_UNSET) {
        at++;
    }
    g_array_insert_vals(devices, at, bus, 1);
}

/* What of a controller's own numbers the definition left open. */
static void
write_target(SvirtDomain *domain, const SvirtPciDevice *device)
{
    static const char *const names[SVIRT_CONTROLLER_MODEL_MAX] = {
        [SVIRT_CONTROLLER_MODEL_PCI_BRIDGE] = "pci-bridge",
        [SVIRT_CONTROLLER_MODEL_DMI_TO_PCI_BRIDGE] = "i82801b11-bridge",
        [SVIRT_CONTROLLER_MODEL_PCIE_TO_PCI_BRIDGE] = "pcie-pci-bridge",
        [SVIRT_CONTROLLER_MODEL_PCIE_ROOT_PORT] = "pcie-root-port",
        [SVIRT_CONTROLLER_MODEL_PCIE_SWITCH_UPSTREAM_PORT] = "x3130-upstream",
        [SVIRT_CONTROLLER_MODEL_PCIE_SWITCH_DOWNSTREAM_PORT] =
            "xio3130-downstream",
    };
    SvirtXmlDocument *document = domain->document;
    const SvirtController *given = svirt_hardware_controller(
        domain, SVIRT_CONTROLLER_PCI, (unsigned)device->index);
    bool root = device->controller == SVIRT_CONTROLLER_MODEL_PCIE_ROOT_PORT;
    bool down = device->controller ==
                SVIRT_CONTROLLER_MODEL_PCIE_SWITCH_DOWNSTREAM_PORT;
    SvirtXmlNode *target;

    if (given == NULL || given->pci_device == NULL) {
        svirt_xml_set(document,
                      svirt_xml_ensure(document, device->node, "model"),
                      "name", "%s", names[device->controller]);
    }
    if (!root && !down &&
        device->controller != SVIRT_CONTROLLER_MODEL_PCI_BRIDGE) {
        return;
    }
    target = svirt_xml_ensure(document, device->node, "target");
    if (!root && !down) {
        if (given == NULL || given->chassis_nr < 0) {
            svirt_xml_set(document, target, "chassisNr", "%d", device->index);
        }
        return;
    }
    if (given == NULL || given->chassis < 0) {
        svirt_xml_set(document, target, "chassis", "%d", device->index);
    }
    if (given == NULL || given->port < 0) {
        svirt_xml_set(document, target, "port", "0x%x",
                      root ? device->address.slot << 3 |
                                 device->address.function
                           : device->address.slot);
    }
}

static void
write_address(SvirtDomain *domain, const SvirtPciDevice *device,
              const SvirtPciBuses *buses)
{
    const SvirtAddress *address = &device->address;
    SvirtXmlDocument *document = domain->document;
    bool others = buses->bus[address->bus].functions[address->slot] > 1;
    SvirtXmlNode *node =
        svirt_xml_ensure(document, device->node, "address");

    if (address->line == 0) {
        svirt_xml_set(document, node, "type", "pci");
        svirt_xml_set(document, node, "domain", "0x0000");
        svirt_xml_set(document, node, "bus", "0x%02x", address->bus);
        svirt_xml_set(document, node, "slot", "0x%02x", address->slot);
        svirt_xml_set(document, node, "function", "0x%x", address->function);
    }
    if (address->multifunction || (address->function == 0 && others)) {
        svirt_xml_set(document, node, "multifunction", "on");
    }
}

void
svirt_pci_devices_write(SvirtDomain *domain, const GArray *devices,
                        const SvirtPciBuses *buses)
{
    for (guint i = 0; i < devices->len; i++) {
        const SvirtPciDevice *device =
            &g_array_index(devices, SvirtPciDevice, i);

        if (device->controller != SVIRT_CONTROLLER_MODEL_UNSET) {
            write_target(domain, device);
        }
        write_address(domain, device, buses);
    }
}
