/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hypervisor/hardware-bus.h"

/* A device that has or wants a PCI address. */
typedef struct SvirtPciDevice {
    SvirtXmlNode *node; /* borrowed */
    const char *what;
    unsigned line;
    unsigned flags;       /* SVIRT_PCI_*: what it connects to */
    SvirtAddress address; /* of type PCI: it has one */
    /* Where a board has it, tried in turn; ended by type UNSET. NULL: no
       such place. With `only`, nowhere else, among others in its slot. */
    const SvirtAddress *fixed;
    bool only;
    int usb2;     /* function in its controller's slot; -1 none */
    int index;    /* of a controller */
    SvirtControllerModel controller; /* of a PCI one, else UNSET */
} SvirtPciDevice;

/* In the order that libvirt places them in; to be unref'd. */
GArray *svirt_pci_devices(const SvirtDomain *domain);
/* A further PCI controller, behind those of its kind. */
void svirt_pci_devices_insert(GArray *devices, const SvirtPciDevice *bus);
/* What the machine has without a device, ended by type UNSET. */
const SvirtAddress *svirt_pci_board(const SvirtDomain *domain);
/* Addresses, and numbers of ports and chassis, into the tree. */
void svirt_pci_devices_write(SvirtDomain *domain, const GArray *devices,
                             const SvirtPciBuses *buses);
