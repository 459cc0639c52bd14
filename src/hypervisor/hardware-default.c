/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hypervisor/hardware-private.h"

#include <string.h>

#include "base/error.h"

/* What libvirt takes for a controller whose model is left open; NULL none. */
static const char *
default_model(const SvirtDomain *domain, SvirtControllerType type, bool added)
{
    switch (type) {
    case SVIRT_CONTROLLER_USB:
        return added && svirt_hardware_is_pcie(domain) ? "qemu-xhci"
                                                       : "piix3-uhci";
    case SVIRT_CONTROLLER_SCSI:
        return "lsilogic";
    case SVIRT_CONTROLLER_PCI:
    case SVIRT_CONTROLLER_SATA:
    case SVIRT_CONTROLLER_IDE:
    case SVIRT_CONTROLLER_VIRTIO_SERIAL:
    case SVIRT_CONTROLLER_FDC:
    case SVIRT_CONTROLLER_TYPE_MAX:
        break;
    }
    return NULL;
}

static bool
is_root(SvirtControllerModel model)
{
    return model == SVIRT_CONTROLLER_MODEL_PCI_ROOT ||
           model == SVIRT_CONTROLLER_MODEL_PCIE_ROOT;
}

/* Part of an ich9's USB 2: an EHCI and three UHCIs share one index. */
static bool
is_usb2(const SvirtController *controller)
{
    return controller->model >= SVIRT_CONTROLLER_MODEL_ICH9_EHCI1 &&
           controller->model <= SVIRT_CONTROLLER_MODEL_ICH9_UHCI3;
}

/* Of controller `which`, that stands behind others of its set; -1: none. */
static int
usb2_index(const SvirtDomain *domain, const GArray *indexes, size_t which)
{
    const SvirtController *all = domain->controllers;
    int index;

    if (which == 0 || !is_usb2(&all[which]) || !is_usb2(&all[which - 1])) {
        return -1;
    }
    index = g_array_index(indexes, int, which - 1);
    for (size_t i = 0; i < which; i++) {
        if (all[i].model == all[which].model &&
            g_array_index(indexes, int, i) == index) {
            return -1;
        }
    }
    return index;
}

/* The lowest that nothing of its type has, given or decided. */
static unsigned
free_index(const SvirtDomain *domain, const GArray *indexes,
           SvirtControllerType type, unsigned from)
{
    for (size_t i = 0; i < domain->controller_count; i++) {
        if (domain->controllers[i].type == type &&
            g_array_index(indexes, int, i) == (int)from) {
            return free_index(domain, indexes, type, from + 1);
        }
    }
    return from;
}

void
svirt_hardware_set_indexes(SvirtDomain *domain)
{
    g_autoptr(GArray) indexes = g_array_new(FALSE, FALSE, sizeof(int));

    for (size_t i = 0; i < domain->controller_count; i++) {
        g_array_append_val(indexes, domain->controllers[i].index);
    }
    for (size_t i = 0; i < domain->controller_count; i++) {
        const SvirtController *controller = &domain->controllers[i];
        const char *model = default_model(domain, controller->type, false);
        SvirtXmlNode *node = controller->info.node;
        int *index = &g_array_index(indexes, int, i);

        if (controller->model == SVIRT_CONTROLLER_MODEL_UNSET &&
            model != NULL) {
            svirt_xml_set(domain->document, node, "model", "%s", model);
        }
        if (*index >= 0) {
            continue;
        }
        *index = usb2_index(domain, indexes, i);
        if (*index < 0) {
            *index = (int)free_index(domain, indexes, controller->type,
                                     controller->type == SVIRT_CONTROLLER_PCI &&
                                         !is_root(controller->model));
        }
        svirt_xml_set(domain->document, node, "index", "%d", *index);
    }
}

/* Those that were added are in the tree alone. */
static bool
has_controller(const SvirtDomain *domain, SvirtControllerType type,
               unsigned index)
{
    const SvirtXmlNode *node =
        svirt_xml_find(domain->document->root, "devices");
    const char *word = svirt_controller_type_to_string(type);

    for (node = node != NULL ? node->first_child : NULL; node != NULL;
         node = node->next) {
        const char *number = svirt_xml_get(node, "index");

        if (strcmp(node->name, "controller") == 0 && number != NULL &&
            g_strcmp0(svirt_xml_get(node, "type"), word) == 0 &&
            g_ascii_strtoull(number, NULL, 0) == index) {
            return true;
        }
    }
    return false;
}

void
svirt_hardware_need(SvirtDomain *domain, SvirtControllerType type,
                    unsigned last)
{
    const char *model = default_model(domain, type, true);

    for (unsigned index = 0; index <= last; index++) {
        if (!has_controller(domain, type, index)) {
            svirt_hardware_add_controller(domain, type, index, model);
        }
    }
}

/* In libvirt's order, which is that of their addresses. */
static void
add_machine_controllers(SvirtDomain *domain)
{
    svirt_hardware_need(domain, SVIRT_CONTROLLER_USB, 0);
    if (svirt_hardware_is_pcie(domain)) {
        svirt_hardware_need(domain, SVIRT_CONTROLLER_SATA, 0);
    }
    if (svirt_hardware_controller(domain, SVIRT_CONTROLLER_PCI, 0) == NULL) {
        svirt_hardware_add_controller(domain, SVIRT_CONTROLLER_PCI, 0,
                                      svirt_hardware_is_pcie(domain)
                                          ? "pcie-root"
                                          : "pci-root");
    }
}

