/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain/parse.h"

/* Linux keeps 15 characters of "IO iothread9999", by which it is found. */
#define PINNED_MAX 9999u

/* QEMU's threads for disks: how many, their ids, the CPUs they run on. */

static bool
has_id(const unsigned *ids, size_t count, unsigned id)
{
    for (size_t i = 0; i < count; i++) {
        if (ids[i] == id) {
            return true;
        }
    }
    return false;
}

/* As libvirt: those without an <iothread> get the lowest that are free. */
static void
fill_ids(unsigned *ids, size_t *count, size_t wanted)
{
    for (unsigned id = 1; *count < wanted; id++) {
        if (!has_id(ids, *count, id)) {
            ids[(*count)++] = id;
        }
    }
}

static size_t
read_ids(SvirtReader *reader, SvirtXmlNode *list, unsigned *ids)
{
    SvirtXmlNode *node = NULL;
    size_t count = 0;

    while ((node = svirt_reader_next(reader, list, node, "iothread"))) {
        unsigned id;

        (void)svirt_reader_required(reader, node, "id"); /* error is kept */
        id = (unsigned)svirt_reader_number(reader, node, "id", 1, UINT32_MAX,
                                           1);
        if (has_id(ids, count, id)) {
            svirt_reader_fail(reader, node->line, SVIRT_ERROR_INVALID,
                              "give each its own", "second <iothread id='%u'>",
                              id);
        }
        ids[count++] = id;
    }
    return count;
}

static void
read_pins(SvirtReader *reader, SvirtXmlNode *root, SvirtDomain *domain)
{
    SvirtXmlNode *tune = svirt_reader_child(reader, root, "cputune");
    size_t count = svirt_reader_count(tune, "iothreadpin");
    SvirtPin *pins = svirt_arena_array(reader->arena, count, sizeof(*pins));
    SvirtXmlNode *node = NULL;
    SvirtCpus cpus;

    for (size_t i = 0; i < count; i++) {
        node = svirt_reader_next(reader, tune, node, "iothreadpin");
        (void)svirt_reader_required(reader, node, "iothread"); /* kept */
        pins[i].vcpu = (unsigned)svirt_reader_number(reader, node, "iothread",
                                                     1, UINT32_MAX, 1);
        pins[i].cpus = svirt_reader_required(reader, node, "cpuset");
        pins[i].line = node->line;
        if (reader->error == NULL &&
            !svirt_cpus_parse(pins[i].cpus, &cpus)) {
            svirt_reader_fail(reader, node->line, SVIRT_ERROR_INVALID,
                              "write it as 0-3,^2,8",
                              "cpuset='%.80s' of <iothreadpin> is no list of "
                              "CPUs",
                              pins[i].cpus);
        } else if (reader->error == NULL &&
                   !has_id(domain->iothreads, domain->iothread_count,
                           pins[i].vcpu)) {
            svirt_reader_fail(reader, node->line, SVIRT_ERROR_INVALID,
                              "make it with <iothreads>",
                              "<iothreadpin> names iothread %u, which is not "
                              "there",
                              pins[i].vcpu);
        } else if (reader->error == NULL && pins[i].vcpu > PINNED_MAX) {
            svirt_reader_fail(reader, node->line, SVIRT_ERROR_UNSUPPORTED,
                              "give an id up to 9999 to one that is pinned",
                              "<iothreadpin> names iothread %u, whose thread "
                              "has no name of its own",
                              pins[i].vcpu);
        }
    }
    domain->tune.iothread_pins = pins;
    domain->tune.iothread_pin_count = count;
}

void
svirt_parse_iothreads(SvirtReader *reader, SvirtXmlNode *root,
                      SvirtDomain *domain)
{
    SvirtXmlNode *number = svirt_reader_child(reader, root, "iothreads");
    SvirtXmlNode *list = svirt_reader_child(reader, root, "iothreadids");
    size_t listed = list != NULL ? svirt_reader_count(list, "iothread") : 0;
    size_t wanted = number != NULL
                        ? svirt_reader_text_number(reader, number, 0,
                                                   SVIRT_IOTHREADS_MAX)
                        : 0;
    unsigned *ids;

    if (listed > SVIRT_IOTHREADS_MAX) {
        svirt_reader_fail(reader, list->line, SVIRT_ERROR_INVALID, NULL,
                          "there are more than %u iothreads",
                          SVIRT_IOTHREADS_MAX);
        list->unread = true;
        return;
    }
    ids = svirt_arena_array(reader->arena, MAX(listed, wanted), sizeof(*ids));
    domain->iothread_count =
        list != NULL ? read_ids(reader, list, ids) : 0;
    fill_ids(ids, &domain->iothread_count, wanted);
    domain->iothreads = ids;
    (void)svirt_reader_part(reader);
    read_pins(reader, root, domain);
}
