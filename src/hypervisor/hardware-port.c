/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hypervisor/hardware-private.h"

#include <string.h>

#include "base/error.h"

/* Ports of virtio-serial buses and of USB, each a set of numbers. */

#define USB_HUB_PORTS 8u
#define USB_DEPTH 4u

/* ---- virtio-serial ------------------------------------------------------ */

static bool
is_port(const SvirtChardev *chardev)
{
    return chardev->target == SVIRT_CHARDEV_TARGET_VIRTIO;
}

static bool
serial_is_taken(const GArray *taken, unsigned controller, unsigned port)
{
    for (guint i = 0; i < taken->len; i++) {
        if (g_array_index(taken, uint32_t, i) == (controller << 16 | port)) {
            return true;
        }
    }
    return false;
}

static void
take_serial(GArray *taken, unsigned controller, unsigned port)
{
    uint32_t key = controller << 16 | port;

    g_array_append_val(taken, key);
}

/* Port 0 is for a console: old guests think it one whatever it is. */
static bool
find_serial(const SvirtDomain *domain, const GArray *taken,
            const SvirtChardev *chardev, unsigned *controller, unsigned *port)
{
    const SvirtAddress *address = &chardev->info.address;
    bool bound = address->type == SVIRT_ADDRESS_VIRTIO_SERIAL;

    for (unsigned i = bound ? address->controller : 0;; i++) {
        const SvirtController *found = svirt_hardware_controller(
            domain, SVIRT_CONTROLLER_VIRTIO_SERIAL, i);
        unsigned ports;

        if (found == NULL || (bound && i != address->controller)) {
            return false;
        }
        ports = found->ports != 0 ? found->ports : SVIRT_HARDWARE_SERIAL_PORTS;
        for (unsigned j = chardev->role == SVIRT_CHARDEV_CHANNEL; j < ports;
             j++) {
            if (!serial_is_taken(taken, i, j)) {
                *controller = i;
                *port = j;
                return true;
            }
        }
    }
}

bool
svirt_hardware_place_ports(SvirtDomain *domain, GError **error)
{
    g_autoptr(GArray) taken = g_array_new(FALSE, FALSE, sizeof(uint32_t));

    for (size_t i = 0; i < domain->chardev_count; i++) {
        const SvirtAddress *address = &domain->chardevs[i].info.address;

        if (address->type == SVIRT_ADDRESS_VIRTIO_SERIAL &&
            address->port != 0) {
            take_serial(taken, address->controller, address->port);
        }
    }
    for (size_t i = 0; i < domain->chardev_count; i++) {
        const SvirtChardev *chardev = &domain->chardevs[i];
        unsigned controller, port;
        SvirtXmlNode *node;

        if (!is_port(chardev) || chardev->info.address.port != 0) {
            continue;
        }
        if (!find_serial(domain, taken, chardev, &controller, &port)) {
            return svirt_raise(error, SVIRT_ERROR_UNSUPPORTED, NULL,
                               "add a <controller type='virtio-serial'>",
                               "line %u: no virtio-serial port is free",
                               chardev->info.line);
        }
        take_serial(taken, controller, port);
        node = svirt_hardware_address(domain, &chardev->info, "virtio-serial");
        svirt_xml_set(domain->document, node, "controller", "%u", controller);
        svirt_xml_set(domain->document, node, "bus", "0");
        svirt_xml_set(domain->document, node, "port", "%u", port);
    }
    return true;
}

/* ---- USB ---------------------------------------------------------------- */

typedef struct Hub {
    unsigned bus;
    char path[16];  /* "" for the controller itself, "1" or "1.2" */
    unsigned ports; /* how many it has */
    uint32_t taken; /* bit 0 is port 1 */
} Hub;

static unsigned
usb_ports(const SvirtController *controller)
{
    switch (controller->model) {
    case SVIRT_CONTROLLER_MODEL_PIIX3_UHCI:
    case SVIRT_CONTROLLER_MODEL_PIIX4_UHCI:
    case SVIRT_CONTROLLER_MODEL_VT82C686B_UHCI:
        return 2;
    case SVIRT_CONTROLLER_MODEL_ICH9_UHCI1:
    case SVIRT_CONTROLLER_MODEL_ICH9_UHCI2:
    case SVIRT_CONTROLLER_MODEL_ICH9_UHCI3:
        return controller->master_port < 0 ? 2 : 0;
    case SVIRT_CONTROLLER_MODEL_PCI_OHCI:
        return 3;
    case SVIRT_CONTROLLER_MODEL_EHCI:
    case SVIRT_CONTROLLER_MODEL_ICH9_EHCI1:
        return 6;
    case SVIRT_CONTROLLER_MODEL_NEC_XHCI:
    case SVIRT_CONTROLLER_MODEL_QEMU_XHCI:
        return controller->ports != 0 ? controller->ports : 4;
    default:
        return 0;
    }
}

