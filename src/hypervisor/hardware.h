/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "domain/domain.h"

/*
 * The guest's hardware does not move: what a definition leaves open is
 * decided once, when it is defined, and written into it. Controllers, PCI,
 * USB, drive and virtio-serial addresses, serial ports and MACs are the ones
 * that libvirt's QEMU driver gives (src/qemu/qemu_domain_address.c of
 * libvirt 9.0 is the behaviour compared with); what a definition says itself
 * stays as it is. A definition that leaves nothing open is not changed.
 *
 * `machine` is the name that the definition's machine resolves to; NULL: it
 * is one already. *domain is replaced by what the completed text says. It has
 * its UUID. INVALID: two devices in one place, an address that does not
 * exist; UNSUPPORTED: no place is left.
 */
bool svirt_hardware_assign(SvirtDomain **domain, const char *machine,
                           GError **error);

/* Has svirt_hardware_assign been over it? What an svirt stored that had none
 * has no root bus, or devices without a place. */
bool svirt_hardware_is_assigned(const SvirtDomain *domain);

/* Its root bus is PCI Express. */
bool svirt_hardware_is_pcie(const SvirtDomain *domain);
/* Never UNSET: a tablet is on USB, the others on PS/2. */
SvirtInputBus svirt_hardware_input_bus(const SvirtInput *input);

/* The one of that type and index that is no companion; NULL none. */
const SvirtController *
svirt_hardware_controller(const SvirtDomain *domain, SvirtControllerType type,
                          unsigned index);
