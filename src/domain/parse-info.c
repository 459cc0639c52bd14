/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain/parse.h"

#include <limits.h>
#include <string.h>

#include "domain/obstacle.h"

/* QEMU's usb-hub; and USB 2.0, 4.1.1, as libvirt has it. */
#define USB_HUB_PORTS 8u
#define USB_DEPTH 4u

static unsigned
read_part(SvirtReader *reader, SvirtXmlNode *node, const char *name,
          unsigned max)
{
    return (unsigned)svirt_reader_number(reader, node, name, 0, max, 0);
}

static void
read_pci(SvirtReader *reader, SvirtXmlNode *node, SvirtAddress *address)
{
    address->domain = read_part(reader, node, "domain", 0xffff);
    address->bus = read_part(reader, node, "bus", 0xff);
    address->slot = read_part(reader, node, "slot", 0x1f);
    address->function = read_part(reader, node, "function", 7);
    address->multifunction =
        svirt_reader_on_off(reader, node, "multifunction", false);
}

static unsigned
dots(const char *text)
{
    unsigned count = 0;

    for (; *text != '\0'; text++) {
        count += *text == '.';
    }
    return count;
}

static void
read_usb(SvirtReader *reader, SvirtXmlNode *node, SvirtAddress *address)
{
    const char *port = svirt_reader_attribute(reader, node, "port");

    address->bus = read_part(reader, node, "bus", 0xffff);
    if (port == NULL) {
        return;
    }
    if (strlen(port) > 15 || strspn(port, "0123456789.") != strlen(port) ||
        !g_ascii_isdigit(port[0])) {
        svirt_reader_fail(reader, node->line, SVIRT_ERROR_INVALID, NULL,
                          "port='%.80s' of <address> is not a USB port", port);
        return;
    }
    if (g_strrstr(port, ".") != NULL &&
        (g_ascii_strtoull(g_strrstr(port, ".") + 1, NULL, 10) - 1 >=
             USB_HUB_PORTS ||
         dots(port) >= USB_DEPTH)) {
        svirt_reader_fail(reader, node->line, SVIRT_ERROR_INVALID,
                          "a hub has 8 ports, and at most 3 stand in a row",
                          "port='%.80s' of <address> cannot be on a hub",
                          port);
        return;
    }
    address->usb_port = port;
    address->port = (unsigned)g_ascii_strtoull(port, NULL, 10);
}

static void
read_by_type(SvirtReader *reader, SvirtXmlNode *node, SvirtAddress *address)
{
    switch (address->type) {
    case SVIRT_ADDRESS_PCI:
        read_pci(reader, node, address);
        break;
    case SVIRT_ADDRESS_DRIVE:
        address->controller = read_part(reader, node, "controller", 0xff);
        address->bus = read_part(reader, node, "bus", 0xff);
        address->target = read_part(reader, node, "target", 0xff);
        address->unit = read_part(reader, node, "unit", 0x3fff);
        break;
    case SVIRT_ADDRESS_USB:
        read_usb(reader, node, address);
        break;
    case SVIRT_ADDRESS_VIRTIO_SERIAL:
        address->controller = read_part(reader, node, "controller", 0xff);
        address->bus = read_part(reader, node, "bus", 0xff);
        address->port = read_part(reader, node, "port", 0xff);
        break;
    case SVIRT_ADDRESS_ISA:
        address->iobase = read_part(reader, node, "iobase", 0xffff);
        address->irq = read_part(reader, node, "irq", 0xff);
        break;
    case SVIRT_ADDRESS_UNSET:
    case SVIRT_ADDRESS_MAX:
        break;
    }
}

static void
parse_address(SvirtReader *reader, SvirtXmlNode *node, SvirtAddress *address)
{
    const char *type = svirt_reader_required(reader, node, "type");

    if (reader->error != NULL) {
        node->unread = true;
        return;
    }
    if (!svirt_address_type_from_string(type, &address->type)) {
        svirt_reader_bad_word(reader, node, "type", type);
        return;
    }
    address->line = node->line;
    if (node->attribute_count == 1) {
        /* libvirt: "an address of this type, you choose which". */
        address->type = SVIRT_ADDRESS_UNSET;
        return;
    }
    read_by_type(reader, node, address);
}

/* Alias and place in the order of boot. */
static void
parse_common(SvirtReader *reader, SvirtXmlNode *node, size_t ordinal,
             SvirtDeviceInfo *info)
{
    SvirtXmlNode *alias = svirt_reader_child(reader, node, "alias");
    SvirtXmlNode *boot = svirt_reader_child(reader, node, "boot");

    info->node = node;
    info->line = node->line;
    info->ordinal = (unsigned)ordinal;
    if (alias != NULL) {
        info->alias = svirt_reader_word(reader, alias, "name");
    }
    if (boot != NULL) {
        (void)svirt_reader_required(reader, boot, "order"); /* error is kept */
        info->boot_order =
            (unsigned)svirt_reader_number(reader, boot, "order", 1, INT_MAX, 0);
    }
}

void
svirt_parse_info(SvirtReader *reader, SvirtXmlNode *node, size_t ordinal,
                 SvirtDeviceInfo *info)
{
    SvirtXmlNode *address = svirt_reader_child(reader, node, "address");

    parse_common(reader, node, ordinal, info);
    if (address != NULL) {
        parse_address(reader, address, &info->address);
    }
}

void
svirt_parse_withheld_info(SvirtReader *reader, SvirtXmlNode *node,
                          size_t ordinal, SvirtDeviceInfo *info)
{
    SvirtXmlNode *address = svirt_reader_child(reader, node, "address");
    const char *type =
        address != NULL ? svirt_xml_get(address, "type") : NULL;

    parse_common(reader, node, ordinal, info);
    if (g_strcmp0(type, "dimm") == 0) {
        svirt_shape_read(reader, address, "@type! @slot=# @base=#");
    } else if (g_strcmp0(type, "ccid") == 0) {
        svirt_shape_read(reader, address, "@type! @controller=# @slot=#");
    } else if (g_strcmp0(type, "unassigned") == 0) {
        svirt_shape_read(reader, address, "@type!");
    } else if (address != NULL) {
        parse_address(reader, address, &info->address);
    }
}
