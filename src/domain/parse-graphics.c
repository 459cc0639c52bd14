/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain/obstacle.h"
#include "domain/parse-media.h"

#include <string.h>

SVIRT_ENUM_TABLE(SvirtGraphicsType, svirt_graphics_type,
                 SVIRT_GRAPHICS_TYPE_MAX, [SVIRT_GRAPHICS_VNC] = "vnc",
                 [SVIRT_GRAPHICS_SPICE] = "spice")

SVIRT_ENUM_TABLE(SvirtGraphicsListen, svirt_graphics_listen,
                 SVIRT_GRAPHICS_LISTEN_MAX,
                 [SVIRT_GRAPHICS_LISTEN_ADDRESS] = "address",
                 [SVIRT_GRAPHICS_LISTEN_SOCKET] = "socket",
                 [SVIRT_GRAPHICS_LISTEN_NONE] = "none")

/* VNC's authentication knows eight bytes (RFC 6143, 7.2.2). */
#define VNC_PASSWORD_MAX 8u
#define SPICE_PASSWORD_MAX 59u
#define LOCAL_ADDRESS "127.0.0.1"

/* -1 and 0 mean: whichever is free. */
static unsigned
read_port(SvirtReader *reader, SvirtXmlNode *node, const char *name)
{
    const char *text = svirt_reader_attribute(reader, node, name);

    if (text == NULL || strcmp(text, "-1") == 0) {
        return 0;
    }
    return (unsigned)svirt_reader_number(reader, node, name, 0, 65535, 0);
}

/* <listen> says what older attributes of <graphics> may repeat. */
static void
parse_listen(SvirtReader *reader, SvirtXmlNode *node, SvirtGraphics *graphics)
{
    SvirtXmlNode *listen = svirt_reader_child(reader, node, "listen");
    const char *old = svirt_reader_ip(reader, node, "listen");
    const char *type;

    graphics->listen_line = listen != NULL ? listen->line : node->line;
    graphics->address = old != NULL ? old : LOCAL_ADDRESS;
    if (svirt_reader_attribute(reader, node, "socket") != NULL) {
        graphics->listen = SVIRT_GRAPHICS_LISTEN_SOCKET;
        graphics->path = svirt_reader_path(reader, node, "socket");
    }
    if (listen == NULL) {
        return;
    }
    type = svirt_reader_required(reader, listen, "type");
    if (strcmp(type, "network") == 0) {
        svirt_reader_bad_word(reader, listen, "type", type);
        return;
    }
    SVIRT_READ_ENUM(reader, listen, "type", svirt_graphics_listen,
                    &graphics->listen);
    if (graphics->listen == SVIRT_GRAPHICS_LISTEN_ADDRESS) {
        const char *address = svirt_reader_ip(reader, listen, "address");

        graphics->address = address != NULL ? address : graphics->address;
    } else if (graphics->listen == SVIRT_GRAPHICS_LISTEN_SOCKET &&
               svirt_reader_attribute(reader, listen, "socket") != NULL) {
        graphics->path = svirt_reader_path(reader, listen, "socket");
    }
}

static void
parse_password(SvirtReader *reader, SvirtXmlNode *node,
               SvirtGraphics *graphics)
{
    size_t max = graphics->type == SVIRT_GRAPHICS_VNC ? VNC_PASSWORD_MAX
                                                      : SPICE_PASSWORD_MAX;

    graphics->password = svirt_reader_attribute(reader, node, "passwd");
    if (graphics->password != NULL && strlen(graphics->password) > max) {
        /* QEMU would take the first eight and say nothing. */
        svirt_reader_fail(reader, node->line, SVIRT_ERROR_INVALID,
                          "give a shorter one",
                          "the password of <graphics type='%s'> is longer "
                          "than %zu bytes",
                          svirt_graphics_type_to_string(graphics->type), max);
    }
}

/* An attribute of a child of <graphics type='spice'> and QEMU's option. */
typedef struct SpiceOption {
    const char *element;
    const char *attribute;
    const char *option;
    const char *words; /* |word|word=what QEMU calls it| */
} SpiceOption;

static const SpiceOption spice_options[] = {
    { "image", "compression", "image-compression",
      "|auto_glz|auto_lz|quic|glz|lz|off|" },
    { "jpeg", "compression", "jpeg-wan-compression", "|auto|never|always|" },
    { "zlib", "compression", "zlib-glz-wan-compression",
      "|auto|never|always|" },
    { "playback", "compression", "playback-compression", "|on|off|" },
    { "streaming", "mode", "streaming-video", "|filter|all|off|" },
    { "mouse", "mode", "agent-mouse", "|client=on|server=off|" },
    { "clipboard", "copypaste", "disable-copy-paste", "|yes=off|no=on|" },
    { "filetransfer", "enable", "disable-agent-file-xfer",
      "|yes=off|no=on|" },
};

