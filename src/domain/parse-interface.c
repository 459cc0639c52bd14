/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain/parse.h"

#include <string.h>

#define DEVICE_NAME_MAX 15u /* IFNAMSIZ without its NUL */

static bool
parse_mac(const char *text, uint8_t mac[6])
{
    if (strlen(text) != 17) {
        return false;
    }
    for (size_t i = 0; i < 6; i++) {
        int high = g_ascii_xdigit_value(text[3 * i]);
        int low = g_ascii_xdigit_value(text[3 * i + 1]);

        if (high < 0 || low < 0 || (i < 5 && text[3 * i + 2] != ':')) {
            return false;
        }
        mac[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

static void
parse_interface_mac(SvirtReader *reader, SvirtXmlNode *node,
                    SvirtInterface *interface)
{
    SvirtXmlNode *mac = svirt_reader_child(reader, node, "mac");
    const char *text;

    if (mac == NULL) {
        return;
    }
    text = svirt_reader_required(reader, mac, "address");
    if (reader->error != NULL) {
        return;
    }
    interface->mac_given = parse_mac(text, interface->mac);
    if (!interface->mac_given) {
        svirt_reader_fail(reader, mac->line, SVIRT_ERROR_INVALID,
                          "write it as 52:54:00:12:34:56",
                          "'%.80s' is no MAC address", text);
    } else if ((interface->mac[0] & 1) != 0) {
        svirt_reader_fail(reader, mac->line, SVIRT_ERROR_INVALID,
                          "make the first byte even",
                          "MAC address '%s' is a multicast address", text);
    }
}

static void
parse_link(SvirtReader *reader, SvirtXmlNode *node, SvirtInterface *interface)
{
    SvirtXmlNode *link = svirt_reader_child(reader, node, "link");
    const char *state;

    if (link == NULL) {
        return;
    }
    state = svirt_reader_required(reader, link, "state");
    interface->link_down = strcmp(state, "down") == 0;
    if (reader->error == NULL && !interface->link_down &&
        strcmp(state, "up") != 0) {
        svirt_reader_bad_word(reader, link, "state", state);
    }
}

/*
 * As the kernel has it (dev_valid_name), and no '%': it would be taken for a
 * pattern. "" where there is none.
 */
static const char *
read_device(SvirtReader *reader, SvirtXmlNode *node, const char *name)
{
    const char *text = svirt_reader_required(reader, node, name);
    size_t length = strlen(text);

    if (reader->error == NULL &&
        (length > DEVICE_NAME_MAX || strpbrk(text, "/:% \t\n") != NULL ||
         text[0] == '.')) {
        svirt_reader_fail(reader, node->line, SVIRT_ERROR_INVALID,
                          "at most 15 bytes, without blank, '/', ':' and '%'",
                          "'%.80s' is no name of a network device", text);
    }
    return text;
}

static void
parse_source(SvirtReader *reader, SvirtXmlNode *node,
             SvirtInterface *interface)
{
    static const char *const names[SVIRT_INTERFACE_TYPE_MAX] = {
        [SVIRT_INTERFACE_NETWORK] = "network",
        [SVIRT_INTERFACE_BRIDGE] = "bridge",
        [SVIRT_INTERFACE_DIRECT] = "dev",
    };
    const char *name = names[interface->type];
    SvirtXmlNode *source;

    if (name == NULL) {
        return;
    }
    source = svirt_reader_child(reader, node, "source");
    if (source == NULL) {
        svirt_reader_fail(reader, node->line, SVIRT_ERROR_INVALID,
                          "add <source>, which says which",
                          "<interface type='%s'> has no <source>",
                          svirt_interface_type_to_string(interface->type));
        return;
    }
    interface->source_line = source->line;
    if (interface->type != SVIRT_INTERFACE_NETWORK) {
        interface->source = read_device(reader, source, name);
        interface->mode = SVIRT_INTERFACE_MODE_VEPA;
        if (interface->type == SVIRT_INTERFACE_DIRECT) {
            SVIRT_READ_ENUM(reader, source, "mode", svirt_interface_mode,
                            &interface->mode);
        }
        return;
    }
    /* What libvirt found out at a start of its own. */
    (void)svirt_reader_attribute(reader, source, "portid");
    (void)svirt_reader_attribute(reader, source, "bridge");
    interface->source = svirt_reader_required(reader, source, name);
    if (reader->error == NULL) {
        GError *cause = NULL;

        /* It becomes the name of a file. */
        if (!svirt_domain_validate_name(interface->source, &cause)) {
            svirt_reader_take(reader, source->line, cause);
        }
    }
}

static void
parse_target(SvirtReader *reader, SvirtXmlNode *node,
             SvirtInterface *interface)
{
    SvirtXmlNode *target = svirt_reader_child(reader, node, "target");

    if (target != NULL) {
        interface->target = read_device(reader, target, "dev");
        interface->target_exists =
            interface->type == SVIRT_INTERFACE_ETHERNET &&
            !svirt_reader_yes_no(reader, target, "managed", true);
    }
}

/* Which is ignored, when it is right: a rule says so. */
static void
check_queue_size(SvirtReader *reader, SvirtXmlNode *driver, const char *name)
{
    const char *text = svirt_xml_get(driver, name);
    guint64 size;

    if (text != NULL &&
        (!g_ascii_string_to_unsigned(text, 10, 64, 1024, &size, NULL) ||
         (size & (size - 1)) != 0)) {
        svirt_reader_fail(reader, driver->line, SVIRT_ERROR_INVALID,
                          "use 256, 512 or 1024",
                          "%s='%.80s' of <driver> is no power of two up to "
                          "1024",
                          name, text);
    }
}

static void
check_queues(SvirtReader *reader, SvirtXmlNode *driver)
{
    const char *count = driver != NULL ? svirt_xml_get(driver, "queues") : NULL;

    if (count != NULL &&
        !g_ascii_string_to_unsigned(count, 10, 1, SVIRT_INTERFACE_QUEUES_MAX,
                                    NULL, NULL)) {
        svirt_reader_fail(reader, driver->line, SVIRT_ERROR_INVALID, NULL,
                          "queues='%.80s' of <driver> is not a number from 1 "
                          "to %u",
                          count, SVIRT_INTERFACE_QUEUES_MAX);
    }
    if (driver != NULL) {
        check_queue_size(reader, driver, "rx_queue_size");
        check_queue_size(reader, driver, "tx_queue_size");
    }
}

static void
parse_driver(SvirtReader *reader, SvirtXmlNode *node,
             SvirtInterface *interface)
{
    SvirtXmlNode *driver = svirt_reader_child(reader, node, "driver");

    if (driver == NULL) {
        return;
    }
    SVIRT_READ_ENUM(reader, driver, "name", svirt_interface_driver,
                    &interface->driver);
    interface->queues = (unsigned)svirt_reader_number(
        reader, driver, "queues", 1, SVIRT_INTERFACE_QUEUES_MAX, 1);
    check_queues(reader, driver);
}

/* What a device of the host's has, and passt has not. */
static void
parse_tap(SvirtReader *reader, SvirtXmlNode *node, SvirtInterface *interface)
{
    SvirtXmlNode *port = svirt_reader_child(reader, node, "port");

    parse_source(reader, node, interface);
    (void)svirt_reader_part(reader);
    parse_target(reader, node, interface);
    (void)svirt_reader_part(reader);
    parse_driver(reader, node, interface);
    (void)svirt_reader_part(reader);
    if (port == NULL) {
        return;
    }
    interface->isolated = svirt_reader_yes_no(reader, port, "isolated", false);
    if (interface->isolated &&
        (interface->type == SVIRT_INTERFACE_ETHERNET ||
         interface->type == SVIRT_INTERFACE_DIRECT)) {
        svirt_reader_fail(reader, port->line, SVIRT_ERROR_INVALID,
                          "use <interface type='bridge'>, or mode='private'",
                          "<port isolated> is a bridge's, and "
                          "<interface type='%s'> names none",
                          svirt_interface_type_to_string(interface->type));
    }
}

static void
parse_backend(SvirtReader *reader, SvirtXmlNode *node)
{
    SvirtXmlNode *backend = svirt_reader_child(reader, node, "backend");
    const char *type =
        backend != NULL ? svirt_reader_attribute(reader, backend, "type")
                        : NULL;

    /* Both mean passt here; "default" is QEMU's own stack in libvirt. */
    if (type != NULL && strcmp(type, "passt") != 0 &&
        strcmp(type, "default") != 0) {
        svirt_reader_bad_word(reader, backend, "type", type);
    }
}

void
svirt_parse_interface(SvirtReader *reader, SvirtXmlNode *node, size_t ordinal,
                      SvirtInterface *interface)
{
    SvirtXmlNode *model = svirt_reader_child(reader, node, "model");
    SvirtXmlNode *mtu = svirt_reader_child(reader, node, "mtu");
    bool typed;

    svirt_parse_info(reader, node, ordinal, &interface->info);
    interface->queues = 1;
    (void)svirt_reader_required(reader, node, "type"); /* error is kept */
    SVIRT_READ_ENUM(reader, node, "type", svirt_interface_type,
                    &interface->type);
    typed = svirt_reader_part(reader);
    parse_interface_mac(reader, node, interface);
    (void)svirt_reader_part(reader);
    parse_link(reader, node, interface);
    (void)svirt_reader_part(reader);
    if (model != NULL) {
        interface->model = svirt_reader_word(reader, model, "type");
    }
    (void)svirt_reader_part(reader);
    if (mtu != NULL) {
        interface->mtu =
            (unsigned)svirt_reader_number(reader, mtu, "size", 68, 65535, 0);
    }
    (void)svirt_reader_part(reader);
    if (interface->type == SVIRT_INTERFACE_USER) {
        parse_backend(reader, node);
        (void)svirt_reader_part(reader);
        check_queues(reader, svirt_xml_find(node, "driver"));
    } else if (typed) {
        parse_tap(reader, node, interface);
    }
}
