/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain/parse.h"

#include <string.h>

/* 'file' or 'block'; every other type is in the table of rules. */
static bool
read_is_block(SvirtReader *reader, SvirtXmlNode *node)
{
    const char *type = svirt_reader_attribute(reader, node, "type");

    if (type == NULL || strcmp(type, "file") == 0) {
        return false;
    }
    if (strcmp(type, "block") != 0) {
        svirt_reader_bad_word(reader, node, "type", type);
    }
    return true;
}

static SvirtDiskFormat
read_format_element(SvirtReader *reader, SvirtXmlNode *node)
{
    SvirtXmlNode *child = svirt_reader_child(reader, node, "format");
    SvirtDiskFormat format = SVIRT_DISK_FORMAT_UNSET;

    if (child == NULL) {
        svirt_reader_fail(reader, node->line, SVIRT_ERROR_INVALID,
                          "add <format type='...'/>", "<%s> has no <format>",
                          node->name);
        return format;
    }
    (void)svirt_reader_required(reader, child, "type"); /* error is kept */
    SVIRT_READ_ENUM(reader, child, "type", svirt_disk_format,
                    &format);
    return format;
}

/* oVirt writes file='' for a drive without a medium. */
static bool
is_filled(SvirtXmlNode *node, const char *name)
{
    for (unsigned i = 0; i < node->attribute_count; i++) {
        SvirtXmlAttribute *attribute = &node->attributes[i];

        if (strcmp(attribute->name, name) == 0) {
            attribute->seen = true;
            return attribute->value[0] != '\0';
        }
    }
    return false;
}

static void
parse_source(SvirtReader *reader, SvirtXmlNode *source, SvirtDiskImage *image,
             bool may_be_empty)
{
    const char *name = image->block ? "dev" : "file";

    image->line = source->line;
    if (!may_be_empty || is_filled(source, name)) {
        image->path = svirt_reader_path(reader, source, name);
    }
    SVIRT_READ_ENUM(reader, source, "startupPolicy",
                    svirt_startup_policy, &image->startup_policy);
    image->seclabels = svirt_parse_source_seclabels(reader, source);
}

/* <dataStore>: where a qcow2 image keeps its data when not in itself. */
static void
parse_data_store(SvirtReader *reader, SvirtXmlNode *source,
                 SvirtDiskImage *image)
{
    SvirtXmlNode *node = svirt_reader_child(reader, source, "dataStore");
    SvirtXmlNode *inner = svirt_reader_child(reader, node, "source");
    SvirtDiskImage *data;

    if (node == NULL) {
        return;
    }
    data = svirt_arena_alloc(reader->arena, sizeof(*data));
    data->block = read_is_block(reader, node);
    data->format = read_format_element(reader, node);
    if (inner == NULL) {
        svirt_reader_fail(reader, node->line, SVIRT_ERROR_INVALID, NULL,
                          "<dataStore> has no <source>");
        return;
    }
    parse_source(reader, inner, data, false);
    if (data->format != SVIRT_DISK_FORMAT_RAW ||
        image->format != SVIRT_DISK_FORMAT_QCOW2) {
        svirt_reader_fail(reader, node->line, SVIRT_ERROR_INVALID,
                          "use a raw data file of a qcow2 image",
                          "<dataStore> needs a qcow2 image and format raw");
    }
    image->data_file = data;
}

/* <backingStore/> says that nothing is below. */
static bool
is_terminator(const SvirtXmlNode *node)
{
    return node->first_child == NULL && node->attribute_count == 0;
}

static size_t
count_chain(SvirtReader *reader, SvirtXmlNode *node, bool *ret_complete)
{
    SvirtXmlNode *below = svirt_reader_child(reader, node, "backingStore");
    size_t count = 1;

    while (below != NULL && !is_terminator(below)) {
        below = svirt_reader_child(reader, below, "backingStore");
        count++;
    }
    *ret_complete = below != NULL;
    return count;
}

static void
parse_top(SvirtReader *reader, SvirtXmlNode *node, bool may_be_empty,
          SvirtDiskImage *image)
{
    SvirtXmlNode *driver = svirt_reader_child(reader, node, "driver");
    SvirtXmlNode *source = svirt_reader_child(reader, node, "source");

    image->block = read_is_block(reader, node);
    image->line = node->line;
    if (driver != NULL) {
        SVIRT_READ_ENUM(reader, driver, "type", svirt_disk_format,
                        &image->format);
    }
    if (source != NULL) {
        parse_source(reader, source, image, may_be_empty);
        parse_data_store(reader, source, image);
    } else if (!may_be_empty) {
        svirt_reader_fail(reader, node->line, SVIRT_ERROR_INVALID,
                          "add <source file='...'/>", "<disk> has no <source>");
    }
}

static void
parse_below(SvirtReader *reader, SvirtXmlNode *node, SvirtDiskImage *image)
{
    SvirtXmlNode *source = svirt_reader_child(reader, node, "source");

    image->block = read_is_block(reader, node);
    image->format = read_format_element(reader, node);
    if (source == NULL) {
        svirt_reader_fail(reader, node->line, SVIRT_ERROR_INVALID, NULL,
                          "<backingStore> has no <source>");
        return;
    }
    parse_source(reader, source, image, false);
    parse_data_store(reader, source, image);
}

static bool
has_backing(SvirtDiskFormat format)
{
    switch (format) {
    case SVIRT_DISK_FORMAT_QCOW:
    case SVIRT_DISK_FORMAT_QCOW2:
    case SVIRT_DISK_FORMAT_QED:
    case SVIRT_DISK_FORMAT_VMDK:
    case SVIRT_DISK_FORMAT_VHDX:
    case SVIRT_DISK_FORMAT_VPC:
        return true;
    case SVIRT_DISK_FORMAT_UNSET:
    case SVIRT_DISK_FORMAT_RAW:
    case SVIRT_DISK_FORMAT_VDI:
    case SVIRT_DISK_FORMAT_BOCHS:
    case SVIRT_DISK_FORMAT_CLOOP:
    case SVIRT_DISK_FORMAT_DMG:
    case SVIRT_DISK_FORMAT_MAX:
        return false;
    }
    g_assert_not_reached();
}

void
svirt_parse_images(SvirtReader *reader, SvirtXmlNode *node, SvirtDisk *disk)
{
    size_t count = count_chain(reader, node, &disk->chain_complete);
    SvirtDiskImage *images =
        svirt_arena_array(reader->arena, count, sizeof(*images));

    disk->images = images;
    disk->image_count = count;
    parse_top(reader, node, disk->device != SVIRT_DISK_DEVICE_DISK, images);
    for (size_t i = 1; i < count; i++) {
        node = svirt_reader_child(reader, node, "backingStore");
        if (reader->error != NULL) {
            node->unread = true;
            return;
        }
        if (!has_backing(images[i - 1].format)) {
            svirt_reader_fail(reader, node->line, SVIRT_ERROR_INVALID,
                              "give the format of the image above",
                              "<backingStore> below an image without backing");
            node->unread = true;
            return;
        }
        parse_below(reader, node, &images[i]);
    }
}
