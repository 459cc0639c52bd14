/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain/obstacle.h"

#include <string.h>

#include "domain/tune.h"

/* What contradicts itself within one obstacle, or beside another like it. */

static bool
overlap(const SvirtCpus *a, const SvirtCpus *b)
{
    for (size_t i = 0; i < sizeof(a->bits); i++) {
        if ((a->bits[i] & b->bits[i]) != 0) {
            return true;
        }
    }
    return false;
}

/* How many <iothreads> there are; those of <iothreadids> have any number. */
static bool
are_there(const SvirtXmlNode *root, const SvirtCpus *threads)
{
    const SvirtXmlNode *node = svirt_xml_find(root, "iothreads");
    guint64 count = node != NULL && node->text != NULL
                        ? g_ascii_strtoull(node->text, NULL, 10)
                        : 0;

    if (svirt_xml_find(root, "iothreadids") != NULL) {
        return true;
    }
    for (guint64 i = count + 1; i < SVIRT_CPUS_MAX; i++) {
        if ((threads->bits[i / 8] & 1u << i % 8) != 0) {
            return false;
        }
    }
    return true;
}

void
svirt_list_sched(SvirtReader *reader, SvirtXmlNode *node)
{
    bool io = strcmp(node->name, "iothreadsched") == 0;
    const char *name = io ? "iothreads" : "vcpus";
    const SvirtXmlNode *other = node->parent->first_child;
    SvirtCpus own;
    SvirtCpus theirs;

    (void)svirt_cpus_parse(svirt_xml_get(node, name), &own); /* its shape */
    if (io && !are_there(node->parent->parent, &own)) {
        svirt_reader_fail(reader, node->line, SVIRT_ERROR_INVALID,
                          "give more in <iothreads>",
                          "<iothreadsched> of a thread that there is not");
    }
    for (; other != node; other = other->next) {
        const char *text = svirt_xml_get(other, name);

        if (strcmp(other->name, node->name) == 0 && text != NULL &&
            svirt_cpus_parse(text, &theirs) && overlap(&own, &theirs)) {
            svirt_reader_fail(reader, node->line, SVIRT_ERROR_INVALID,
                              "give each its own",
                              "<%s> and the one in line %u have one thread",
                              node->name, other->line);
        }
    }
}

/* Of the disk or of its source, and of a format that it can be in. */
void
svirt_list_encryption(SvirtReader *reader, SvirtXmlNode *node)
{
    bool inner = strcmp(node->parent->name, "source") == 0;
    const SvirtXmlNode *disk = inner ? node->parent->parent : node->parent;
    const SvirtXmlNode *format = strcmp(disk->name, "disk") == 0
                                     ? svirt_xml_find(disk, "driver")
                                     : svirt_xml_find(disk, "format");
    const char *type = format != NULL ? svirt_xml_get(format, "type") : NULL;

    if (inner && svirt_xml_find(disk, "encryption") != NULL) {
        svirt_reader_fail(reader, node->line, SVIRT_ERROR_INVALID,
                          "keep one of the two",
                          "<encryption> stands in <disk> and in its <source>");
    } else if (type != NULL && strcmp(type, "raw") != 0 &&
               g_strcmp0(svirt_xml_get(node, "engine"), "librbd") != 0 &&
               strcmp(type, "qcow2") != 0 && strcmp(type, "qcow") != 0) {
        svirt_reader_fail(reader, node->line, SVIRT_ERROR_INVALID,
                          "use format raw or qcow2",
                          "an image of format '%.80s' has no <encryption>",
                          type);
    }
}

/* The kernel knows one policy for a VM of restrictive nodes. */
void
svirt_list_restrictive(SvirtReader *reader, SvirtXmlNode *node)
{
    const SvirtXmlNode *other = node->parent->first_child;

    for (; other != NULL; other = other->next) {
        const char *mode = svirt_xml_get(other, "mode");

        if (mode != NULL && strcmp(mode, "restrictive") != 0) {
            svirt_reader_fail(reader, other->line, SVIRT_ERROR_INVALID,
                              "give all of them mode='restrictive'",
                              "mode='%.80s' of <%s> beside a restrictive one",
                              mode, other->name);
        }
    }
}

/* A device of a q35's root bus, which the guest finds by ACPI. */
void
svirt_list_iommu(SvirtReader *reader, SvirtXmlNode *node)
{
    const SvirtXmlNode *root = node->parent->parent;
    const SvirtXmlNode *os = svirt_xml_find(root, "os");
    const SvirtXmlNode *type = os != NULL ? svirt_xml_find(os, "type") : NULL;
    const SvirtXmlNode *features = svirt_xml_find(root, "features");
    const SvirtXmlNode *address = svirt_xml_find(node, "address");
    const char *machine =
        type != NULL ? svirt_xml_get(type, "machine") : NULL;
    const char *bus = address != NULL ? svirt_xml_get(address, "bus") : NULL;

    if (machine == NULL || strstr(machine, "q35") == NULL) {
        svirt_reader_fail(reader, node->line, SVIRT_ERROR_INVALID,
                          "use machine='q35'", "this machine has no <iommu>");
    } else if (features == NULL || svirt_xml_find(features, "acpi") == NULL) {
        svirt_reader_fail(reader, node->line, SVIRT_ERROR_INVALID,
                          "add <acpi/> to <features>",
                          "<iommu model='virtio'> needs ACPI");
    } else if (bus != NULL && g_ascii_strtoull(bus, NULL, 0) != 0) {
        svirt_reader_fail(reader, address->line, SVIRT_ERROR_INVALID,
                          "put it on bus 0",
                          "<iommu model='virtio'> can be on the root alone");
    }
}

void
svirt_list_filesystem(SvirtReader *reader, SvirtXmlNode *node)
{
    const SvirtXmlNode *driver = svirt_xml_find(node, "driver");

    if (driver != NULL && svirt_xml_find(node, "readonly") != NULL &&
        g_strcmp0(svirt_xml_get(driver, "type"), "virtiofs") == 0) {
        svirt_reader_fail(reader, node->line, SVIRT_ERROR_INVALID,
                          "remove <readonly/>",
                          "virtiofs cannot be read-only");
    }
}

void
svirt_list_smartcards(SvirtReader *reader, SvirtXmlNode *node)
{
    if (svirt_xml_find(node, "database") == NULL) {
        svirt_obstacle_list(reader, node, SVIRT_RESOURCE_HOST_DEVICE,
                            SVIRT_ACCESS_SHARED, "smartcards");
    }
}

void
svirt_list_enclave(SvirtReader *reader, SvirtXmlNode *node)
{
    const char *type = svirt_xml_get(node, "type");

    svirt_obstacle_list(reader, node, SVIRT_RESOURCE_HOST_DEVICE,
                        SVIRT_ACCESS_SHARED,
                        type != NULL ? type : svirt_xml_get(node, "model"));
}
