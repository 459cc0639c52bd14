/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain/parse.h"

#include <limits.h>
#include <string.h>

static void
parse_file(SvirtReader *reader, SvirtXmlNode *source, SvirtChardev *chardev)
{
    chardev->path = svirt_reader_path(reader, source, "path");
    chardev->append = svirt_reader_on_off(reader, source, "append", false);
}

/* mode='connect' or 'bind'; without one, as libvirt: a channel binds. */
static void
parse_mode(SvirtReader *reader, SvirtXmlNode *source, SvirtChardev *chardev)
{
    const char *mode = svirt_reader_attribute(reader, source, "mode");

    chardev->connect = mode == NULL ? chardev->role != SVIRT_CHARDEV_CHANNEL
                                    : strcmp(mode, "connect") == 0;
    if (mode != NULL && !chardev->connect && strcmp(mode, "bind") != 0) {
        svirt_reader_bad_word(reader, source, "mode", mode);
    }
}

/* Where libvirt puts a channel's socket by itself: here it is svirt's. */
static bool
is_made_up(const char *path)
{
    return g_str_has_prefix(path, "/var/lib/libvirt/qemu/channel/") ||
           g_str_has_prefix(path, "/run/libvirt/qemu/channel/");
}

static void
parse_unix(SvirtReader *reader, SvirtXmlNode *source, SvirtChardev *chardev)
{
    const char *path = svirt_reader_attribute(reader, source, "path");

    parse_mode(reader, source, chardev);
    if (chardev->role == SVIRT_CHARDEV_CHANNEL && !chardev->connect &&
        (path == NULL || is_made_up(path))) {
        return;
    }
    chardev->path = svirt_reader_path(reader, source, "path");
}

/* The port stays disconnected until the next start, as the manual says. */
static void
parse_reconnect(SvirtReader *reader, SvirtXmlNode *source)
{
    SvirtXmlNode *reconnect = svirt_reader_child(reader, source, "reconnect");

    if (reconnect != NULL &&
        svirt_reader_yes_no(reader, reconnect, "enabled", false)) {
        (void)svirt_reader_number(reader, reconnect, "timeout", 1, INT_MAX,
                                  1);
        svirt_reader_warn(reader, reconnect->line,
                          "<reconnect> is ignored: a port stays disconnected "
                          "until the next start");
    }
}

/* Numbers alone: svirt asks no resolver on behalf of a definition. */
static void
parse_tcp(SvirtReader *reader, SvirtXmlNode *source, SvirtChardev *chardev)
{
    parse_mode(reader, source, chardev);
    chardev->host = svirt_reader_ip(reader, source, "host");
    if (chardev->host == NULL) {
        chardev->host = "127.0.0.1";
    }
    (void)svirt_reader_required(reader, source, "service"); /* kept */
    chardev->port = (unsigned)svirt_reader_number(reader, source, "service",
                                                  1, 65535, 1);
}

static void
parse_chardev_source(SvirtReader *reader, SvirtXmlNode *node,
                     SvirtChardev *chardev)
{
    SvirtXmlNode *source = svirt_reader_child(reader, node, "source");
    bool needs_path = chardev->type == SVIRT_CHARDEV_FILE ||
                      chardev->type == SVIRT_CHARDEV_TCP ||
                      (chardev->type == SVIRT_CHARDEV_UNIX &&
                       chardev->role != SVIRT_CHARDEV_CHANNEL);

    chardev->source_line = source != NULL ? source->line : node->line;
    if (source == NULL) {
        if (needs_path) {
            svirt_reader_fail(reader, node->line, SVIRT_ERROR_INVALID,
                              chardev->type == SVIRT_CHARDEV_TCP
                                  ? "add <source mode='bind' "
                                    "host='127.0.0.1' service='4555'/>"
                                  : "add <source path='...'/>",
                              "<%s type='%s'> has no <source>", node->name,
                              svirt_chardev_type_to_string(chardev->type));
        }
        return;
    }
    switch (chardev->type) {
    case SVIRT_CHARDEV_FILE:
        parse_file(reader, source, chardev);
        break;
    case SVIRT_CHARDEV_UNIX:
        parse_unix(reader, source, chardev);
        parse_reconnect(reader, source);
        break;
    case SVIRT_CHARDEV_TCP:
        parse_tcp(reader, source, chardev);
        parse_reconnect(reader, source);
        break;
    case SVIRT_CHARDEV_PTY:
    case SVIRT_CHARDEV_NULL:
    case SVIRT_CHARDEV_SPICEVMC:
    case SVIRT_CHARDEV_TYPE_MAX:
        break; /* a pty's path is what libvirt once chose: a rule has it */
    }
    chardev->seclabels = svirt_parse_source_seclabels(reader, source);
}

static void
parse_log(SvirtReader *reader, SvirtXmlNode *node, SvirtChardev *chardev)
{
    SvirtXmlNode *log = svirt_reader_child(reader, node, "log");

    if (log != NULL) {
        chardev->log_path = svirt_reader_path(reader, log, "file");
        chardev->log_append = svirt_reader_on_off(reader, log, "append", true);
        chardev->log_line = log->line;
    }
}

