/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hypervisor/qemu-private.h"

#include "base/error.h"

/* Slots that the machine itself fills: 440FX host, PIIX3; ICH9 at 0x1f. */
#define PC_RESERVED 0x00000003u
#define Q35_RESERVED 0x80000001u
/* Slot 1 of q35 and 2 of pc are where guests look for the first display. */
#define PC_DISPLAY_SLOT 2u
#define Q35_DISPLAY_SLOT 1u

/* libvirt adds what an address needs; behind a root port slot 0 alone. */
static void
plan_bus(SvirtQemuBuilder *builder, const SvirtAddress *address)
{
    if (!builder->pcie || address->slot == 0) {
        svirt_qemu_plan_controller(
            builder, SVIRT_CONTROLLER_PCI,
            builder->pcie ? SVIRT_CONTROLLER_MODEL_PCIE_ROOT_PORT
                          : SVIRT_CONTROLLER_MODEL_PCI_BRIDGE,
            address->bus);
    }
}

static bool
reserve(SvirtQemuBuilder *builder, const SvirtDeviceInfo *info,
        const char *what, GError **error)
{
    const SvirtAddress *address = &info->address;
    uint32_t bit;

    if (address->type != SVIRT_ADDRESS_PCI) {
        return true;
    }
    if (address->domain == 0 && address->bus != 0) {
        plan_bus(builder, address);
        return true;
    }
    if (address->domain != 0 || address->slot >= SVIRT_QEMU_SLOTS) {
        return svirt_raise(error, SVIRT_ERROR_INVALID, NULL,
                           "use domain 0 and a slot below 0x20",
                           "PCI address of %s (line %u) does not exist", what,
                           address->line);
    }
    bit = 1u << address->slot;
    builder->slots |= bit;
    return true;
}

#define RESERVE_ALL(array, count, what)                                      \
    for (size_t i = 0; i < (count); i++) {                                   \
        if (!reserve(builder, &(array)[i].info, (what), error)) {            \
            return false;                                                    \
        }                                                                    \
    }

bool
svirt_qemu_reserve_slots(SvirtQemuBuilder *builder, GError **error)
{
    const SvirtDomain *domain = builder->input->domain;

    builder->slots = builder->pcie ? Q35_RESERVED : PC_RESERVED;
    if (domain->video_count > 0) {
        builder->slots |=
            1u << (builder->pcie ? Q35_DISPLAY_SLOT : PC_DISPLAY_SLOT);
    }
    RESERVE_ALL(domain->disks, domain->disk_count, "a disk");
    RESERVE_ALL(domain->controllers, domain->controller_count,
                "a controller");
    RESERVE_ALL(domain->interfaces, domain->interface_count, "an interface");
    RESERVE_ALL(domain->videos, domain->video_count, "a video device");
    RESERVE_ALL(domain->rngs, domain->rng_count, "an rng");
    RESERVE_ALL(domain->inputs, domain->input_count, "an input");
    RESERVE_ALL(domain->panics, domain->panic_count, "a panic device");
    RESERVE_ALL(domain->sounds, domain->sound_count, "a sound device");
    RESERVE_ALL(domain->watchdogs, domain->watchdog_count, "a watchdog");
    return reserve(builder, &domain->balloon.info, "the balloon", error);
}

static bool
place_anywhere(SvirtQemuBuilder *builder, json_t *device, const char *what,
               GError **error)
{
    for (unsigned slot = 1; slot < SVIRT_QEMU_SLOTS; slot++) {
        if ((builder->slots & (1u << slot)) == 0) {
            g_autofree char *addr = g_strdup_printf("0x%x", slot);

            builder->slots |= 1u << slot;
            json_object_set_new(
                device, "bus",
                json_string(builder->pcie ? "pcie.0" : "pci.0"));
            json_object_set_new(device, "addr", json_string(addr));
            return true;
        }
    }
    return svirt_raise(error, SVIRT_ERROR_UNSUPPORTED, NULL,
                       "give it a PCI address on a further bridge or "
                       "root port",
                       "no free PCI slot is left for %s", what);
}

static bool
check_bus(SvirtQemuBuilder *builder, const SvirtAddress *address,
          const char *what, GError **error)
{
    g_autofree char *hint = NULL;

    if (address->bus == 0 ||
        svirt_qemu_controller(builder, SVIRT_CONTROLLER_PCI, address->bus) !=
            NULL) {
        return true;
    }
    hint = g_strdup_printf("add <controller type='pci' index='%u' "
                           "model='%s'/>",
                           address->bus,
                           builder->pcie ? "pcie-root-port" : "pci-bridge");
    return svirt_raise(error, SVIRT_ERROR_INVALID, NULL, hint,
                       "line %u: there is no PCI bus 0x%02x for %s",
                       address->line, address->bus, what);
}

bool
svirt_qemu_place_pci(SvirtQemuBuilder *builder, json_t *device,
                     const SvirtDeviceInfo *info, const char *what,
                     GError **error)
{
    const SvirtAddress *address = info != NULL ? &info->address : NULL;
    g_autofree char *bus = NULL;
    g_autofree char *addr = NULL;

    if (address == NULL || address->type != SVIRT_ADDRESS_PCI) {
        return place_anywhere(builder, device, what, error);
    }
    if (!check_bus(builder, address, what, error)) {
        return false;
    }
    if (address->bus == 0) {
        bus = g_strdup(builder->pcie ? "pcie.0" : "pci.0");
    } else {
        bus = g_strdup_printf("pci.%u", address->bus);
    }
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
    unsigned index =
        address->type == SVIRT_ADDRESS_USB ? address->bus : 0;
    const SvirtController *controller =
        svirt_qemu_controller(builder, SVIRT_CONTROLLER_USB, index);
    g_autofree char *bus =
        index == 0 ? g_strdup("usb.0") : g_strdup_printf("usb%u.0", index);

    if (controller == NULL ||
        controller->model == SVIRT_CONTROLLER_MODEL_USB_NONE) {
        return svirt_raise(error, SVIRT_ERROR_INVALID, NULL,
                           "remove <controller type='usb' model='none'/>",
                           "line %u: there is no USB bus %u for %s",
                           info->line, index, what);
    }
    json_object_set_new(device, "bus", json_string(bus));
    if (address->type == SVIRT_ADDRESS_USB && address->usb_port != NULL) {
        json_object_set_new(device, "port", json_string(address->usb_port));
    }
    return true;
}
