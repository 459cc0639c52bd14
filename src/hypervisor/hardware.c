/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hypervisor/hardware.h"

#include <string.h>

#include "base/error.h"
#include "hypervisor/hardware-private.h"

bool
svirt_hardware_is_pcie(const SvirtDomain *domain)
{
    return domain->os.machine != NULL &&
           strstr(domain->os.machine, "q35") != NULL;
}

bool
svirt_hardware_has_pci(const SvirtDomain *domain)
{
    return g_strcmp0(domain->os.machine, "isapc") != 0;
}

bool
svirt_hardware_is_assigned(const SvirtDomain *domain)
{
    bool placed =
        !svirt_hardware_has_pci(domain) ||
        svirt_hardware_controller(domain, SVIRT_CONTROLLER_PCI, 0) != NULL;

    for (size_t i = 0; placed && i < domain->disk_count; i++) {
        placed = domain->disks[i].info.address.type != SVIRT_ADDRESS_UNSET;
    }
    for (size_t i = 0; placed && i < domain->interface_count; i++) {
        placed =
            domain->interfaces[i].info.address.type != SVIRT_ADDRESS_UNSET;
    }
    return placed;
}

SvirtInputBus
svirt_hardware_input_bus(const SvirtInput *input)
{
    if (input->bus != SVIRT_INPUT_BUS_UNSET) {
        return input->bus;
    }
    return input->type == SVIRT_INPUT_TABLET ? SVIRT_INPUT_BUS_USB
                                             : SVIRT_INPUT_BUS_PS2;
}

const SvirtController *
svirt_hardware_controller(const SvirtDomain *domain, SvirtControllerType type,
                          unsigned index)
{
    for (size_t i = 0; i < domain->controller_count; i++) {
        const SvirtController *controller = &domain->controllers[i];

        if (controller->type == type && controller->index == (int)index &&
            controller->master_port < 0) {
            return controller;
        }
    }
    return NULL;
}

SvirtXmlNode *
svirt_hardware_address(SvirtDomain *domain, const SvirtDeviceInfo *info,
                       const char *type)
{
    SvirtXmlNode *address =
        svirt_xml_ensure(domain->document, info->node, "address");

    svirt_xml_set(domain->document, address, "type", "%s", type);
    return address;
}

SvirtXmlNode *
svirt_hardware_add_controller(SvirtDomain *domain, SvirtControllerType type,
                              unsigned index, const char *model)
{
    SvirtXmlDocument *document = domain->document;
    SvirtXmlNode *devices =
        svirt_xml_ensure(document, document->root, "devices");
    SvirtXmlNode *after = NULL;
    SvirtXmlNode *node;

    for (node = devices->first_child; node != NULL; node = node->next) {
        bool controller = strcmp(node->name, "controller") == 0;

        if (controller || strcmp(node->name, "emulator") == 0 ||
            (strcmp(node->name, "disk") == 0 &&
             (after == NULL || strcmp(after->name, "controller") != 0))) {
            after = node;
        }
    }
    node = svirt_xml_insert(document, devices, after, "controller", NULL);
    svirt_xml_set(document, node, "type", "%s",
                  svirt_controller_type_to_string(type));
    svirt_xml_set(document, node, "index", "%u", index);
    if (model != NULL) {
        svirt_xml_set(document, node, "model", "%s", model);
    }
    return node;
}

static void
set_machine(SvirtDomain *domain, const char *machine)
{
    SvirtXmlNode *os = svirt_xml_find(domain->document->root, "os");
    SvirtXmlNode *type = os != NULL ? svirt_xml_find(os, "type") : NULL;

    if (machine != NULL && type != NULL) {
        svirt_xml_set(domain->document, type, "machine", "%s", machine);
    }
}

bool
svirt_hardware_assign(SvirtDomain **domain, const char *machine,
                      GError **error)
{
    set_machine(*domain, machine);
    svirt_hardware_set_indexes(*domain);
    return svirt_domain_reread(domain, error) &&
           svirt_hardware_add_defaults(*domain, error) &&
           svirt_domain_reread(domain, error) &&
           svirt_hardware_place_ports(*domain, error) &&
           svirt_hardware_place_usb(*domain, error) &&
           svirt_hardware_place_pci(*domain, error) &&
           svirt_domain_reread(domain, error);
}
