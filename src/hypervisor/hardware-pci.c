/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hypervisor/hardware-private.h"

#include <string.h>

#include "base/error.h"
#include "hypervisor/hardware-bus.h"
#include "hypervisor/hardware-pci.h"

/*
 * Addresses are given twice: first with buses that grow as they are needed,
 * then, with these buses there and placed, for good. That is libvirt's way,
 * and what makes the numbers of buses and addresses the same.
 */

typedef struct Placer {
    SvirtDomain *domain;
    GArray *devices; /* of SvirtPciDevice, in the order of their turn */
    SvirtPciBuses *buses;
    bool dry; /* the first time: nothing is kept */
} Placer;

static bool
no_place(const SvirtPciDevice *device, GError **error)
{
    return svirt_raise(error, SVIRT_ERROR_UNSUPPORTED, NULL,
                       "add a <controller type='pci'>, or give it an address",
                       "line %u: no PCI slot is left for %s", device->line,
                       device->what);
}

/* What one finds where libvirt and real boards have it, or anywhere. */
static bool
give(Placer *placer, SvirtPciDevice *device, const SvirtAddress *wanted,
     int function, GError **error)
{
    SvirtAddress address = { .type = SVIRT_ADDRESS_PCI };

    if (wanted != NULL) {
        address = *wanted;
        address.type = SVIRT_ADDRESS_PCI;
    } else if (!svirt_pci_find(placer->buses, device->flags, function,
                               &address)) {
        return no_place(device, error);
    }
    (void)svirt_pci_take(placer->buses, &address, device->flags);
    device->address = address;
    return true;
}

static bool
is_wanted(const SvirtPciDevice *device)
{
    return device->address.type != SVIRT_ADDRESS_PCI;
}

static bool
take_given(Placer *placer, const SvirtPciDevice *device, GError **error)
{
    const SvirtAddress *address = &device->address;
    SvirtPciBuses *buses = placer->buses;
    unsigned bus = address->bus;
    const SvirtPciBus *on;

    if (address->domain == 0 && bus < SVIRT_PCI_BUSES &&
        (address->slot == 0 || !svirt_hardware_is_pcie(placer->domain))) {
        unsigned last = bus;

        (void)svirt_pci_grow(buses,
                             address->slot == 0 ? SVIRT_PCI_EXPRESS
                                                : SVIRT_PCI_DEVICE,
                             &last);
    }
    on = bus < buses->count ? &buses->bus[bus] : NULL;
    if (address->domain != 0 || on == NULL || address->slot < on->min_slot ||
        address->slot > on->max_slot) {
        return svirt_raise(error, SVIRT_ERROR_INVALID, NULL,
                           "use domain 0, a bus with a controller and one of "
                           "its slots",
                           "line %u: PCI address %04x:%02x:%02x.%x of %s does "
                           "not exist",
                           address->line, address->domain, bus, address->slot,
                           address->function, device->what);
    }
    if (device->only && device->fixed != NULL &&
        (bus != 0 || address->slot != device->fixed->slot ||
         address->function != device->fixed->function)) {
        return svirt_raise(error, SVIRT_ERROR_INVALID, NULL,
                           "remove <address>",
                           "line %u: the machine has %s at PCI address "
                           "0000:00:%02x.%x, and nowhere else",
                           address->line, device->what, device->fixed->slot,
                           device->fixed->function);
    }
    if (!svirt_pci_take(buses, address, device->flags)) {
        return svirt_raise(error, SVIRT_ERROR_INVALID, NULL,
                           "remove <address>, or give it another",
                           "line %u: PCI address %04x:%02x:%02x.%x of %s is "
                           "taken",
                           address->line, address->domain, bus, address->slot,
                           address->function, device->what);
    }
    return true;
}

static bool
reserve_given(Placer *placer, GError **error)
{
    for (guint i = 0; i < placer->devices->len; i++) {
        const SvirtPciDevice *device =
            &g_array_index(placer->devices, SvirtPciDevice, i);

        if (!is_wanted(device) && !take_given(placer, device, error)) {
            return false;
        }
    }
    return true;
}