/* As many as the ports need; port 0 of each is for a console. */
static void
add_serial_buses(SvirtDomain *domain)
{
    unsigned last = 0, wanted = 0, ports = 0;

    for (size_t i = 0; i < domain->chardev_count; i++) {
        const SvirtChardev *chardev = &domain->chardevs[i];

        if (chardev->target == SVIRT_CHARDEV_TARGET_VIRTIO) {
            wanted++;
            last = MAX(last, chardev->info.address.controller);
        }
    }
    for (unsigned i = 0; wanted > 0 && (i <= last || ports < wanted); i++) {
        const SvirtController *found = svirt_hardware_controller(
            domain, SVIRT_CONTROLLER_VIRTIO_SERIAL, i);

        ports += (found != NULL && found->ports > 1
                      ? found->ports
                      : SVIRT_HARDWARE_SERIAL_PORTS) -
                 1;
        svirt_hardware_need(domain, SVIRT_CONTROLLER_VIRTIO_SERIAL, i);
    }
}

static void
add_balloon(SvirtDomain *domain)
{
    SvirtXmlNode *devices = svirt_xml_ensure(domain->document,
                                             domain->document->root, "devices");

    if (domain->balloon.model == SVIRT_BALLOON_UNSET) {
        svirt_xml_set(domain->document,
                      svirt_xml_insert(domain->document, devices,
                                       devices->last_child, "memballoon", NULL),
                      "model", "virtio");
    }
}

/* Whoever looks sees something: libvirt's choice for QEMU. */
static void
add_video(SvirtDomain *domain)
{
    SvirtXmlNode *devices = svirt_xml_find(domain->document->root, "devices");
    SvirtXmlNode *video;

    if (domain->graphics_count == 0 || domain->video_count > 0) {
        return;
    }
    video = svirt_xml_insert(domain->document, devices, devices->last_child,
                             "video", NULL);
    video = svirt_xml_insert(domain->document, video, NULL, "model", NULL);
    svirt_xml_set(domain->document, video, "type", "cirrus");
}

/*
 * QEMU's prefix (52:54:00) and 24 bits of the UUID (FNV-1a): the same
 * definition gets the same MAC on every host, and not the one that QEMU gives
 * to every VM.
 */
static uint32_t
mac_bits(const SvirtUuid *uuid, size_t index)
{
    uint32_t hash = 2166136261u;

    for (size_t i = 0; i < sizeof(uuid->bytes); i++) {
        hash = (hash ^ uuid->bytes[i]) * 16777619u;
    }
    hash = (hash ^ (uint32_t)index) * 16777619u;
    return (hash ^ hash >> 24) & 0xffffff;
}

static bool
mac_is_taken(const SvirtDomain *domain, uint32_t bits)
{
    const uint8_t mac[] = { 0x52, 0x54, 0x00, (uint8_t)(bits >> 16),
                            (uint8_t)(bits >> 8), (uint8_t)bits };

    for (size_t i = 0; i < domain->interface_count; i++) {
        const SvirtInterface *interface = &domain->interfaces[i];

        if (interface->mac_given &&
            memcmp(interface->mac, mac, sizeof(mac)) == 0) {
            return true;
        }
    }
    return false;
}

static void
set_macs(SvirtDomain *domain)
{
    size_t next = 0;

    for (size_t i = 0; i < domain->interface_count; i++) {
        SvirtXmlNode *node = domain->interfaces[i].info.node;
        uint32_t bits;

        if (domain->interfaces[i].mac_given) {
            continue;
        }
        do {
            bits = mac_bits(&domain->uuid, next++);
        } while (mac_is_taken(domain, bits));
        node = svirt_xml_insert(domain->document, node, NULL, "mac", NULL);
        svirt_xml_set(domain->document, node, "address",
                      "52:54:00:%02x:%02x:%02x", bits >> 16,
                      bits >> 8 & 0xff, bits & 0xff);
    }
}

/* The number of a serial port, as the guest counts ttyS. */
static void
set_serial_ports(SvirtDomain *domain)
{
    unsigned taken = 0;

    for (size_t i = 0; i < domain->chardev_count; i++) {
        const SvirtChardev *chardev = &domain->chardevs[i];

        if (chardev->role == SVIRT_CHARDEV_SERIAL &&
            chardev->target_port >= 0 && chardev->target_port < 32) {
            taken |= 1u << chardev->target_port;
        }
    }
    for (size_t i = 0; i < domain->chardev_count; i++) {
        const SvirtChardev *chardev = &domain->chardevs[i];
        unsigned port = 0;

        if (chardev->role != SVIRT_CHARDEV_SERIAL ||
            chardev->target_port >= 0) {
            continue;
        }
        while ((taken & 1u << port) != 0 && port < 31) {
            port++;
        }
        taken |= 1u << port;
        svirt_xml_set(domain->document,
                      svirt_xml_ensure(domain->document, chardev->info.node,
                                       "target"),
                      "port", "%u", port);
    }
}

bool
svirt_hardware_add_defaults(SvirtDomain *domain, GError **error)
{
    if (svirt_hardware_has_pci(domain)) {
        add_machine_controllers(domain);
    }
    if (!svirt_hardware_place_drives(domain, error)) {
        return false;
    }
    add_serial_buses(domain);
    if (svirt_hardware_has_pci(domain)) {
        add_video(domain);
        add_balloon(domain);
    }
    set_macs(domain);
    set_serial_ports(domain);
    return true;
}
