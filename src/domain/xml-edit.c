/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain/xml.h"

#include <string.h>

SvirtXmlNode *
svirt_xml_insert(SvirtXmlDocument *document, SvirtXmlNode *parent,
                 SvirtXmlNode *after, const char *name, const char *text)
{
    SvirtXmlNode *node = svirt_arena_alloc(document->arena, sizeof(*node));

    node->name = svirt_arena_text(document->arena, name, strlen(name));
    node->local_name = node->name;
    node->namespace_uri = parent->namespace_uri;
    node->text = text != NULL
                     ? svirt_arena_text(document->arena, text, strlen(text))
                     : NULL;
    node->line = after != NULL ? after->line : parent->line;
    node->seen = true;
    node->parent = parent;
    node->next = after != NULL ? after->next : parent->first_child;
    if (after != NULL) {
        after->next = node;
    } else {
        parent->first_child = node;
    }
    if (node->next == NULL) {
        parent->last_child = node;
    }
    return node;
}

SvirtXmlNode *
svirt_xml_find(const SvirtXmlNode *parent, const char *name)
{
    SvirtXmlNode *child = parent->first_child;

    while (child != NULL && (child->namespace_uri != NULL ||
                             strcmp(child->name, name) != 0)) {
        child = child->next;
    }
    return child;
}

SvirtXmlNode *
svirt_xml_ensure(SvirtXmlDocument *document, SvirtXmlNode *parent,
                 const char *name)
{
    SvirtXmlNode *child = svirt_xml_find(parent, name);

    return child != NULL ? child
                         : svirt_xml_insert(document, parent,
                                            parent->last_child, name, NULL);
}

const char *
svirt_xml_get(const SvirtXmlNode *node, const char *name)
{
    for (unsigned i = 0; i < node->attribute_count; i++) {
        if (strcmp(node->attributes[i].name, name) == 0) {
            return node->attributes[i].value;
        }
    }
    return NULL;
}

void
svirt_xml_set(SvirtXmlDocument *document, SvirtXmlNode *node, const char *name,
              const char *format, ...)
{
    SvirtXmlAttribute *all;
    g_autofree char *text = NULL;
    const char *value;
    va_list args;

    va_start(args, format);
    text = g_strdup_vprintf(format, args);
    va_end(args);
    value = svirt_arena_text(document->arena, text, strlen(text));
    for (unsigned i = 0; i < node->attribute_count; i++) {
        if (strcmp(node->attributes[i].name, name) == 0) {
            node->attributes[i].value = value;
            return;
        }
    }
    all = svirt_arena_array(document->arena, node->attribute_count + 1,
                            sizeof(*all));
    if (node->attribute_count > 0) {
        memcpy(all, node->attributes, node->attribute_count * sizeof(*all));
    }
    all[node->attribute_count++] = (SvirtXmlAttribute){
        .name = svirt_arena_text(document->arena, name, strlen(name)),
        .value = value,
        .seen = true,
    };
    node->attributes = all;
}

static void
forget(SvirtXmlNode *node)
{
    node->seen = node->text_seen = node->opaque = node->unread = false;
    for (unsigned i = 0; i < node->attribute_count; i++) {
        node->attributes[i].seen = false;
    }
    for (SvirtXmlNode *child = node->first_child; child != NULL;
         child = child->next) {
        forget(child); /* the parser bounds the depth */
    }
}

void
svirt_xml_forget_readers(SvirtXmlDocument *document)
{
    forget(document->root);
}