static Hub *
find_hub(GArray *hubs, unsigned bus, const char *path, size_t length)
{
    for (guint i = 0; i < hubs->len; i++) {
        Hub *hub = &g_array_index(hubs, Hub, i);

        if (hub->bus == bus && strlen(hub->path) == length &&
            memcmp(hub->path, path, length) == 0) {
            return hub;
        }
    }
    return NULL;
}

static void
add_hub(GArray *hubs, unsigned bus, const char *path, unsigned ports)
{
    Hub hub = { .bus = bus, .ports = ports };

    (void)g_strlcpy(hub.path, path, sizeof(hub.path));
    g_array_append_val(hubs, hub);
}

/* The port that an address names, on whatever it names it. */
static void
take_port(GArray *hubs, const SvirtAddress *address)
{
    const char *dot = strrchr(address->usb_port, '.');
    const char *last = dot != NULL ? dot + 1 : address->usb_port;
    Hub *hub = find_hub(hubs, address->bus, address->usb_port,
                        dot != NULL ? (size_t)(dot - address->usb_port) : 0);
    guint64 port = g_ascii_strtoull(last, NULL, 10);

    if (hub != NULL && port > 0 && port <= 32) {
        hub->taken |= 1u << (port - 1);
    }
}

/* Its own ports first, then those of the hubs on it. */
static bool
free_port(GArray *hubs, guint which, unsigned depth, char ret[16])
{
    Hub *hub = &g_array_index(hubs, Hub, which);
    size_t length = strlen(hub->path);

    for (unsigned i = 0; i < MIN(hub->ports, 32); i++) {
        if ((hub->taken & 1u << i) == 0) {
            hub->taken |= 1u << i;
            (void)g_snprintf(ret, 16, "%s%s%u", hub->path,
                             length > 0 ? "." : "", i + 1);
            return true;
        }
    }
    for (guint i = which + 1; i < hubs->len && depth < USB_DEPTH; i++) {
        const Hub *other = &g_array_index(hubs, Hub, i);
        const char *dot = strrchr(other->path, '.');
        size_t above = dot != NULL ? (size_t)(dot - other->path) : 0;

        if (other->bus == hub->bus && other->path[0] != '\0' &&
            above == length && memcmp(other->path, hub->path, length) == 0 &&
            free_port(hubs, i, depth + 1, ret)) {
            return true;
        }
    }
    return false;
}

static bool
place_port(SvirtDomain *domain, GArray *hubs, const SvirtDeviceInfo *info,
           bool is_hub, GError **error)
{
    const SvirtAddress *address = &info->address;
    bool bound = address->type == SVIRT_ADDRESS_USB;
    SvirtXmlNode *node;
    char port[16];

    if (bound && address->usb_port != NULL) {
        return true;
    }
    for (guint i = 0; i < hubs->len; i++) {
        const Hub *hub = &g_array_index(hubs, Hub, i);
        unsigned bus = hub->bus;

        if (hub->path[0] != '\0' || (bound && bus != address->bus) ||
            !free_port(hubs, i, 1, port)) {
            continue;
        }
        node = svirt_hardware_address(domain, info, "usb");
        svirt_xml_set(domain->document, node, "bus", "%u", bus);
        svirt_xml_set(domain->document, node, "port", "%s", port);
        if (is_hub) {
            add_hub(hubs, bus, port, USB_HUB_PORTS);
        }
        return true;
    }
    return svirt_raise(error, SVIRT_ERROR_UNSUPPORTED, NULL,
                       "use <controller type='usb' model='qemu-xhci' "
                       "ports='15'/>",
                       "line %u: no USB port is free", info->line);
}

static void
collect_redirected(const SvirtDomain *domain, bool smartcard, GPtrArray *ret)
{
    for (size_t i = 0; i < domain->redirected_count; i++) {
        if (domain->redirected[i].smartcard == smartcard) {
            g_ptr_array_add(ret, (gpointer)&domain->redirected[i].info);
        }
    }
}

