/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain/obstacle.h"
#include "domain/parse.h"

#include <string.h>

#define SERIAL_BYTES_MAX 64u
#define BLOCK_SIZE_MAX (2u * 1024u * 1024u)

static void
parse_driver(SvirtReader *reader, SvirtXmlNode *node, SvirtDisk *disk)
{
    SvirtXmlNode *driver = svirt_reader_child(reader, node, "driver");
    const char *name;

    if (driver == NULL) {
        return;
    }
    name = svirt_reader_attribute(reader, driver, "name");
    if (name != NULL && strcmp(name, "qemu") != 0) {
        svirt_reader_fail(reader, driver->line, SVIRT_ERROR_UNSUPPORTED,
                          "use name='qemu'",
                          "name='%.80s' of <driver> is not supported", name);
    }
    SVIRT_READ_ENUM(reader, driver, "cache", svirt_disk_cache,
                    &disk->cache);
    SVIRT_READ_ENUM(reader, driver, "io", svirt_disk_io, &disk->io);
    if (disk->io == SVIRT_DISK_IO_IO_URING) {
        svirt_reader_warn(reader, driver->line,
                          "io='io_uring' of <driver> is ignored: it has calls "
                          "that no filter sees, threads do the same");
    }
    SVIRT_READ_ENUM(reader, driver, "discard", svirt_disk_discard,
                    &disk->discard);
    SVIRT_READ_ENUM(reader, driver, "detect_zeroes",
                    svirt_disk_detect_zeroes, &disk->detect_zeroes);
    SVIRT_READ_ENUM(reader, driver, "error_policy",
                    svirt_disk_error_policy, &disk->error_policy);
    SVIRT_READ_ENUM(reader, driver, "rerror_policy",
                    svirt_disk_error_policy,
                    &disk->read_error_policy);
    disk->iothread = (unsigned)svirt_reader_number(reader, driver, "iothread",
                                                   1, UINT32_MAX, 0);
    if (disk->read_error_policy == SVIRT_DISK_ERROR_POLICY_ENOSPACE) {
        svirt_reader_bad_word(reader, driver, "rerror_policy", "enospace");
    }
}

static bool
is_target_name(const char *target)
{
    static const char *const prefixes[] = { "vd", "sd",  "hd",
                                            "xvd", "ubd", "fd" };

    for (size_t i = 0; i < G_N_ELEMENTS(prefixes); i++) {
        if (g_str_has_prefix(target, prefixes[i])) {
            const char *rest = target + strlen(prefixes[i]);
            size_t length = strspn(rest, "abcdefghijklmnopqrstuvwxyz");

            return length >= 1 && length <= 3 && rest[length] == '\0';
        }
    }
    return false;
}

/* libvirt's choice for a target that names no bus. */
static bool
guess_bus(const char *target, SvirtDiskBus *ret)
{
    if (g_str_has_prefix(target, "vd")) {
        *ret = SVIRT_DISK_BUS_VIRTIO;
    } else if (g_str_has_prefix(target, "hd")) {
        *ret = SVIRT_DISK_BUS_IDE;
    } else if (g_str_has_prefix(target, "sd")) {
        *ret = SVIRT_DISK_BUS_SCSI;
    } else if (g_str_has_prefix(target, "ubd")) {
        *ret = SVIRT_DISK_BUS_USB;
    } else if (g_str_has_prefix(target, "fd")) {
        *ret = SVIRT_DISK_BUS_FDC;
    } else {
        return false;
    }
    return true;
}

static void
parse_target(SvirtReader *reader, SvirtXmlNode *node, SvirtDisk *disk)
{
    SvirtXmlNode *target = svirt_reader_child(reader, node, "target");
    const char *bus;

    if (target == NULL) {
        svirt_reader_fail(reader, node->line, SVIRT_ERROR_INVALID,
                          "add <target dev='vda' bus='virtio'/>",
                          "<disk> has no <target>");
        return;
    }
    disk->target = svirt_reader_required(reader, target, "dev");
    if (reader->error == NULL && !is_target_name(disk->target)) {
        svirt_reader_fail(reader, target->line, SVIRT_ERROR_INVALID,
                          "name it as vda, sda or hda",
                          "dev='%.80s' of <target> is no name of a disk",
                          disk->target);
    }
    bus = svirt_reader_attribute(reader, target, "bus");
    if (bus != NULL && !svirt_disk_bus_from_string(bus, &disk->bus)) {
        svirt_reader_bad_word(reader, target, "bus", bus);
    } else if (bus == NULL && !guess_bus(disk->target, &disk->bus)) {
        svirt_reader_bad_word(reader, target, "bus", "xen");
    }
    if (disk->device == SVIRT_DISK_DEVICE_CDROM &&
        disk->bus == SVIRT_DISK_BUS_VIRTIO) {
        svirt_reader_fail(reader, target->line, SVIRT_ERROR_INVALID,
                          "use bus='sata'",
                          "a cdrom cannot be on the bus virtio");
    }
    if ((disk->device == SVIRT_DISK_DEVICE_FLOPPY) !=
        (disk->bus == SVIRT_DISK_BUS_FDC)) {
        svirt_reader_fail(reader, target->line, SVIRT_ERROR_INVALID,
                          "use device='floppy' with dev='fda' and bus='fdc'",
                          "a %s cannot be on the bus %s",
                          svirt_disk_device_to_string(disk->device),
                          svirt_disk_bus_to_string(disk->bus));
    }
}

