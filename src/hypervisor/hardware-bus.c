/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hypervisor/hardware-bus.h"

#define LAST_SLOT (SVIRT_PCI_SLOTS - 1)

void
svirt_pci_bus_set(SvirtPciBus *bus, SvirtControllerModel model)
{
    bus->model = model;
    bus->min_slot = 1;
    bus->max_slot = LAST_SLOT;
    switch (model) {
    case SVIRT_CONTROLLER_MODEL_PCI_ROOT:
    case SVIRT_CONTROLLER_MODEL_PCI_BRIDGE:
    case SVIRT_CONTROLLER_MODEL_PCIE_TO_PCI_BRIDGE:
        bus->flags = SVIRT_PCI_HOTPLUG | SVIRT_PCI_DEVICE | SVIRT_PCI_BRIDGE;
        break;
    case SVIRT_CONTROLLER_MODEL_PCIE_ROOT:
        bus->flags = SVIRT_PCI_EXPRESS | SVIRT_PCI_ROOT_PORT | SVIRT_PCI_DMI;
        break;
    case SVIRT_CONTROLLER_MODEL_DMI_TO_PCI_BRIDGE:
        bus->flags = SVIRT_PCI_DEVICE | SVIRT_PCI_BRIDGE;
        bus->min_slot = 0;
        break;
    case SVIRT_CONTROLLER_MODEL_PCIE_ROOT_PORT:
    case SVIRT_CONTROLLER_MODEL_PCIE_SWITCH_DOWNSTREAM_PORT:
        bus->flags = SVIRT_PCI_EXPRESS | SVIRT_PCI_UPSTREAM |
                     SVIRT_PCI_TO_PCI | SVIRT_PCI_HOTPLUG;
        bus->min_slot = 0;
        bus->max_slot = 0;
        break;
    case SVIRT_CONTROLLER_MODEL_PCIE_SWITCH_UPSTREAM_PORT:
        bus->flags = SVIRT_PCI_DOWNSTREAM;
        bus->min_slot = 0;
        break;
    default:
        bus->flags = 0;
        break;
    }
}

unsigned
svirt_pci_model_connects(SvirtControllerModel model)
{
    switch (model) {
    case SVIRT_CONTROLLER_MODEL_PCI_BRIDGE:
        return SVIRT_PCI_BRIDGE;
    case SVIRT_CONTROLLER_MODEL_DMI_TO_PCI_BRIDGE:
        return SVIRT_PCI_DMI;
    case SVIRT_CONTROLLER_MODEL_PCIE_TO_PCI_BRIDGE:
        return SVIRT_PCI_TO_PCI;
    case SVIRT_CONTROLLER_MODEL_PCIE_ROOT_PORT:
        return SVIRT_PCI_ROOT_PORT | SVIRT_PCI_AGGREGATE;
    case SVIRT_CONTROLLER_MODEL_PCIE_SWITCH_UPSTREAM_PORT:
        return SVIRT_PCI_UPSTREAM;
    case SVIRT_CONTROLLER_MODEL_PCIE_SWITCH_DOWNSTREAM_PORT:
        return SVIRT_PCI_DOWNSTREAM;
    default:
        return 0;
    }
}

bool
svirt_pci_take(SvirtPciBuses *buses, const SvirtAddress *address,
               unsigned flags)
{
    SvirtPciBus *bus = &buses->bus[address->bus];
    uint8_t *functions = &bus->functions[address->slot];
    uint8_t bit = (uint8_t)(1u << address->function);

    if ((*functions & bit) != 0) {
        return false;
    }
    if (*functions == 0 && (flags & SVIRT_PCI_AGGREGATE) != 0) {
        bus->aggregate |= 1u << address->slot;
    }
    *functions |= bit;
    return true;
}

static bool
find_on_bus(const SvirtPciBus *bus, unsigned flags, int function,
            SvirtAddress *ret)
{
    if ((flags & bus->flags & SVIRT_PCI_TYPES) == 0 ||
        (flags & ~bus->flags & SVIRT_PCI_HOTPLUG) != 0) {
        return false;
    }
    for (unsigned slot = bus->min_slot; slot <= bus->max_slot; slot++) {
        unsigned taken = bus->functions[slot];

        ret->slot = slot;
        ret->function = function < 0 ? 0 : (unsigned)function;
        if (taken == 0) {
            return true;
        }
        if ((flags & SVIRT_PCI_AGGREGATE) == 0 ||
            (bus->aggregate & 1u << slot) == 0) {
            continue;
        }
        for (unsigned i = 0; i < 8; i++) {
            if ((taken & 1u << i) == 0 &&
                (function < 0 || function == (int)i)) {
                ret->function = i;
                return true;
            }
        }
    }
    return false;
}

/* A guest with PCI Express has its PCI bridge behind a root port. */
static bool
takes_bridges(const SvirtPciBuses *buses)
{
    for (unsigned i = 0; i < buses->count; i++) {
        if ((buses->bus[i].flags & SVIRT_PCI_BRIDGE) != 0) {
            return true;
        }
    }
    return false;
}

bool
svirt_pci_grow(SvirtPciBuses *buses, unsigned flags, unsigned *last)
{
    SvirtControllerModel model = SVIRT_CONTROLLER_MODEL_PCI_BRIDGE;
    SvirtControllerModel first = SVIRT_CONTROLLER_MODEL_UNSET;

    if (*last < buses->count) {
        return true;
    }
    if ((flags & (SVIRT_PCI_DEVICE | SVIRT_PCI_BRIDGE)) != 0) {
        if (!takes_bridges(buses)) {
            first = SVIRT_CONTROLLER_MODEL_PCIE_ROOT_PORT;
            model = SVIRT_CONTROLLER_MODEL_PCIE_TO_PCI_BRIDGE;
            *last += *last == buses->count;
        }
    } else if ((flags & (SVIRT_PCI_EXPRESS | SVIRT_PCI_UPSTREAM |
                         SVIRT_PCI_TO_PCI)) != 0) {
        model = SVIRT_CONTROLLER_MODEL_PCIE_ROOT_PORT;
    } else {
        return false;
    }
    if (!buses->grow || *last >= SVIRT_PCI_BUSES) {
        return false;
    }
    for (; buses->count <= *last; buses->count++) {
        svirt_pci_bus_set(&buses->bus[buses->count],
                          first != SVIRT_CONTROLLER_MODEL_UNSET ? first
                                                                : model);
        first = SVIRT_CONTROLLER_MODEL_UNSET;
    }
    return true;
}

bool
svirt_pci_find(SvirtPciBuses *buses, unsigned flags, int function,
               SvirtAddress *ret)
{
    SvirtAddress found = { .type = SVIRT_ADDRESS_PCI };

    for (unsigned i = 0; i < buses->count; i++) {
        if (find_on_bus(&buses->bus[i], flags, function, &found)) {
            found.bus = i;
            *ret = found;
            return true;
        }
    }
    found.bus = buses->count;
    if (!svirt_pci_grow(buses, flags, &found.bus)) {
        return false;
    }
    found.slot = buses->bus[found.bus].min_slot;
    found.function = function < 0 ? 0 : (unsigned)function;
    *ret = found;
    return true;
}
