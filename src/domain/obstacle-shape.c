/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain/obstacle.h"

#include <string.h>

#include "domain/tune.h"

/* One item of a shape; texts are in the shape, lengths in bytes. */
typedef struct Item {
    char sign;        /* '@', '$', '&', or 0: an element */
    char name[40];    /* longer than any that libvirt has */
    char count;       /* '!', '*', '+', or 0 */
    const char *type; /* behind '=', up to a blank; NULL: none */
    const char *body; /* behind '{'; NULL: none */
} Item;

static const char *
skip_blanks(const char *text)
{
    while (*text == ' ') {
        text++;
    }
    return text;
}

/* Behind the '}' that ends what begins at `text`. */
static const char *
skip_body(const char *text)
{
    unsigned depth = 1;

    for (; depth > 0; text++) {
        g_assert(*text != '\0');
        depth += *text == '{';
        depth -= *text == '}';
    }
    return text;
}

/* NULL at the end of the shape. */
static const char *
next_item(const char *text, Item *ret)
{
    size_t length;

    memset(ret, 0, sizeof(*ret));
    text = skip_blanks(text);
    if (*text == '\0' || *text == '}') {
        return NULL;
    }
    if (strchr("@$&", *text) != NULL) {
        ret->sign = *text++;
    }
    length = strcspn(text, " =!*+{}");
    g_assert(length < sizeof(ret->name));
    memcpy(ret->name, text, length);
    text += length;
    if (*text != '\0' && strchr("!*+", *text) != NULL) {
        ret->count = *text++;
    }
    if (*text == '=') {
        ret->type = ++text;
        text += strcspn(text, " ");
    }
    text = skip_blanks(text);
    if (*text == '{') {
        ret->body = text + 1;
        text = skip_body(text + 1);
    }
    return text;
}

/* ">directory,sh" */
static void
capture(SvirtReader *reader, const SvirtXmlNode *node, const char *text,
        const char *value)
{
    g_auto(GStrv) words = g_strsplit(text, ",", 2);
    SvirtAccess access = SVIRT_ACCESS_EXCLUSIVE;
    SvirtResourceKind kind;
    bool known = svirt_resource_kind_from_string(words[0], &kind);

    g_assert(known);
    if (g_strcmp0(words[1], "ro") == 0) {
        access = SVIRT_ACCESS_READ_ONLY;
    } else if (g_strcmp0(words[1], "sh") == 0) {
        access = SVIRT_ACCESS_SHARED;
    }
    svirt_obstacle_list(reader, node, kind, access, value);
}

/* Not by svirt_reader_bad_word_of: that would ask the row of this again. */
static void
check_words(SvirtReader *reader, const SvirtXmlNode *node,
            const char *attribute, const char *value, const char *words)
{
    g_auto(GStrv) table = g_strsplit(words, "|", -1);
    g_autofree char *list = g_strjoinv(", ", table);
    g_autofree char *hint = g_strconcat("use one of: ", list, NULL);

    if (g_strv_contains((const char *const *)table, value)) {
        return;
    }
    if (attribute != NULL) {
        svirt_reader_fail(reader, node->line, SVIRT_ERROR_INVALID, hint,
                          "%s='%.80s' of <%s> is unknown", attribute, value,
                          node->name);
    } else {
        svirt_reader_fail(reader, node->line, SVIRT_ERROR_INVALID, hint,
                          "'%.80s' in <%s> is unknown", value, node->name);
    }
}

static void
check_uuid(SvirtReader *reader, const SvirtXmlNode *node, const char *value)
{
    SvirtUuid uuid;

    if (!svirt_uuid_parse(value, &uuid)) {
        svirt_reader_fail(reader, node->line, SVIRT_ERROR_INVALID, NULL,
                          "'%.80s' in <%s> is no UUID", value, node->name);
    }
}

static void
check_set(SvirtReader *reader, const SvirtXmlNode *node, const char *value)
{
    SvirtCpus set;

    if (!svirt_cpus_parse(value, &set)) {
        svirt_reader_fail(reader, node->line, SVIRT_ERROR_INVALID,
                          "write it as 0-3,^2",
                          "'%.80s' in <%s> is no list of numbers", value,
                          node->name);
    }
}

static void
check_mac(SvirtReader *reader, const SvirtXmlNode *node, const char *value)
{
    bool right = strlen(value) == 17;

    for (size_t i = 0; right && i < 17; i++) {
        right = i % 3 == 2 ? value[i] == ':' : g_ascii_isxdigit(value[i]);
    }
    if (!right) {
        svirt_reader_fail(reader, node->line, SVIRT_ERROR_INVALID,
                          "write it as 52:54:00:12:34:56",
                          "'%.80s' is no MAC address", value);
    }
}