/* Every USB device but hubs, in the order libvirt places them in. */
static void
collect(const SvirtDomain *domain, GPtrArray *ret)
{
    g_autoptr(GPtrArray) disks =
        svirt_hardware_disks(domain, SVIRT_DISK_BUS_USB);

    for (guint i = 0; i < disks->len; i++) {
        const SvirtDisk *disk = disks->pdata[i];

        g_ptr_array_add(ret, (gpointer)&disk->info);
    }
    collect_redirected(domain, true, ret);
    for (size_t i = 0; i < domain->input_count; i++) {
        if (svirt_hardware_input_bus(&domain->inputs[i]) ==
            SVIRT_INPUT_BUS_USB) {
            g_ptr_array_add(ret, (gpointer)&domain->inputs[i].info);
        }
    }
    for (size_t i = 0; i < domain->chardev_count; i++) {
        if (domain->chardevs[i].target == SVIRT_CHARDEV_TARGET_USB_SERIAL) {
            g_ptr_array_add(ret, (gpointer)&domain->chardevs[i].info);
        }
    }
    for (size_t i = 0; i < domain->sound_count; i++) {
        if (domain->sounds[i].model == SVIRT_SOUND_USB) {
            g_ptr_array_add(ret, (gpointer)&domain->sounds[i].info);
        }
    }
    collect_redirected(domain, false, ret);
    for (size_t i = 0; i < domain->interface_count; i++) {
        if (g_strcmp0(domain->interfaces[i].model, "usb-net") == 0) {
            g_ptr_array_add(ret, (gpointer)&domain->interfaces[i].info);
        }
    }
    for (size_t i = 0; i < domain->withheld_count; i++) {
        const SvirtAddress *address = &domain->withheld[i].address;

        if (address->type == SVIRT_ADDRESS_USB && address->usb_port != NULL) {
            g_ptr_array_add(ret, (gpointer)&domain->withheld[i]);
        }
    }
}

/* Those that are missing for so many devices, as libvirt adds them. */
static void
add_missing_hubs(SvirtDomain *domain, const GArray *hubs, size_t needed)
{
    SvirtXmlNode *devices = svirt_xml_find(domain->document->root, "devices");
    size_t ports = domain->hub_count * (USB_HUB_PORTS - 1);

    for (guint i = 0; i < hubs->len; i++) {
        ports += g_array_index(hubs, Hub, i).ports;
    }
    if (hubs->len == 0) {
        return; /* there is nothing to put them on */
    }
    for (; needed > ports; ports += USB_HUB_PORTS - 1) {
        svirt_xml_set(domain->document,
                      svirt_xml_insert(domain->document, devices,
                                       devices->last_child, "hub", NULL),
                      "type", "usb");
    }
}

/* What has its port, hubs first: devices sit on them. */
static void
take_given(const SvirtDomain *domain, GArray *hubs, const GPtrArray *devices)
{
    for (size_t i = 0; i < domain->hub_count; i++) {
        const SvirtAddress *address = &domain->hubs[i].info.address;

        if (address->type == SVIRT_ADDRESS_USB && address->usb_port != NULL) {
            take_port(hubs, address);
            add_hub(hubs, address->bus, address->usb_port, USB_HUB_PORTS);
        }
    }
    for (guint i = 0; i < devices->len; i++) {
        const SvirtDeviceInfo *info = devices->pdata[i];

        if (info->address.type == SVIRT_ADDRESS_USB &&
            info->address.usb_port != NULL) {
            take_port(hubs, &info->address);
        }
    }
}

static bool
place_hubs(SvirtDomain *domain, GArray *hubs, size_t needed, GError **error)
{
    SvirtXmlNode *node = svirt_xml_find(domain->document->root, "devices");
    size_t known = 0;

    add_missing_hubs(domain, hubs, needed);
    for (node = node != NULL ? node->first_child : NULL; node != NULL;
         node = node->next) {
        SvirtDeviceInfo added = { .node = node, .line = node->line };

        if (strcmp(node->name, "hub") != 0 || node->namespace_uri != NULL) {
            continue;
        }
        if (!place_port(domain, hubs,
                        known < domain->hub_count ? &domain->hubs[known].info
                                                  : &added,
                        true, error)) {
            return false;
        }
        known++;
    }
    return true;
}

static bool
place_devices(SvirtDomain *domain, GArray *hubs, const GPtrArray *devices,
              GError **error)
{
    for (guint i = 0; i < devices->len; i++) {
        if (!place_port(domain, hubs, devices->pdata[i], false, error)) {
            return false;
        }
    }
    return true;
}

bool
svirt_hardware_place_usb(SvirtDomain *domain, GError **error)
{
    g_autoptr(GArray) hubs = g_array_new(FALSE, FALSE, sizeof(Hub));
    g_autoptr(GPtrArray) devices = g_ptr_array_new();

    for (size_t i = 0; i < domain->controller_count; i++) {
        const SvirtController *controller = &domain->controllers[i];

        if (controller->type == SVIRT_CONTROLLER_USB &&
            usb_ports(controller) > 0) {
            add_hub(hubs, (unsigned)controller->index, "",
                    usb_ports(controller));
        }
    }
    collect(domain, devices);
    take_given(domain, hubs, devices);
    return place_hubs(domain, hubs, devices->len, error) &&
           place_devices(domain, hubs, devices, error);
}