static bool
target_fits(SvirtChardevRole role, SvirtChardevTarget target)
{
    switch (target) {
    case SVIRT_CHARDEV_TARGET_UNSET:
        return role != SVIRT_CHARDEV_CHANNEL;
    case SVIRT_CHARDEV_TARGET_ISA_SERIAL:
    case SVIRT_CHARDEV_TARGET_USB_SERIAL:
    case SVIRT_CHARDEV_TARGET_PCI_SERIAL:
        return role == SVIRT_CHARDEV_SERIAL;
    case SVIRT_CHARDEV_TARGET_SERIAL:
        return role == SVIRT_CHARDEV_CONSOLE;
    case SVIRT_CHARDEV_TARGET_VIRTIO:
        return role != SVIRT_CHARDEV_SERIAL && role != SVIRT_CHARDEV_PARALLEL;
    case SVIRT_CHARDEV_TARGET_MAX:
        break;
    }
    g_assert_not_reached();
}

/* <model name=> repeats the type of the target in newer libvirt. */
static void
parse_target_model(SvirtReader *reader, SvirtXmlNode *target,
                   SvirtChardev *chardev)
{
    SvirtXmlNode *model = svirt_reader_child(reader, target, "model");
    const char *name;

    if (model == NULL) {
        return;
    }
    name = svirt_reader_required(reader, model, "name");
    if (reader->error == NULL &&
        (chardev->role != SVIRT_CHARDEV_SERIAL ||
         strcmp(name, svirt_chardev_target_to_string(chardev->target)) != 0)) {
        svirt_reader_fail(reader, model->line, SVIRT_ERROR_UNSUPPORTED,
                          "remove <model>",
                          "model '%.80s' of a <%s> of type '%s' is not "
                          "supported",
                          name, target->parent->name,
                          svirt_chardev_target_to_string(chardev->target));
    }
}

static void
parse_chardev_target(SvirtReader *reader, SvirtXmlNode *node,
                     SvirtChardev *chardev)
{
    SvirtXmlNode *target = svirt_reader_child(reader, node, "target");

    chardev->target_port = -1;
    if (target != NULL) {
        const char *type = svirt_reader_attribute(reader, target, "type");

        if (type != NULL &&
            (!svirt_chardev_target_from_string(type, &chardev->target) ||
             !target_fits(chardev->role, chardev->target))) {
            svirt_reader_bad_word(reader, target, "type", type);
        }
        if (svirt_reader_attribute(reader, target, "port") != NULL) {
            chardev->target_port =
                (int)svirt_reader_number(reader, target, "port", 0, 255, 0);
        }
        chardev->target_name = svirt_reader_word(reader, target, "name");
        parse_target_model(reader, target, chardev);
    }
    if (!target_fits(chardev->role, chardev->target)) {
        svirt_reader_fail(reader, node->line, SVIRT_ERROR_INVALID,
                          "add <target type='virtio' name='...'/>",
                          "<%s> has no <target> with a type", node->name);
    }
    if (chardev->role == SVIRT_CHARDEV_CONSOLE &&
        chardev->target == SVIRT_CHARDEV_TARGET_UNSET) {
        chardev->target = SVIRT_CHARDEV_TARGET_SERIAL;
    }
    if (chardev->target_name != NULL &&
        chardev->role != SVIRT_CHARDEV_CHANNEL) {
        svirt_reader_fail(reader, target->line, SVIRT_ERROR_INVALID,
                          "remove name=", "<target> of a <%s> has a name",
                          node->name);
    }
}

/* A name is libvirt's default for SPICE's agent; others have no other end. */
static void
check_spicevmc(SvirtReader *reader, SvirtXmlNode *node, SvirtChardev *chardev)
{
    if (chardev->role != SVIRT_CHARDEV_CHANNEL) {
        svirt_reader_fail(reader, node->line, SVIRT_ERROR_INVALID,
                          "use type='pty'",
                          "<%s> cannot be of type='spicevmc'", node->name);
    }
    if (chardev->target_name == NULL) {
        chardev->target_name = "com.redhat.spice.0";
    }
}

void
svirt_parse_chardev(SvirtReader *reader, SvirtXmlNode *node, size_t ordinal,
                    SvirtChardevRole role, SvirtChardev *chardev)
{
    SvirtXmlNode *protocol = svirt_reader_child(reader, node, "protocol");

    chardev->role = role;
    chardev->type = SVIRT_CHARDEV_PTY;
    svirt_parse_info(reader, node, ordinal, &chardev->info);
    SVIRT_READ_ENUM(reader, node, "type", svirt_chardev_type,
                    &chardev->type);
    parse_chardev_source(reader, node, chardev);
    parse_log(reader, node, chardev);
    parse_chardev_target(reader, node, chardev);
    if (chardev->type == SVIRT_CHARDEV_SPICEVMC) {
        check_spicevmc(reader, node, chardev);
    }
    if (protocol != NULL) {
        const char *type = svirt_reader_required(reader, protocol, "type");

        if (reader->error == NULL && strcmp(type, "raw") != 0) {
            svirt_reader_bad_word(reader, protocol, "type", type);
        }
    }
}
