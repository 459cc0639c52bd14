/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hypervisor/hardware.h"

/* Of a virtio-serial bus that does not say. */
#define SVIRT_HARDWARE_SERIAL_PORTS 31u

/* The stages of svirt_hardware_assign; each writes into the tree alone. */
void svirt_hardware_set_indexes(SvirtDomain *domain);
bool svirt_hardware_add_defaults(SvirtDomain *domain, GError **error);
bool svirt_hardware_place_drives(SvirtDomain *domain, GError **error);
bool svirt_hardware_place_ports(SvirtDomain *domain, GError **error);
bool svirt_hardware_place_usb(SvirtDomain *domain, GError **error);
bool svirt_hardware_place_pci(SvirtDomain *domain, GError **error);

/* Not so the oldest machine. */
bool svirt_hardware_has_pci(const SvirtDomain *domain);
/* A new one behind the last <controller>, or the last <disk>; model NULL. */
SvirtXmlNode *svirt_hardware_add_controller(SvirtDomain *domain,
                                            SvirtControllerType type,
                                            unsigned index, const char *model);
/* The <address> of a device, made where there is none. */
SvirtXmlNode *svirt_hardware_address(SvirtDomain *domain,
                                     const SvirtDeviceInfo *info,
                                     const char *type);
/* Controllers 0 to `last` of a type that devices need. */
void svirt_hardware_need(SvirtDomain *domain, SvirtControllerType type,
                         unsigned last);

/*
 * The disks of a bus in the order of their names, as libvirt keeps them; of
 * SvirtDisk *, borrowed. To be unref'd.
 */
GPtrArray *svirt_hardware_disks(const SvirtDomain *domain, SvirtDiskBus bus);
