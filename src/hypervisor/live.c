/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hypervisor/live.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"

#define LIVE_BYTES 65536u

bool
svirt_live_write(int run_dir_fd, const char *lines, GError **error)
{
    SVIRT_AUTO_FD fd =
        openat(run_dir_fd, SVIRT_RUN_LIVE,
               O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);

    return (fd >= 0 && svirt_write_full(fd, lines, strlen(lines))) ||
           svirt_raise_errno(error, errno, "free space in /run",
                             "cannot write '%s' in the run directory",
                             SVIRT_RUN_LIVE);
}

char **
svirt_live_read(SvirtManager *manager, const SvirtUuid *uuid)
{
    g_autofree char *text = g_malloc(LIVE_BYTES);
    int runs = svirt_manager_run_dir(manager, false, NULL);
    g_autofree char *path = NULL;
    char name[SVIRT_UUID_TEXT];
    SvirtRunStatus run;

    svirt_uuid_format(uuid, name);
    path = g_build_filename(name, SVIRT_RUN_LIVE, NULL);
    if (runs < 0 || !svirt_manager_run_status(manager, uuid, &run, NULL) ||
        !svirt_run_status_is_active(&run) ||
        svirt_read_small(runs, path, text, LIVE_BYTES) < 0) {
        text[0] = '\0';
    }
    return g_strsplit(text, "\n", -1);
}

const char *
svirt_live_find(char *const *lines, const char *element, unsigned ordinal)
{
    g_autofree char *start = g_strdup_printf("%s%u=", element, ordinal);

    for (; *lines != NULL; lines++) {
        if (g_str_has_prefix(*lines, start)) {
            return *lines + strlen(start);
        }
    }
    return NULL;
}

static void
set_attribute(SvirtXmlDocument *document, SvirtXmlNode *node, const char *name,
              const char *value)
{
    SvirtXmlAttribute *all;

    for (unsigned i = 0; i < node->attribute_count; i++) {
        if (strcmp(node->attributes[i].name, name) == 0) {
            node->attributes[i].value =
                svirt_arena_printf(document->arena, "%s", value);
            return;
        }
    }
    all = svirt_arena_array(document->arena, node->attribute_count + 1,
                            sizeof(*all));
    if (node->attribute_count > 0) {
        memcpy(all, node->attributes, node->attribute_count * sizeof(*all));
    }
    all[node->attribute_count].name = name;
    all[node->attribute_count].value =
        svirt_arena_printf(document->arena, "%s", value);
    node->attributes = all;
    node->attribute_count++;
}

static void
remove_attribute(SvirtXmlNode *node, const char *name)
{
    unsigned kept = 0;

    for (unsigned i = 0; i < node->attribute_count; i++) {
        if (strcmp(node->attributes[i].name, name) != 0) {
            node->attributes[kept++] = node->attributes[i];
        }
    }
    node->attribute_count = kept;
}

static SvirtXmlNode *
child_of(SvirtXmlDocument *document, SvirtXmlNode *node, const char *name)
{
    SvirtXmlNode *child = node->first_child;

    while (child != NULL && strcmp(child->name, name) != 0) {
        child = child->next;
    }
    return child != NULL ? child
                         : svirt_xml_insert(document, node, NULL, name, NULL);
}

static void
show_graphics(SvirtXmlDocument *document, SvirtXmlNode *node,
              const char *value)
{
    SvirtXmlNode *listen = child_of(document, node, "listen");
    const char *port = strrchr(value, ' ');

    if (value[0] == '/') {
        set_attribute(document, listen, "type", "socket");
        set_attribute(document, listen, "socket", value);
    } else if (port != NULL) {
        g_autofree char *address = g_strndup(value, (gsize)(port - value));

        set_attribute(document, node, "port", port + 1);
        set_attribute(document, listen, "type", "address");
        set_attribute(document, listen, "address", address);
    }
}

/* A first console that is the first serial has that one's terminal. */
static void
show_element(SvirtXmlDocument *document, SvirtXmlNode *node, char *const *lines,
             unsigned ordinal)
{
    const char *value = svirt_live_find(lines, node->name, ordinal);

    if (value == NULL && ordinal == 1 && strcmp(node->name, "console") == 0) {
        value = svirt_live_find(lines, "serial", 1);
    }
    if (value == NULL) {
        return;
    }
    if (strcmp(node->name, "graphics") == 0) {
        show_graphics(document, node, value);
    } else if (strcmp(node->name, "vsock") == 0) {
        set_attribute(document, child_of(document, node, "cid"), "address",
                      value);
    } else {
        SvirtXmlNode *source = child_of(document, node, "source");

        if (!g_str_has_prefix(value, "/dev/")) {
            set_attribute(document, source, "mode", "bind");
        }
        set_attribute(document, source, "path", value);
    }
}

static void
show_devices(SvirtXmlDocument *document, SvirtXmlNode *devices,
             char *const *lines, bool passwords)
{
    static const char *const names[] = { "graphics", "serial", "console",
                                         "channel", "parallel",
                                         "vsock" };

    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        unsigned ordinal = 0;

        for (SvirtXmlNode *node = devices->first_child; node != NULL;
             node = node->next) {
            if (strcmp(node->name, names[i]) != 0) {
                continue;
            }
            if (!passwords) {
                remove_attribute(node, "passwd");
            }
            show_element(document, node, lines, ++ordinal);
        }
    }
}

bool
svirt_live_print(SvirtManager *manager, const SvirtDefinition *definition,
                 bool inactive, bool passwords, char **ret, GError **error)
{
    g_auto(GStrv) lines = NULL;
    g_autoptr(SvirtXmlDocument) document = NULL;
    SvirtRunStatus run = { 0 };
    SvirtXmlNode *devices;

    if (!inactive && !svirt_manager_run_status(manager, &definition->uuid,
                                               &run, error)) {
        return false;
    }
    inactive = inactive || !svirt_run_status_is_active(&run);
    if (inactive && (passwords ||
                     strstr(definition->xml, " passwd=") == NULL)) {
        *ret = g_strdup(definition->xml);
        return true;
    }
    if (!svirt_xml_parse(definition->xml, strlen(definition->xml),
                         definition->name, &document, error)) {
        return false;
    }
    lines = inactive ? g_new0(char *, 1)
                     : svirt_live_read(manager, &definition->uuid);
    if (!inactive) {
        g_autofree char *id = g_strdup_printf("%u", run.id);

        set_attribute(document, document->root, "id", id);
    }
    devices = child_of(document, document->root, "devices");
    show_devices(document, devices, lines, passwords);
    *ret = svirt_xml_print(document);
    return true;
}

char *
svirt_live_holder(SvirtManager *manager, const SvirtUuid *but, unsigned port)
{
    g_autofree char *end = g_strdup_printf(" %u", port);
    g_autoptr(GPtrArray) runs = NULL;

    if (!svirt_manager_list_runs(manager, &runs, NULL)) {
        return NULL;
    }
    for (unsigned i = 0; i < runs->len; i++) {
        const SvirtRunStatus *run = runs->pdata[i];
        g_auto(GStrv) lines = svirt_live_read(manager, &run->uuid);

        for (char **line = lines; *line != NULL; line++) {
            if (!svirt_uuid_equal(&run->uuid, but) &&
                g_str_has_suffix(*line, end)) {
                return g_strdup(run->name);
            }
        }
    }
    return NULL;
}
