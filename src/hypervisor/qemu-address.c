/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hypervisor/qemu-private.h"

#include "base/error.h"

/* Addresses as svirt_hardware_assign left them: every device has one. */

static bool
no_address(const SvirtDeviceInfo *info, const char *what, GError **error)
{
    return svirt_raise(error, SVIRT_ERROR_INVALID, NULL,
                       "define the domain again",
                       "line %u: %s has no address", info->line, what);
}

static bool
check_bus(SvirtQemuBuilder *builder, const SvirtAddress *address,
          const char *what, GError **error)
{
    if (address->bus == 0 ||
        svirt_hardware_controller(builder->input->domain,
                                  SVIRT_CONTROLLER_PCI,
                                  address->bus) != NULL) {
        return true;
    }
    return svirt_raise(error, SVIRT_ERROR_INVALID, NULL,
                       "define the domain again",
                       "line %u: there is no PCI bus 0x%02x for %s",
                       address->line, address->bus, what);
}

bool
svirt_qemu_place_pci(SvirtQemuBuilder *builder, json_t *device,
                     const SvirtDeviceInfo *info, const char *what,
                     GError **error)
{
    const SvirtAddress *address = &info->address;
    g_autofree char *bus = NULL;
    g_autofree char *addr = NULL;

    if (address->type != SVIRT_ADDRESS_PCI) {
        return no_address(info, what, error);
    }
    if (!check_bus(builder, address, what, error)) {
        return false;
    }
    bus = address->bus == 0
              ? g_strdup(builder->pcie ? "pcie.0" : "pci.0")
              : g_strdup_printf("pci.%u", address->bus);
    addr = g_strdup_printf("0x%x.0x%x", address->slot, address->function);
    json_object_set_new(device, "bus", json_string(bus));
    json_object_set_new(device, "addr", json_string(addr));
    if (address->multifunction) {
        json_object_set_new(device, "multifunction", json_true());
    }
    return true;
}

bool
svirt_qemu_place_usb(SvirtQemuBuilder *builder, json_t *device,
                     const SvirtDeviceInfo *info, const char *what,
                     GError **error)
{
    const SvirtAddress *address = &info->address;
    const SvirtController *controller = svirt_hardware_controller(
        builder->input->domain, SVIRT_CONTROLLER_USB, address->bus);
    g_autofree char *bus = address->bus == 0
                               ? g_strdup("usb.0")
                               : g_strdup_printf("usb%u.0", address->bus);

    if (address->type != SVIRT_ADDRESS_USB || address->usb_port == NULL) {
        return no_address(info, what, error);
    }
    if (controller == NULL ||
        controller->model == SVIRT_CONTROLLER_MODEL_USB_NONE) {
        return svirt_raise(error, SVIRT_ERROR_INVALID, NULL,
                           "add a <controller type='usb'> with this index",
                           "line %u: there is no USB bus %u for %s",
                           info->line, address->bus, what);
    }
    json_object_set_new(device, "bus", json_string(bus));
    json_object_set_new(device, "port", json_string(address->usb_port));
    return true;
}