/* The slot of the other parts of an EHCI with its companions. */
static const SvirtAddress *
usb2_slot(const Placer *placer, const SvirtPciDevice *device)
{
    for (guint i = 0; i < placer->devices->len; i++) {
        const SvirtPciDevice *other =
            &g_array_index(placer->devices, SvirtPciDevice, i);

        if (other->usb2 >= 0 && other->index == device->index &&
            !is_wanted(other)) {
            return &other->address;
        }
    }
    return NULL;
}

static bool
give_usb2(Placer *placer, SvirtPciDevice *device, GError **error)
{
    const SvirtAddress *slot = usb2_slot(placer, device);
    SvirtAddress address;

    if (slot == NULL) {
        return give(placer, device, NULL, device->usb2, error);
    }
    address = *slot;
    address.function = (unsigned)device->usb2;
    address.multifunction = false;
    return give(placer, device, &address, 0, error);
}

/* What is fixed to a board, where it is not given otherwise. */
static bool
give_fixed(Placer *placer, GError **error)
{
    for (guint i = 0; i < placer->devices->len; i++) {
        SvirtPciDevice *device =
            &g_array_index(placer->devices, SvirtPciDevice, i);
        const SvirtAddress *fixed = device->fixed;

        for (; is_wanted(device) && fixed != NULL &&
               fixed->type != SVIRT_ADDRESS_UNSET;
             fixed++) {
            if ((device->only ||
                 svirt_pci_slot_is_free(placer->buses, fixed->slot)) &&
                !give(placer, device, fixed, 0, error)) {
                return false;
            }
        }
    }
    return true;
}

static bool
give_rest(Placer *placer, GError **error)
{
    for (guint i = 0; i < placer->devices->len; i++) {
        SvirtPciDevice *device =
            &g_array_index(placer->devices, SvirtPciDevice, i);

        if (!is_wanted(device)) {
            continue;
        }
        if (!(device->usb2 >= 0 ? give_usb2(placer, device, error)
                                : give(placer, device, NULL, -1, error))) {
            return false;
        }
    }
    return true;
}

static void
set_buses(SvirtPciBuses *buses, const SvirtDomain *domain)
{
    for (size_t i = 0; i < domain->controller_count; i++) {
        const SvirtController *controller = &domain->controllers[i];

        if (controller->type == SVIRT_CONTROLLER_PCI &&
            controller->index < (int)SVIRT_PCI_BUSES) {
            svirt_pci_bus_set(&buses->bus[controller->index],
                              controller->model);
            buses->count =
                MAX(buses->count, (unsigned)controller->index + 1);
        }
    }
    for (unsigned i = 1; i < buses->count; i++) {
        if (buses->bus[i].model == SVIRT_CONTROLLER_MODEL_UNSET) {
            svirt_pci_bus_set(&buses->bus[i],
                              svirt_hardware_is_pcie(domain)
                                  ? SVIRT_CONTROLLER_MODEL_PCIE_ROOT_PORT
                                  : SVIRT_CONTROLLER_MODEL_PCI_BRIDGE);
        }
    }
}

/* The buses that the first time showed to be missing, each with a place. */
static bool
add_buses(Placer *placer, GError **error)
{
    SvirtPciBuses *buses = placer->buses;

    for (unsigned i = 1; i < buses->count; i++) {
        SvirtPciDevice bus = { .what = "a PCI controller" };

        if (svirt_hardware_controller(placer->domain, SVIRT_CONTROLLER_PCI,
                                      i) != NULL) {
            continue;
        }
        bus.flags = svirt_pci_model_connects(buses->bus[i].model);
        if (!give(placer, &bus, NULL, -1, error)) {
            return false;
        }
    }
    for (unsigned i = 1; i < buses->count; i++) {
        if (svirt_hardware_controller(placer->domain, SVIRT_CONTROLLER_PCI,
                                      i) == NULL) {
            SvirtPciDevice bus = {
                .node = svirt_hardware_add_controller(
                    placer->domain, SVIRT_CONTROLLER_PCI, i,
                    svirt_controller_model_to_string(buses->bus[i].model)),
                .what = "a PCI controller",
                .flags = svirt_pci_model_connects(buses->bus[i].model),
                .usb2 = -1,
                .controller = buses->bus[i].model,
                .index = (int)i,
            };

            svirt_pci_devices_insert(placer->devices, &bus);
        }
    }
    return true;
}

