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

/* A model left open; NULL: the machine has it. */
static const char *
default_driver(const SvirtQemuBuilder *builder,
               const SvirtController *controller)
{
    if (controller->type == SVIRT_CONTROLLER_VIRTIO_SERIAL) {
        return "virtio-serial-pci";
    }
    if (controller->type == SVIRT_CONTROLLER_FDC) {
        return builder->pcie ? "isa-fdc" : NULL;
    }
    return controller->type == SVIRT_CONTROLLER_SATA &&
                   (!builder->pcie || controller->index > 0)
               ? "ich9-ahci"
               : NULL;
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
    case SVIRT_CONTROLLER_FDC:
        return "fdc";
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

static void
set_usb(const SvirtController *controller, const char *driver, json_t *device)
{
    int index = controller->index;

    if (controller->master_port >= 0) {
        g_autofree char *master =
            index == 0 ? g_strdup("usb.0") : g_strdup_printf("usb%d.0", index);

        json_object_set_new(device, "masterbus", json_string(master));
        json_object_set_new(device, "firstport",
                            json_integer(controller->master_port));
    }
    if (controller->ports != 0 && g_str_has_suffix(driver, "xhci")) {
        json_object_set_new(device, "p2", json_integer(controller->ports));
        json_object_set_new(device, "p3", json_integer(controller->ports));
    }
}

static void
set_virtio_serial(const SvirtController *controller, json_t *device)
{
    if (controller->ports != 0) {
        json_object_set_new(device, "max_ports",
                            json_integer(controller->ports));
    }
    if (controller->vectors >= 0) {
        json_object_set_new(device, "vectors",
                            json_integer(controller->vectors));
    }
}

static bool
check_model(const SvirtController *controller, const char *driver,
            GError **error)
{
    if (controller->model == SVIRT_CONTROLLER_MODEL_VT82C686B_UHCI) {
        return svirt_raise(error, SVIRT_ERROR_UNSUPPORTED, NULL,
                           "use model='piix3-uhci'",
                           "line %u: a PC has no vt82c686b-uhci",
                           controller->info.line);
    }
    if (controller->type == SVIRT_CONTROLLER_FDC &&
        (controller->index > 0 ||
         controller->info.address.type != SVIRT_ADDRESS_UNSET)) {
        return svirt_raise(error, SVIRT_ERROR_UNSUPPORTED, NULL,
                           "keep index='0' without an <address>",
                           "line %u: a PC has one floppy controller, on the "
                           "ISA bus",
                           controller->info.line);
    }
    if (controller->iothread != 0 &&
        controller->model != SVIRT_CONTROLLER_MODEL_VIRTIO_SCSI) {
        return svirt_raise(error, SVIRT_ERROR_UNSUPPORTED, NULL,
                           "use model='virtio-scsi', or remove iothread=",
                           "line %u: a SCSI controller '%s' has no iothread",
                           controller->info.line, driver);
    }
    if (controller->type == SVIRT_CONTROLLER_USB && controller->ports != 0 &&
        !g_str_has_suffix(driver, "xhci")) {
        return svirt_raise(error, SVIRT_ERROR_UNSUPPORTED, NULL,
                           "remove ports=, or use model='qemu-xhci'",
                           "line %u: a USB controller '%s' has a fixed "
                           "number of ports",
                           controller->info.line, driver);
    }
    return true;
}

static bool
add_controller(SvirtQemuBuilder *builder, const SvirtController *controller,
               GError **error)
{
    const char *driver = controller->model == SVIRT_CONTROLLER_MODEL_UNSET
                             ? default_driver(builder, controller)
                             : controller_driver(controller);
    g_autofree char *id = controller_id(controller, controller->index);
    json_t *device;

    if (driver == NULL) {
        return true;
    }
    if (!check_model(controller, driver, error)) {
        return false;
    }
    device = svirt_qemu_device(driver, id, 0);
    if (controller->type == SVIRT_CONTROLLER_PCI) {
        set_pci_target(controller, controller->index, device);
    } else if (controller->type == SVIRT_CONTROLLER_VIRTIO_SERIAL) {
        set_virtio_serial(controller, device);
    } else if (controller->type == SVIRT_CONTROLLER_USB) {
        set_usb(controller, driver, device);
    }
    svirt_qemu_set_iothread(device, controller->iothread);
    if (controller->type != SVIRT_CONTROLLER_FDC &&
        !svirt_qemu_place_pci(builder, device, &controller->info,
                              "a controller", error)) {
        json_decref(device);
        return false;
    }
    svirt_qemu_add_json(builder, "-device", device);
    return true;
}

/* 0: PCI buses, which the others need; 1: the others; 2: USB companions,
 * which need the controller they belong to. */
static unsigned
pass_of(const SvirtController *controller)
{
    return controller->type == SVIRT_CONTROLLER_PCI ? 0
           : controller->master_port < 0            ? 1
                                                    : 2;
}

/* The bus that `controller` sits on is there: the root, or already added. */
static bool
has_bus(const SvirtQemuBuilder *builder, const SvirtController *controller,
        const bool *added)
{
    const SvirtAddress *address = &controller->info.address;
    const SvirtController *parent;

    if (address->type != SVIRT_ADDRESS_PCI || address->bus == 0) {
        return true;
    }
    parent =
        svirt_hardware_controller(
        builder->input->domain, SVIRT_CONTROLLER_PCI, address->bus);
    /* One that does not exist is an error when it is placed. */
    return parent == NULL ||
           added[parent - builder->input->domain->controllers];
}

static bool
add_pci_tree(SvirtQemuBuilder *builder, GError **error)
{
    size_t count = builder->input->domain->controller_count;
    g_autofree bool *added = g_new0(bool, count + 1);
    unsigned left = 0;
    bool progress;

    do {
        progress = false;
        left = 0;
        for (size_t i = 0; i < count; i++) {
            const SvirtController *controller =
                &builder->input->domain->controllers[i];

            if (added[i] || pass_of(controller) != 0) {
                continue;
            }
            if (!has_bus(builder, controller, added)) {
                left = controller->info.line;
                continue;
            }
            if (!add_controller(builder, controller, error)) {
                return false;
            }
            added[i] = progress = true;
        }
    } while (progress && left != 0);
    return left == 0 ||
           svirt_raise(error, SVIRT_ERROR_INVALID, NULL,
                       "put one of them on bus 0",
                       "line %u: PCI controllers sit on one another in a "
                       "circle",
                       left);
}

bool
svirt_qemu_add_controllers(SvirtQemuBuilder *builder, GError **error)
{
    if (!add_pci_tree(builder, error)) {
        return false;
    }
    for (unsigned pass = 1; pass <= 2; pass++) {
        for (size_t i = 0; i < builder->input->domain->controller_count; i++) {
            const SvirtController *controller =
                &builder->input->domain->controllers[i];

            if (pass_of(controller) == pass &&
                !add_controller(builder, controller, error)) {
                return false;
            }
        }
    }
    return true;
}