static void
parse_sharing(SvirtReader *reader, SvirtXmlNode *node, SvirtDisk *disk)
{
    SvirtDiskFormat format = disk->images[0].format;

    disk->read_only = disk->device == SVIRT_DISK_DEVICE_CDROM;
    if (svirt_reader_child(reader, node, "readonly") != NULL) {
        disk->read_only = true;
    }
    disk->shareable = svirt_reader_child(reader, node, "shareable") != NULL;
    disk->transient = svirt_reader_child(reader, node, "transient") != NULL;
    if (disk->transient && (disk->read_only || disk->shareable)) {
        svirt_reader_fail(reader, node->line, SVIRT_ERROR_INVALID,
                          "keep one of the two",
                          "disk '%s' is transient and also %s", disk->target,
                          disk->read_only ? "read-only" : "shareable");
    }
    if (disk->shareable && !disk->read_only &&
        format != SVIRT_DISK_FORMAT_UNSET && format != SVIRT_DISK_FORMAT_RAW) {
        svirt_reader_fail(reader, node->line, SVIRT_ERROR_INVALID,
                          "use format raw, or <readonly/>",
                          "disk '%s' is shareable and has format %s: two "
                          "writers would destroy it",
                          disk->target, svirt_disk_format_to_string(format));
    }
}

static void
parse_serial(SvirtReader *reader, SvirtXmlNode *node, SvirtDisk *disk)
{
    SvirtXmlNode *serial = svirt_reader_child(reader, node, "serial");

    if (serial == NULL) {
        return;
    }
    disk->serial = svirt_reader_text(reader, serial);
    for (const char *p = disk->serial; *p != '\0'; p++) {
        if (!g_ascii_isalnum(*p) && strchr("-_.+ ", *p) == NULL) {
            svirt_reader_fail(reader, serial->line, SVIRT_ERROR_INVALID,
                              "use letters, digits, blanks, '-', '_', '.', "
                              "'+'",
                              "<serial> contains another character");
        }
    }
    if (strlen(disk->serial) > SERIAL_BYTES_MAX) {
        svirt_reader_fail(reader, serial->line, SVIRT_ERROR_INVALID, NULL,
                          "<serial> is longer than %u bytes", SERIAL_BYTES_MAX);
    }
}

/* Only SCSI has an answer that names them. */
static void
check_inquiry(SvirtReader *reader, SvirtXmlNode *node, const SvirtDisk *disk)
{
    if (disk->bus != SVIRT_DISK_BUS_SCSI &&
        (svirt_xml_find(node, "vendor") != NULL ||
         svirt_xml_find(node, "product") != NULL)) {
        svirt_reader_fail(reader, node->line, SVIRT_ERROR_INVALID,
                          "use bus='scsi'",
                          "disk '%s' has a vendor or product and is not on "
                          "the bus scsi",
                          disk->target);
    }
}

static uint32_t
read_block_size(SvirtReader *reader, SvirtXmlNode *node, const char *name)
{
    uint64_t size =
        svirt_reader_number(reader, node, name, 512, BLOCK_SIZE_MAX, 0);

    if ((size & (size - 1)) != 0) {
        svirt_reader_fail(reader, node->line, SVIRT_ERROR_INVALID, NULL,
                          "%s='%" PRIu64 "' is no power of two", name, size);
    }
    return (uint32_t)size;
}

void
svirt_parse_disk(SvirtReader *reader, SvirtXmlNode *node, size_t ordinal,
                 SvirtDisk *disk)
{
    SvirtXmlNode *block;

    disk->target = "";
    SVIRT_READ_ENUM(reader, node, "device", svirt_disk_device,
                    &disk->device);
    svirt_parse_info(reader, node, ordinal, &disk->info);
    if (!svirt_reader_part(reader)) {
        /* Of another kind of disk, what the rest means is not known. */
        node->unread = true;
        return;
    }
    svirt_parse_images(reader, node, disk);
    (void)svirt_reader_part(reader);
    parse_driver(reader, node, disk);
    (void)svirt_reader_part(reader);
    parse_target(reader, node, disk);
    (void)svirt_reader_part(reader);
    parse_sharing(reader, node, disk);
    (void)svirt_reader_part(reader);
    parse_serial(reader, node, disk);
    (void)svirt_reader_part(reader);
    if (disk->device == SVIRT_DISK_DEVICE_DISK && disk->image_count > 0 &&
        disk->images[0].startup_policy == SVIRT_STARTUP_POLICY_OPTIONAL) {
        /* A guest would find its disks at other places. */
        svirt_obstacle_add(reader, disk->images[0].line,
                           SVIRT_VERDICT_UNBUILT, "remove startupPolicy=",
                           "startupPolicy='optional' of what is no cdrom");
    }
    check_inquiry(reader, node, disk);
    (void)svirt_reader_part(reader);
    svirt_parse_iotune(reader, node, disk);
    (void)svirt_reader_part(reader);
    block = svirt_reader_child(reader, node, "blockio");
    if (block != NULL) {
        disk->logical_block_size_bytes =
            read_block_size(reader, block, "logical_block_size");
        disk->physical_block_size_bytes =
            read_block_size(reader, block, "physical_block_size");
    }
}