/* One that only the first time counts. */
static bool
leave_room(Placer *placer, unsigned flags, GError **error)
{
    SvirtPciDevice spare = { .what = "another bus",
                             .flags = flags | SVIRT_PCI_HOTPLUG };

    return give(placer, &spare, NULL, -1, error);
}

static bool
has_free_slot(const SvirtPciBuses *buses)
{
    for (unsigned i = 0; i < buses->count; i++) {
        for (unsigned j = buses->bus[i].min_slot; j <= buses->bus[i].max_slot;
             j++) {
            if (buses->bus[i].functions[j] == 0) {
                return true;
            }
        }
    }
    return false;
}

static bool
place_all(Placer *placer, GError **error)
{
    bool pcie = svirt_hardware_is_pcie(placer->domain);
    const SvirtAddress *board = svirt_pci_board(placer->domain);

    if (!reserve_given(placer, error)) {
        return false;
    }
    for (; board->type != SVIRT_ADDRESS_UNSET; board++) {
        (void)svirt_pci_take(placer->buses, board, 0);
    }
    return give_fixed(placer, error) &&
           /* libvirt counts a slot for a bridge that may come. */
           (!placer->dry || pcie || !has_free_slot(placer->buses) ||
            leave_room(placer, SVIRT_PCI_DEVICE, error)) &&
           give_rest(placer, error);
}

static void
empty_buses(SvirtPciBuses *buses)
{
    for (unsigned i = 0; i < buses->count; i++) {
        memset(buses->bus[i].functions, 0, sizeof(buses->bus[i].functions));
        buses->bus[i].aggregate = 0;
    }
    buses->grow = false;
}

/* IDE is on the board of every PC. */
static bool
check_none(const GArray *devices, GError **error)
{
    for (guint i = 0; i < devices->len; i++) {
        const SvirtPciDevice *device =
            &g_array_index(devices, SvirtPciDevice, i);

        if (!device->only) {
            return svirt_raise(error, SVIRT_ERROR_INVALID, NULL,
                               "use machine='pc' or machine='q35'",
                               "line %u: this machine has no PCI bus for %s",
                               device->line, device->what);
        }
    }
    return true;
}

bool
svirt_hardware_place_pci(SvirtDomain *domain, GError **error)
{
    g_autofree SvirtPciBuses *buses = g_new0(SvirtPciBuses, 1);
    g_autoptr(GArray) tried = svirt_pci_devices(domain);
    g_autoptr(GArray) devices = svirt_pci_devices(domain);
    Placer placer = { domain, tried, buses, true };
    unsigned before;

    if (!svirt_hardware_has_pci(domain)) {
        return check_none(tried, error);
    }
    set_buses(buses, domain);
    before = buses->count;
    buses->grow = true;
    if (!place_all(&placer, error) ||
        /* The root ports are all svirt's: one is for a device to come. */
        (svirt_hardware_is_pcie(domain) && before <= 1 &&
         buses->count > before &&
         !leave_room(&placer, SVIRT_PCI_EXPRESS, error))) {
        return false;
    }
    placer.devices = devices;
    if (!add_buses(&placer, error)) {
        return false;
    }
    empty_buses(buses);
    placer.dry = false;
    if (!place_all(&placer, error)) {
        return false;
    }
    svirt_pci_devices_write(domain, devices, buses);
    return true;
}
