/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "domain/parse.h"

#define QEMU_URI "http://libvirt.org/schemas/domain/qemu/1.0"
#define ARGS_MAX 256u
#define ARG_BYTES_MAX 4096u

/*
 * Arguments that the definition's author adds to QEMU's. They are read here,
 * and given only where a waiver says so (hypervisor/commandline.h).
 */

static bool
is_qemu(const SvirtXmlNode *node, const char *name)
{
    return g_strcmp0(node->namespace_uri, QEMU_URI) == 0 &&
           strcmp(node->local_name, name) == 0;
}

/* The attribute outside any namespace; an empty one is a value too. */
static const char *
read_value(SvirtReader *reader, SvirtXmlNode *node)
{
    const char *value = NULL;

    for (unsigned i = 0; i < node->attribute_count; i++) {
        if (strcmp(node->attributes[i].name, "value") == 0) {
            node->attributes[i].seen = true;
            value = node->attributes[i].value;
        }
    }
    if (value == NULL || strlen(value) > ARG_BYTES_MAX) {
        svirt_reader_fail(reader, node->line, SVIRT_ERROR_INVALID,
                          "add value='...', up to 4096 bytes",
                          "<%s> has no value, or too long a one", node->name);
    }
    return value;
}

static void
read_args(SvirtReader *reader, SvirtXmlNode *list, SvirtDomain *domain)
{
    const char **args =
        svirt_arena_array(reader->arena, ARGS_MAX, sizeof(*args));

    for (SvirtXmlNode *node = list->first_child; node != NULL;
         node = node->next) {
        if (is_qemu(node, "env")) {
            node->seen = true;
            node->unread = true;
            svirt_reader_fail(reader, node->line, SVIRT_ERROR_UNSUPPORTED,
                              "remove it: an emulator has no environment but "
                              "svirt's",
                              "<%s> is not built", node->name);
        } else if (is_qemu(node, "arg")) {
            node->seen = true;
            if (domain->extra_arg_count == ARGS_MAX) {
                svirt_reader_fail(reader, node->line, SVIRT_ERROR_INVALID,
                                  NULL, "<%s> has more than %u arguments",
                                  list->name, ARGS_MAX);
                break;
            }
            args[domain->extra_arg_count++] = read_value(reader, node);
        }
        (void)svirt_reader_part(reader);
    }
    domain->extra_args = args;
}

void
svirt_parse_commandline(SvirtReader *reader, SvirtXmlNode *root,
                        SvirtDomain *domain)
{
    for (SvirtXmlNode *node = root->first_child; node != NULL;
         node = node->next) {
        if (!is_qemu(node, "commandline")) {
            continue;
        }
        if (domain->extra_line != 0) {
            svirt_reader_fail(reader, node->line, SVIRT_ERROR_INVALID,
                              "keep one of the two",
                              "second <%s>, the first is in line %u",
                              node->name, domain->extra_line);
            node->unread = true;
            continue;
        }
        node->seen = true;
        domain->extra_line = node->line;
        read_args(reader, node, domain);
    }
}