/* What is there, by its type; NULL after a failure. */
static const char *
read_typed(SvirtReader *reader, SvirtXmlNode *node, const char *attribute,
           const char *type)
{
    const char *value;

    if (type[0] == '/') {
        return svirt_reader_path(reader, node, attribute);
    }
    if (type[0] == '*') {
        return attribute != NULL ? svirt_xml_get(node, attribute)
                                 : svirt_reader_raw_text(reader, node);
    }
    value = attribute != NULL ? svirt_reader_attribute(reader, node, attribute)
                              : svirt_reader_text(reader, node);
    if (reader->error != NULL || value == NULL) {
        return NULL;
    }
    if (type[0] == '#') {
        uint64_t max = type[1] != '\0'
                           ? g_ascii_strtoull(type + 1, NULL, 10)
                           : UINT64_MAX;

        if (attribute != NULL) {
            (void)svirt_reader_number(reader, node, attribute, 0, max, 0);
        } else {
            (void)svirt_reader_text_number(reader, node, 0, max);
        }
    } else if (type[0] == '%') {
        if (!svirt_reader_is_word(value)) {
            svirt_reader_fail(reader, node->line, SVIRT_ERROR_INVALID,
                              "use letters, digits, '-', '_', '.' and '+'",
                              "'%.80s' in <%s> is not a single word", value,
                              node->name);
        }
    } else if (strcmp(type, "UUID") == 0) {
        check_uuid(reader, node, value);
    } else if (strcmp(type, "SET") == 0) {
        check_set(reader, node, value);
    } else if (strcmp(type, "MAC") == 0) {
        check_mac(reader, node, value);
    } else if (type[0] != '?') {
        check_words(reader, node, attribute, value, type);
    }
    return reader->error == NULL ? value : NULL;
}

void
svirt_shape_read_value(SvirtReader *reader, SvirtXmlNode *node,
                       const char *attribute, const char *type)
{
    size_t length = strcspn(type, " ");
    size_t typed = strcspn(type, " >");
    g_autofree char *own = g_strndup(type, typed);
    g_autofree char *kind =
        typed < length ? g_strndup(type + typed + 1, length - typed - 1)
                       : NULL;
    const char *value = read_typed(reader, node, attribute, own);

    for (unsigned i = 0; attribute != NULL && i < node->attribute_count; i++) {
        if (strcmp(node->attributes[i].name, attribute) == 0) {
            node->attributes[i].seen = true;
        }
    }
    if (kind != NULL && reader->error == NULL && value != NULL) {
        capture(reader, node, kind, value);
    }
}

static void
read_attribute(SvirtReader *reader, SvirtXmlNode *node, const Item *item)
{
    if (svirt_xml_get(node, item->name) != NULL) {
        svirt_shape_read_value(reader, node, item->name,
                               item->type != NULL ? item->type : "?");
    } else if (item->count == '!') {
        (void)svirt_reader_required(reader, node, item->name);
    }
}

static void
read_elements(SvirtReader *reader, SvirtXmlNode *node, const Item *item)
{
    bool many = item->count == '*' || item->count == '+';
    SvirtXmlNode *child = NULL;
    size_t count = 0;

    while ((child = svirt_reader_next(reader, node, child, item->name))) {
        if (count++ > 0 && !many) {
            svirt_reader_fail(reader, child->line, SVIRT_ERROR_INVALID,
                              "keep one of the two", "second <%s> in <%s>",
                              item->name, node->name);
            return;
        }
        if (item->body != NULL) {
            svirt_shape_read(reader, child, item->body);
        }
    }
    if (count == 0 && (item->count == '!' || item->count == '+')) {
        svirt_reader_fail(reader, node->line, SVIRT_ERROR_INVALID, NULL,
                          "<%s> has no <%s>", node->name, item->name);
    }
}

static const char *
find_fragment(const char *name)
{
    for (const SvirtShapeFragment *fragment = svirt_shape_fragments();
         fragment->name != NULL; fragment++) {
        if (strcmp(fragment->name, name) == 0) {
            return fragment->shape;
        }
    }
    g_assert_not_reached();
}

void
svirt_shape_read(SvirtReader *reader, SvirtXmlNode *node, const char *shape)
{
    const char *text = shape;
    Item item;

    while ((text = next_item(text, &item)) != NULL) {
        switch (item.sign) {
        case '@':
            read_attribute(reader, node, &item);
            break;
        case '$':
            svirt_shape_read_value(reader, node, NULL,
                                   item.type != NULL ? item.type : "?");
            break;
        case '&':
            svirt_shape_read(reader, node, find_fragment(item.name));
            break;
        default:
            read_elements(reader, node, &item);
        }
    }
}
