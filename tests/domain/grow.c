/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "grow.h"

#include <string.h>

#include "template.h"

typedef struct Grown {
    SvirtXmlDocument *document;
    size_t listed;  /* resources that the shape makes */
    unsigned depth; /* of fragments within fragments */
} Grown;

#define DEPTH_MAX 4u

const char *
grow_sample(const char *type)
{
    switch (type[0]) {
    case '/':
        return "/x/y";
    case '#':
        return "1";
    case '%':
        return "word";
    case '?':
    case '*':
    case '\0':
        return "x";
    default:
        return strcmp(type, "UUID") == 0
                   ? "c7a5fdbd-edaf-9455-926a-d65c16db1809"
               : strcmp(type, "MAC") == 0 ? "52:54:00:00:00:09"
               : strcmp(type, "SET") == 0 ? "1"
                                          : type;
    }
}

/* Behind the '}' of what begins at `text`. */
static const char *
behind(const char *text)
{
    for (unsigned depth = 1; depth > 0; text++) {
        depth += *text == '{';
        depth -= *text == '}';
    }
    return text;
}

static const char *
fragment(const char *name)
{
    const SvirtShapeFragment *all = svirt_shape_fragments();

    while (strcmp(all->name, name) != 0) {
        all++;
    }
    return all->shape;
}

static void grow(Grown *grown, SvirtXmlNode *node, const char *shape);

static void
grow_value(Grown *grown, SvirtXmlNode *node, const char *name,
           const char *type)
{
    g_auto(GStrv) parts = g_strsplit(type, ">", 2);
    g_auto(GStrv) words = g_strsplit(parts[0] != NULL ? parts[0] : "", "|",
                                     -1);
    const char *value = grow_sample(words[0] != NULL ? words[0] : "");

    if (name[0] == '\0') {
        node->text = g_intern_string(value);
    } else if (svirt_xml_get(node, name) != NULL) {
        return;
    } else {
        svirt_xml_set(grown->document, node, g_intern_string(name), "%s",
                      value);
    }
    grown->listed += parts[0] != NULL && parts[1] != NULL;
}

/* Images are within images without end. */
static const char *
grow_child(Grown *grown, SvirtXmlNode *node, const char *name,
           const char *body)
{
    bool wanted = grown->depth < DEPTH_MAX ||
                  (strcmp(name, "backingStore") != 0 &&
                   strcmp(name, "dataStore") != 0);
    SvirtXmlNode *child =
        wanted ? svirt_xml_ensure(grown->document, node, g_intern_string(name))
               : NULL;

    if (*body != '{') {
        return body;
    }
    if (wanted) {
        grow(grown, child, body + 1);
    }
    return behind(body + 1);
}

static void
grow(Grown *grown, SvirtXmlNode *node, const char *shape)
{
    while (*(shape += strspn(shape, " ")) != '\0' && *shape != '}') {
        size_t length = strcspn(shape, " ");
        g_autofree char *item = g_strndup(shape, length);
        char *type = strchr(item, '=');
        char sign = item[0];
        g_autofree char *name = NULL;

        shape += length;
        if (type != NULL) {
            *type++ = '\0';
        }
        name = g_strdup(strchr("@$&", sign) != NULL ? item + 1 : item);
        name[strcspn(name, "!*+")] = '\0';
        if (sign == '@' || sign == '$') {
            grow_value(grown, node, name, type != NULL ? type : "");
        } else if (sign == '&') {
            grown->depth++;
            grow(grown, node, fragment(name));
            grown->depth--;
        } else {
            shape = grow_child(grown, node, name, shape + strspn(shape, " "));
        }
    }
}

/* The element that a row speaks of, in the template; a new one of a device. */
static SvirtXmlNode *
place(SvirtXmlDocument *document, const char *path)
{
    g_auto(GStrv) elements = g_strsplit(path, "/", -1);
    SvirtXmlNode *node = document->root;

    for (size_t i = 0; elements[i] != NULL && elements[i][0] != '\0'; i++) {
        bool device = i == 1 && elements[2] == NULL &&
                      strcmp(elements[0], "devices") == 0;
        const char *name = g_intern_string(elements[i]);

        node = device ? svirt_xml_insert(document, node, node->last_child,
                                         name, NULL)
                      : svirt_xml_ensure(document, node, name);
    }
    return node;
}

char *
grow_obstacle(const SvirtObstacleRow *row, const char *extra,
              size_t *ret_listed)
{
    const bool inner = row->path[0] == '^';
    g_autofree char *path = template_path(row->path + inner);
    g_auto(GStrv) condition = g_strsplit(path, "@", 2);
    char *value = condition[1] != NULL ? strchr(condition[1], '=') : NULL;
    g_autofree char *name =
        value != NULL
            ? g_strndup(condition[1], (gsize)(value - condition[1]))
            : NULL;
    Grown grown = { 0 };
    SvirtXmlNode *node;
    char *text;

    svirt_xml_parse(template_text, strlen(template_text), "t", &grown.document,
                    NULL);
    if (inner) {
        char *slash = strrchr(condition[0], '/');

        *slash = '\0';
        node = place(grown.document, condition[0]);
        svirt_xml_set(grown.document,
                      svirt_xml_ensure(grown.document, node, slash + 1),
                      name, "%s", value + 1);
    } else {
        node = place(grown.document, condition[0]);
        if (value != NULL) {
            svirt_xml_set(grown.document, node, name, "%s", value + 1);
        }
    }
    grow(&grown, node, row->shape);
    if (extra != NULL && extra[0] == '@') {
        svirt_xml_set(grown.document, node, extra + 1, "x");
    } else if (extra != NULL) {
        svirt_xml_insert(grown.document, node, node->last_child, extra, NULL);
    }
    *ret_listed = grown.listed;
    text = svirt_xml_print(grown.document);
    svirt_xml_document_free(grown.document);
    return text;
}
