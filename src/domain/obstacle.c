/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain/obstacle.h"

#include <stdarg.h>
#include <string.h>

#include "domain/parse.h"

static void
keep(SvirtReader *reader, const SvirtXmlNode *element, unsigned line,
     SvirtVerdict verdict, const char *hint, const char *thing)
{
    g_autofree char *clean = svirt_xml_clean(thing);
    SvirtObstacle obstacle = {
        .line = line,
        .code = svirt_rules_code(verdict),
        .hint = hint,
        .element = element,
    };

    if (reader->obstacles->len >= SVIRT_DOMAIN_OBSTACLES_MAX) {
        return;
    }
    obstacle.text = svirt_arena_printf(
        reader->arena, "%s:%u: %s %s", reader->document->file, line, clean,
        svirt_rules_words(verdict));
    for (guint i = 0; i < reader->obstacles->len; i++) {
        SvirtObstacle *other =
            &g_array_index(reader->obstacles, SvirtObstacle, i);
        bool same = other->element == NULL || element == NULL ||
                    other->element == element;

        if (same && strcmp(other->text, obstacle.text) == 0) {
            other->element = element != NULL ? element : other->element;
            return; /* one element may be asked for in several parts */
        }
    }
    g_array_append_val(reader->obstacles, obstacle);
}

void
svirt_obstacle_add(SvirtReader *reader, unsigned line, SvirtVerdict verdict,
                   const char *hint, const char *format, ...)
{
    g_autofree char *thing = NULL;
    va_list args;

    va_start(args, format);
    thing = g_strdup_vprintf(format, args);
    va_end(args);
    keep(reader, NULL, line, verdict, hint, thing);
}

static void
note(SvirtReader *reader, const SvirtXmlNode *node,
     const SvirtObstacleRow *row, const char *attribute, const char *value)
{
    g_autofree char *thing = svirt_rules_show(node, attribute, value);

    keep(reader, NULL, node->line, row->verdict, row->hint, thing);
}

/* Its number among those of its name. */
static unsigned
ordinal_of(const SvirtXmlNode *node)
{
    unsigned ordinal = 1;

    for (const SvirtXmlNode *other = node->parent->first_child; other != node;
         other = other->next) {
        ordinal += strcmp(other->name, node->name) == 0;
    }
    return ordinal;
}

/* "devices/hostdev[2]/source" */
static void
append_origin(GString *text, const SvirtXmlNode *node)
{
    if (node->parent == NULL) {
        return;
    }
    append_origin(text, node->parent);
    g_string_append_printf(text, "%s%s", text->len > 0 ? "/" : "", node->name);
    if (strcmp(node->parent->name, "devices") == 0) {
        g_string_append_printf(text, "[%u]", ordinal_of(node));
    }
}

void
svirt_obstacle_list(SvirtReader *reader, const SvirtXmlNode *node,
                    SvirtResourceKind kind, SvirtAccess access,
                    const char *text)
{
    g_autoptr(GString) origin = g_string_new(NULL);
    SvirtResource resource = {
        .kind = kind,
        .access = access,
        .line = node->line,
    };

    append_origin(origin, node);
    resource.origin = svirt_arena_printf(reader->arena, "%s", origin->str);
    if (text != NULL && kind != SVIRT_RESOURCE_SECRET &&
        (text[0] == '/' || kind == SVIRT_RESOURCE_TCP_LISTEN ||
         kind == SVIRT_RESOURCE_TCP_CONNECT)) {
        resource.path = text;
    } else {
        resource.name = text;
    }
    g_array_append_val(reader->resources, resource);
}

/* A row of elements, taken apart: "^devices/disk/target@bus=sd". */
typedef struct Pattern {
    char *element; /* owned, as are all: "devices/disk" */
    char *child;   /* "target"; NULL: the element itself says so */
    char *name;    /* "bus"; NULL: every such element */
    char *value;
} Pattern;

static void
pattern_clear(Pattern *pattern)
{
    g_free(pattern->element);
    g_free(pattern->child);
    g_free(pattern->name);
    g_free(pattern->value);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Pattern, pattern_clear)

/* False: the row is of a value or of an attribute. */
static bool
pattern_read(const SvirtObstacleRow *row, Pattern *ret)
{
    const char *path = row->path[0] == '^' ? row->path + 1 : row->path;
    const char *at = strchr(path, '@');
    const char *equal = strchr(path, '=');

    memset(ret, 0, sizeof(*ret));
    if (row->shape == NULL || (at == NULL) != (equal == NULL)) {
        return false;
    }
    ret->element = at == NULL ? g_strdup(path)
                              : g_strndup(path, (gsize)(at - path));
    if (at != NULL) {
        ret->name = g_strndup(at + 1, (gsize)(equal - at - 1));
        ret->value = g_strdup(equal + 1);
    }
    if (path != row->path) {
        char *slash = strrchr(ret->element, '/');

        ret->child = g_strdup(slash + 1);
        *slash = '\0';
    }
    return true;
}

/* The one that has the pattern's value; NULL none. */
static const SvirtXmlNode *
pattern_find(const Pattern *pattern, const SvirtXmlNode *node)
{
    if (pattern->child != NULL) {
        /* What is below a <backingStore> is called the same. */
        for (node = svirt_xml_find(node, pattern->child); node != NULL;
             node = svirt_xml_find(node, pattern->child)) {
            if (g_strcmp0(svirt_xml_get(node, pattern->name),
                          pattern->value) == 0) {
                return node;
            }
        }
        return NULL;
    }
    return pattern->name == NULL ||
                   g_strcmp0(svirt_xml_get(node, pattern->name),
                             pattern->value) == 0
               ? node
               : NULL;
}

