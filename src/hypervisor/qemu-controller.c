/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/error.h"
#include "hypervisor/qemu-private.h"

/* QEMU's device for a model; NULL: the machine has it already. */
static const char *const drivers[SVIRT_CONTROLLER_MODEL_MAX] = {
    [SVIRT_CONTROLLER_MODEL_PCI_BRIDGE] = "pci-bridge",
    [SVIRT_CONTROLLER_MODEL_DMI_TO_PCI_BRIDGE] = "i82801b11-bridge",
    [SVIRT_CONTROLLER_MODEL_PCIE_TO_PCI_BRIDGE] = "pcie-pci-bridge",
    [SVIRT_CONTROLLER_MODEL_PCIE_ROOT_PORT] = "pcie-root-port",
    [SVIRT_CONTROLLER_MODEL_PCIE_SWITCH_UPSTREAM_PORT] = "x3130-upstream",
    [SVIRT_CONTROLLER_MODEL_PCIE_SWITCH_DOWNSTREAM_PORT] =
        "xio3130-downstream",
    [SVIRT_CONTROLLER_MODEL_PIIX3_UHCI] = "piix3-usb-uhci",
    [SVIRT_CONTROLLER_MODEL_PIIX4_UHCI] = "piix4-usb-uhci",
    [SVIRT_CONTROLLER_MODEL_VT82C686B_UHCI] = "vt82c686b-usb-uhci",
    [SVIRT_CONTROLLER_MODEL_PCI_OHCI] = "pci-ohci",
    [SVIRT_CONTROLLER_MODEL_EHCI] = "usb-ehci",
    [SVIRT_CONTROLLER_MODEL_ICH9_EHCI1] = "ich9-usb-ehci1",
    [SVIRT_CONTROLLER_MODEL_ICH9_UHCI1] = "ich9-usb-uhci1",
    [SVIRT_CONTROLLER_MODEL_ICH9_UHCI2] = "ich9-usb-uhci2",
    [SVIRT_CONTROLLER_MODEL_ICH9_UHCI3] = "ich9-usb-uhci3",
    [SVIRT_CONTROLLER_MODEL_NEC_XHCI] = "nec-usb-xhci",
    [SVIRT_CONTROLLER_MODEL_QEMU_XHCI] = "qemu-xhci",
    [SVIRT_CONTROLLER_MODEL_LSILOGIC] = "lsi53c895a",
    [SVIRT_CONTROLLER_MODEL_VIRTIO_SCSI] = "virtio-scsi-pci",
    [SVIRT_CONTROLLER_MODEL_VIRTIO] = "virtio-serial-pci",
};

static const char *
controller_driver(const SvirtController *controller)
{
    bool scsi = controller->type == SVIRT_CONTROLLER_SCSI;

    if (controller->model == SVIRT_CONTROLLER_MODEL_VIRTIO_TRANSITIONAL) {
        return scsi ? "virtio-scsi-pci-transitional"
                    : "virtio-serial-pci-transitional";
    }
    if (controller->model == SVIRT_CONTROLLER_MODEL_VIRTIO_NON_TRANSITIONAL) {
        return scsi ? "virtio-scsi-pci-non-transitional"
                    : "virtio-serial-pci-non-transitional";
    }
    if (controller->model == SVIRT_CONTROLLER_MODEL_PCIE_ROOT_PORT &&
        g_strcmp0(controller->pci_device, "ioh3420") == 0) {
        return "ioh3420";
    }
    return drivers[controller->model];
}

/* A model left open: what libvirt takes for QEMU. */
static const char *
default_driver(const SvirtQemuBuilder *builder,
               const SvirtController *controller)
{
    switch (controller->type) {
    case SVIRT_CONTROLLER_USB:
        return builder->pcie ? "qemu-xhci" : "piix3-usb-uhci";
    case SVIRT_CONTROLLER_SCSI:
        return "virtio-scsi-pci";
    case SVIRT_CONTROLLER_VIRTIO_SERIAL:
        return "virtio-serial-pci";
    case SVIRT_CONTROLLER_SATA:
        return builder->pcie && controller->index <= 0 ? NULL : "ich9-ahci";
    case SVIRT_CONTROLLER_IDE:
    case SVIRT_CONTROLLER_PCI:
    case SVIRT_CONTROLLER_TYPE_MAX:
        break;
    }
    return NULL;
}

static const char *
controller_prefix(SvirtControllerType type)
{
    switch (type) {
    case SVIRT_CONTROLLER_PCI:
        return "pci.";
    case SVIRT_CONTROLLER_USB:
        return "usb";
    case SVIRT_CONTROLLER_SATA:
        return "sata";
    case SVIRT_CONTROLLER_IDE:
        return "ide";
    case SVIRT_CONTROLLER_SCSI:
        return "scsi";
    case SVIRT_CONTROLLER_VIRTIO_SERIAL:
        return "virtio-serial";
    case SVIRT_CONTROLLER_TYPE_MAX:
        break;
    }
    g_assert_not_reached();
}

static char *
controller_id(const SvirtController *controller, int index)
{
    /* USB companions share their index with the EHCI they belong to. */
    if (controller->type == SVIRT_CONTROLLER_USB &&
        controller->master_port >= 0) {
        return g_strdup_printf("usb%d-companion%d", index,
                               controller->master_port);
    }
    /* The bus QEMU makes of an id is "<id>.0": usb.0 is the first one's. */
    if (controller->type == SVIRT_CONTROLLER_USB && index == 0) {
        return g_strdup("usb");
    }
    return g_strdup_printf("%s%d", controller_prefix(controller->type), index);
}