static void
add_spice_option(SvirtReader *reader, SvirtXmlNode *node,
                 const SpiceOption *option, GString *text)
{
    SvirtXmlNode *child = svirt_reader_child(reader, node, option->element);
    g_auto(GStrv) words = g_strsplit(option->words, "|", -1);
    const char *value;

    if (child == NULL) {
        return;
    }
    value = svirt_reader_required(reader, child, option->attribute);
    for (char **word = words; *word != NULL; word++) {
        char *equal = strchr(*word, '=');

        if (equal != NULL) {
            *equal = '\0';
        }
        if (value[0] != '\0' && strcmp(*word, value) == 0) {
            g_string_append_printf(text, ",%s=%s", option->option,
                                   equal != NULL ? equal + 1 : value);
            return;
        }
    }
    svirt_reader_bad_word(reader, child, option->attribute, value);
}

/* Every channel is as open as the others: there is no TLS. */
static void
check_spice_modes(SvirtReader *reader, SvirtXmlNode *node)
{
    SvirtXmlNode *channel = NULL;
    const char *mode = svirt_reader_attribute(reader, node, "defaultMode");

    if (mode != NULL && strcmp(mode, "any") != 0 &&
        strcmp(mode, "insecure") != 0) {
        svirt_reader_bad_word(reader, node, "defaultMode", mode);
    }
    while ((channel = svirt_reader_next(reader, node, channel, "channel"))) {
        (void)svirt_reader_required(reader, channel, "name");
        mode = svirt_reader_required(reader, channel, "mode");
        if (reader->error == NULL && strcmp(mode, "any") != 0 &&
            strcmp(mode, "insecure") != 0) {
            svirt_reader_bad_word(reader, channel, "mode", mode);
        }
    }
    if (svirt_reader_attribute(reader, node, "tlsPort") != NULL &&
        read_port(reader, node, "tlsPort") != 0) {
        svirt_obstacle_add(reader, node->line, SVIRT_VERDICT_PROTECT,
                           "remove tlsPort=, and tunnel the port by ssh -L",
                           "attribute 'tlsPort' of <graphics>");
    }
}

static void
parse_spice(SvirtReader *reader, SvirtXmlNode *node, SvirtGraphics *graphics)
{
    g_autoptr(GString) text = g_string_new(NULL);

    check_spice_modes(reader, node);
    for (size_t i = 0; i < G_N_ELEMENTS(spice_options); i++) {
        add_spice_option(reader, node, &spice_options[i], text);
    }
    graphics->spice_options =
        svirt_arena_printf(reader->arena, "%s", text->str);
}

/* libvirt's words are QEMU's. */
static void
parse_vnc(SvirtReader *reader, SvirtXmlNode *node, SvirtGraphics *graphics)
{
    const char *share = svirt_reader_attribute(reader, node, "sharePolicy");

    if (share != NULL && strcmp(share, "allow-exclusive") != 0 &&
        strcmp(share, "force-shared") != 0 && strcmp(share, "ignore") != 0) {
        svirt_reader_bad_word(reader, node, "sharePolicy", share);
    }
    graphics->share = share;
}

void
svirt_parse_graphics(SvirtReader *reader, SvirtXmlNode *node, size_t ordinal,
                     SvirtGraphics *graphics)
{
    svirt_parse_info(reader, node, ordinal, &graphics->info);
    (void)svirt_reader_required(reader, node, "type"); /* error is kept */
    SVIRT_READ_ENUM(reader, node, "type", svirt_graphics_type,
                    &graphics->type);
    if (reader->error != NULL) {
        node->unread = true;
        return;
    }
    graphics->port = read_port(reader, node, "port");
    if (svirt_reader_yes_no(reader, node, "autoport", false)) {
        graphics->port = 0;
    }
    graphics->keymap = svirt_reader_word(reader, node, "keymap");
    graphics->spice_options = "";
    parse_listen(reader, node, graphics);
    parse_password(reader, node, graphics);
    if (graphics->type == SVIRT_GRAPHICS_SPICE) {
        parse_spice(reader, node, graphics);
    } else {
        parse_vnc(reader, node, graphics);
    }
}
