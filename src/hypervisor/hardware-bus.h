/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "domain/domain.h"

/*
 * The PCI buses of a guest and what may sit on them, as libvirt sees it
 * (src/conf/domain_addr.c of libvirt 9.0 is the behaviour compared with).
 */

/* What a device wants to connect to, and what a bus offers. */
#define SVIRT_PCI_DEVICE 1u
#define SVIRT_PCI_EXPRESS 2u
#define SVIRT_PCI_BRIDGE 4u
#define SVIRT_PCI_ROOT_PORT 8u
#define SVIRT_PCI_UPSTREAM 16u
#define SVIRT_PCI_DOWNSTREAM 32u
#define SVIRT_PCI_DMI 64u
#define SVIRT_PCI_TO_PCI 128u
#define SVIRT_PCI_TYPES 255u
#define SVIRT_PCI_HOTPLUG 256u
#define SVIRT_PCI_AGGREGATE 512u /* several share a slot */

#define SVIRT_PCI_BUSES 256u
#define SVIRT_PCI_SLOTS 32u

typedef struct SvirtPciBus {
    SvirtControllerModel model; /* UNSET: not there */
    unsigned flags;
    uint8_t min_slot;
    uint8_t max_slot;
    uint8_t functions[SVIRT_PCI_SLOTS]; /* taken ones, a bit each */
    uint32_t aggregate;                 /* slots whose devices share them */
} SvirtPciBus;

typedef struct SvirtPciBuses {
    SvirtPciBus bus[SVIRT_PCI_BUSES];
    unsigned count;
    bool grow; /* a bus that is missing may be added */
} SvirtPciBuses;

void svirt_pci_bus_set(SvirtPciBus *bus, SvirtControllerModel model);
/* What a controller of that model connects to. */
unsigned svirt_pci_model_connects(SvirtControllerModel model);

static inline bool
svirt_pci_slot_is_free(const SvirtPciBuses *buses, unsigned slot)
{
    return buses->bus[0].functions[slot] == 0;
}

/* Takes a place; false: it is taken. */
bool svirt_pci_take(SvirtPciBuses *buses, const SvirtAddress *address,
                    unsigned flags);
/*
 * The first place for a device, on a new bus where there is none; `function`
 * -1: any. False: there is none.
 */
bool svirt_pci_find(SvirtPciBuses *buses, unsigned flags, int function,
                    SvirtAddress *ret);
/* Buses up to `last`, as a device with these flags needs them. */
bool svirt_pci_grow(SvirtPciBuses *buses, unsigned flags, unsigned *last);