static int
controller_index(const SvirtDomain *domain, const SvirtController *controller)
{
    int next = controller->type == SVIRT_CONTROLLER_PCI ? 1 : 0;

    if (controller->index >= 0) {
        return controller->index;
    }
    for (const SvirtController *other = domain->controllers;
         other < controller; other++) {
        if (other->type == controller->type) {
            next++;
        }
    }
    return next;
}

static void
set_pci_target(const SvirtController *controller, int index, json_t *device)
{
    if (controller->model == SVIRT_CONTROLLER_MODEL_PCIE_ROOT_PORT) {
        int chassis = controller->chassis >= 0 ? controller->chassis : index;
        int port = controller->port >= 0 ? controller->port : index;

        json_object_set_new(device, "chassis", json_integer(chassis));
        json_object_set_new(device, "port", json_integer(port));
    } else if (controller->model == SVIRT_CONTROLLER_MODEL_PCI_BRIDGE) {
        json_object_set_new(device, "chassis_nr",
                            json_integer(controller->chassis_nr >= 0
                                             ? controller->chassis_nr
                                             : index));
    } else if (controller->model ==
               SVIRT_CONTROLLER_MODEL_PCIE_SWITCH_DOWNSTREAM_PORT) {
        json_object_set_new(device, "chassis",
                            json_integer(controller->chassis >= 0
                                             ? controller->chassis
                                             : index));
        json_object_set_new(
            device, "port",
            json_integer(controller->port >= 0 ? controller->port : index));
    }
}

static bool
add_controller(SvirtQemuBuilder *builder, const SvirtController *controller,
               GError **error)
{
    const char *driver = controller_driver(controller);
    int index = controller_index(builder->input->domain, controller);
    g_autofree char *id = controller_id(controller, index);
    json_t *device;

    if (controller->model == SVIRT_CONTROLLER_MODEL_UNSET) {
        driver = default_driver(builder, controller);
    }
    if (driver == NULL) {
        return true;
    }
    device = svirt_qemu_device(driver, id, 0);
    if (controller->type == SVIRT_CONTROLLER_PCI) {
        set_pci_target(controller, index, device);
    } else if (controller->type == SVIRT_CONTROLLER_VIRTIO_SERIAL &&
               controller->ports != 0) {
        json_object_set_new(device, "max_ports",
                            json_integer(controller->ports));
    } else if (controller->type == SVIRT_CONTROLLER_USB &&
               controller->master_port >= 0) {
        g_autofree char *master =
            index == 0 ? g_strdup("usb.0") : g_strdup_printf("usb%d.0", index);

        json_object_set_new(device, "masterbus", json_string(master));
        json_object_set_new(device, "firstport",
                            json_integer(controller->master_port));
    }
    if (!svirt_qemu_place_pci(builder, device, &controller->info,
                              "a controller", error)) {
        json_decref(device);
        return false;
    }
    svirt_qemu_add_json(builder, "-device", device);
    return true;
}

static bool
has_controller(const SvirtDomain *domain, SvirtControllerType type)
{
    for (size_t i = 0; i < domain->controller_count; i++) {
        if (domain->controllers[i].type == type) {
            return true;
        }
    }
    return false;
}

static bool
wants_bus(const SvirtDomain *domain, SvirtControllerType type)
{
    for (size_t i = 0; i < domain->disk_count; i++) {
        SvirtDiskBus bus = domain->disks[i].bus;

        if ((type == SVIRT_CONTROLLER_SCSI && bus == SVIRT_DISK_BUS_SCSI) ||
            (type == SVIRT_CONTROLLER_SATA && bus == SVIRT_DISK_BUS_SATA) ||
            (type == SVIRT_CONTROLLER_USB && bus == SVIRT_DISK_BUS_USB)) {
            return true;
        }
    }
    for (size_t i = 0; i < domain->input_count; i++) {
        if (type == SVIRT_CONTROLLER_USB &&
            domain->inputs[i].bus == SVIRT_INPUT_BUS_USB) {
            return true;
        }
    }
    for (size_t i = 0; i < domain->chardev_count; i++) {
        const SvirtChardev *chardev = &domain->chardevs[i];

        if (type == SVIRT_CONTROLLER_VIRTIO_SERIAL &&
            (chardev->role == SVIRT_CHARDEV_CHANNEL ||
             chardev->target == SVIRT_CHARDEV_TARGET_VIRTIO)) {
            return true;
        }
        if (type == SVIRT_CONTROLLER_USB &&
            chardev->target == SVIRT_CHARDEV_TARGET_USB_SERIAL) {
            return true;
        }
    }
    return false;
}

bool
svirt_qemu_add_controllers(SvirtQemuBuilder *builder, GError **error)
{
    static const SvirtControllerType implied[] = {
        SVIRT_CONTROLLER_USB,
        SVIRT_CONTROLLER_SATA,
        SVIRT_CONTROLLER_SCSI,
        SVIRT_CONTROLLER_VIRTIO_SERIAL,
    };
    const SvirtDomain *domain = builder->input->domain;

    for (size_t i = 0; i < domain->controller_count; i++) {
        if (!add_controller(builder, &domain->controllers[i], error)) {
            return false;
        }
    }
    for (size_t i = 0; i < G_N_ELEMENTS(implied); i++) {
        SvirtController controller = {
            .type = implied[i],
            .index = 0,
            .chassis = -1,
            .port = -1,
            .chassis_nr = -1,
            .master_port = -1,
        };

        if (wants_bus(domain, implied[i]) &&
            !has_controller(domain, implied[i]) &&
            !add_controller(builder, &controller, error)) {
            return false;
        }
    }
    return true;
}
