/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain/xml.h"

#include <string.h>

/* `quote` is the delimiter of an attribute, 0 for text between tags. */
static void
append_escaped(GString *out, const char *text, char quote)
{
    for (const char *p = text; *p != '\0'; p++) {
        if (*p == '&') {
            g_string_append(out, "&amp;");
        } else if (*p == '<') {
            g_string_append(out, "&lt;");
        } else if (*p == '>') {
            g_string_append(out, "&gt;");
        } else if (*p == quote) {
            g_string_append(out, "&apos;");
        } else if (*p == '\r' || (quote != 0 && (*p == '\n' || *p == '\t'))) {
            /* A parser turns the bare character into something else. */
            g_string_append_printf(out, "&#%d;", *p);
        } else {
            g_string_append_c(out, *p);
        }
    }
}

static bool
has_mixed_content(const SvirtXmlNode *node)
{
    if (node->first_child == NULL) {
        return false;
    }
    if (node->text != NULL) {
        return true;
    }
    for (const SvirtXmlNode *child = node->first_child; child != NULL;
         child = child->next) {
        if (child->tail != NULL) {
            return true;
        }
    }
    return false;
}

static void
append_start(GString *out, const SvirtXmlNode *node)
{
    g_string_append_c(out, '<');
    g_string_append(out, node->name);
    for (unsigned i = 0; i < node->attribute_count; i++) {
        g_string_append_c(out, ' ');
        g_string_append(out, node->attributes[i].name);
        g_string_append(out, "='");
        append_escaped(out, node->attributes[i].value, '\'');
        g_string_append_c(out, '\'');
    }
}

/* `level` is the indentation; -1 inside mixed content, where every blank
   would become part of the text. */
static void
append_node(GString *out, const SvirtXmlNode *node, int level)
{
    int inner = level < 0 || has_mixed_content(node) ? -1 : level + 1;

    append_start(out, node);
    if (node->first_child == NULL && node->text == NULL) {
        g_string_append(out, "/>");
        return;
    }
    g_string_append_c(out, '>');
    if (node->text != NULL) {
        append_escaped(out, node->text, 0);
    }
    for (const SvirtXmlNode *child = node->first_child; child != NULL;
         child = child->next) {
        if (inner >= 0) {
            g_string_append_printf(out, "\n%*s", 2 * inner, "");
        }
        append_node(out, child, inner);
        if (child->tail != NULL) {
            append_escaped(out, child->tail, 0);
        }
    }
    if (inner >= 0 && node->first_child != NULL) {
        g_string_append_printf(out, "\n%*s", 2 * level, "");
    }
    g_string_append_printf(out, "</%s>", node->name);
}

char *
svirt_xml_print(const SvirtXmlDocument *document)
{
    GString *out = g_string_sized_new(4096);

    append_node(out, document->root, 0);
    g_string_append_c(out, '\n');
    return g_string_free(out, FALSE);
}

bool
svirt_xml_equal(const SvirtXmlNode *a, const SvirtXmlNode *b)
{
    const SvirtXmlNode *left = a->first_child;
    const SvirtXmlNode *right = b->first_child;

    if (strcmp(a->name, b->name) != 0 ||
        a->attribute_count != b->attribute_count ||
        g_strcmp0(a->namespace_uri, b->namespace_uri) != 0 ||
        g_strcmp0(a->text, b->text) != 0 || g_strcmp0(a->tail, b->tail) != 0) {
        return false;
    }
    for (unsigned i = 0; i < a->attribute_count; i++) {
        if (strcmp(a->attributes[i].name, b->attributes[i].name) != 0 ||
            strcmp(a->attributes[i].value, b->attributes[i].value) != 0) {
            return false;
        }
    }
    while (left != NULL && right != NULL) {
        if (!svirt_xml_equal(left, right)) {
            return false;
        }
        left = left->next;
        right = right->next;
    }
    return left == NULL && right == NULL;
}