/* The row that has the whole element, and who in it says so. */
static const SvirtObstacleRow *
find_in(const SvirtObstacleRow *row, const SvirtXmlNode *node,
        const char *path, char **ret_thing, unsigned *ret_line)
{
    for (; row->path != NULL; row++) {
        g_auto(Pattern) pattern = { 0 };
        const SvirtXmlNode *found;

        if (!pattern_read(row, &pattern) ||
            !svirt_rules_match(pattern.element, path)) {
            continue;
        }
        found = pattern_find(&pattern, node);
        if (found != NULL) {
            *ret_thing =
                svirt_rules_show(found, pattern.name, pattern.value);
            *ret_line = found->line;
            return row;
        }
    }
    return NULL;
}

static const SvirtObstacleRow *
find_element(const SvirtXmlNode *node, char **ret_thing, unsigned *ret_line)
{
    g_autofree char *path = svirt_rules_path(node, NULL, NULL);
    const SvirtObstacleRow *row = find_in(svirt_obstacle_device_table(), node,
                                          path, ret_thing, ret_line);

    return row != NULL ? row : find_in(svirt_obstacle_table(), node, path,
                                       ret_thing, ret_line);
}

static const SvirtObstacleRow *
find_value(const SvirtXmlNode *node, const char *attribute, const char *value)
{
    g_autofree char *path = svirt_rules_path(node, attribute, value);

    for (const SvirtObstacleRow *row = svirt_obstacle_device_table();
         row->path != NULL; row++) {
        if (svirt_rules_match(row->path, path)) {
            return row;
        }
    }
    for (const SvirtObstacleRow *row = svirt_obstacle_table();
         row->path != NULL; row++) {
        if (svirt_rules_match(row->path, path)) {
            return row;
        }
    }
    return NULL;
}

static bool
is_device(const SvirtXmlNode *node)
{
    const SvirtXmlNode *parent = node->parent;

    return parent != NULL && strcmp(parent->name, "devices") == 0 &&
           parent->parent != NULL && parent->parent->parent == NULL;
}

/* A <console> that is the first <serial> once more. */
static bool
repeats_serial(const SvirtXmlNode *node)
{
    const SvirtXmlNode *target = svirt_xml_find(node, "target");
    const char *type =
        target != NULL ? svirt_xml_get(target, "type") : NULL;
    const SvirtXmlNode *serial;

    if (strcmp(node->name, "console") != 0 || ordinal_of(node) != 1 ||
        (type != NULL && strcmp(type, "serial") != 0)) {
        return false;
    }
    serial = svirt_xml_find(node->parent, "serial");
    return serial != NULL && g_strcmp0(svirt_xml_get(serial, "type"),
                                       svirt_xml_get(node, "type")) == 0;
}

bool
svirt_obstacle_take(SvirtReader *reader, SvirtXmlNode *node)
{
    const SvirtObstacleRow *row;
    g_autofree char *thing = NULL;
    guint listed = reader->resources->len;
    unsigned line = 0;

    if (node->namespace_uri != NULL) {
        return false;
    }
    row = find_element(node, &thing, &line);
    if (row == NULL) {
        return false;
    }
    node->seen = true;
    keep(reader, node, line, row->verdict, row->hint, thing);
    if (is_device(node)) {
        SvirtDeviceInfo info = { 0 };

        svirt_parse_withheld_info(reader, node, ordinal_of(node), &info);
        if (repeats_serial(node)) {
            svirt_shape_read(reader, node, row->shape);
            g_array_set_size(reader->resources, listed);
            return true;
        }
        g_array_append_val(reader->withheld, info);
    }
    svirt_shape_read(reader, node, row->shape);
    if (row->list != NULL && reader->error == NULL) {
        row->list(reader, node);
    }
    return true;
}

bool
svirt_obstacle_value(SvirtReader *reader, SvirtXmlNode *node,
                     const char *attribute, const char *value)
{
    const SvirtObstacleRow *row = find_value(node, attribute, value);

    if (row == NULL && attribute != NULL) {
        row = find_value(node, attribute, NULL);
        if (row != NULL) {
            svirt_shape_read_value(reader, node, attribute, row->shape);
            value = NULL;
        }
    } else if (row != NULL && row->shape != NULL) {
        svirt_shape_read(reader, node, row->shape);
    }
    if (row == NULL) {
        return false;
    }
    note(reader, node, row, attribute, value);
    if (row->list != NULL) {
        row->list(reader, node);
    }
    return true;
}

bool
svirt_obstacle_attribute(SvirtReader *reader, SvirtXmlNode *node,
                         SvirtXmlAttribute *attribute)
{
    const SvirtObstacleRow *row =
        find_value(node, attribute->name, attribute->value);
    const char *value = attribute->value;

    if (value[0] == '\0') {
        return false; /* names nothing */
    }
    if (row == NULL) {
        row = find_value(node, attribute->name, NULL);
        value = NULL;
    }
    if (row == NULL) {
        return false;
    }
    attribute->seen = true;
    note(reader, node, row, attribute->name, value);
    if (value == NULL) {
        svirt_shape_read_value(reader, node, attribute->name, row->shape);
    }
    return true;
}
