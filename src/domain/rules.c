/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain/rules.h"

#include <string.h>

#include "domain/obstacle.h"

/* libvirt's own extensions of a domain: qemu, lxc, bhyve, xen, ... */
#define LIBVIRT_DOMAIN_URI "http://libvirt.org/schemas/domain/"
#define DOCS_HINT "remove it; docs/domain-xml.md lists what is supported"

static void
append_path(GString *path, const SvirtXmlNode *node)
{
    if (node->parent == NULL) {
        return; /* <domain> itself is the empty path */
    }
    append_path(path, node->parent);
    if (strcmp(node->name, "backingStore") == 0 &&
        strcmp(node->parent->name, "backingStore") == 0) {
        return;
    }
    if (path->len > 0) {
        g_string_append_c(path, '/');
    }
    g_string_append(path, node->name);
}

static bool
is_separator(char c)
{
    return c == '\0' || c == '/' || c == '@' || c == '=';
}

/* '*' in the pattern stands for one segment. */
bool
svirt_rules_match(const char *pattern, const char *path)
{
    while (*pattern != '\0') {
        if (*pattern == '*') {
            pattern++;
            while (!is_separator(*path)) {
                path++;
            }
        } else if (*pattern++ != *path++) {
            return false;
        }
    }
    return *path == '\0';
}

char *
svirt_rules_path(const SvirtXmlNode *node, const char *attribute,
                 const char *value)
{
    GString *path = g_string_new(NULL);

    append_path(path, node);
    if (attribute != NULL) {
        g_string_append_printf(path, "@%s", attribute);
    }
    if (value != NULL) {
        g_string_append_printf(path, "=%s", value);
    }
    return g_string_free(path, FALSE);
}

const SvirtRule *
svirt_rules_find(const SvirtXmlNode *node, const char *attribute,
                 const char *value)
{
    g_autofree char *path = svirt_rules_path(node, attribute, value);

    for (const SvirtRule *rule = svirt_rules_table(); rule->path != NULL;
         rule++) {
        if (svirt_rules_match(rule->path, path)) {
            return rule;
        }
    }
    return NULL;
}

char *
svirt_rules_show(const SvirtXmlNode *node, const char *attribute,
                 const char *value)
{
    if (attribute != NULL && value != NULL) {
        return g_strdup_printf("%s='%.80s' of <%s>", attribute, value,
                               node->name);
    }
    if (attribute != NULL) {
        return g_strdup_printf("attribute '%.80s' of <%s>", attribute,
                               node->name);
    }
    if (value != NULL) {
        return g_strdup_printf("'%.80s' in <%s>", value, node->name);
    }
    return node->parent != NULL
               ? g_strdup_printf("<%.80s> in <%.80s>", node->name,
                                 node->parent->name)
               : g_strdup_printf("<%.80s>", node->name);
}

const char *
svirt_rules_words(SvirtVerdict verdict)
{
    static const char *const words[SVIRT_VERDICT_MAX] = {
        [SVIRT_VERDICT_RESOURCE] = "would give the VM something of the host",
        [SVIRT_VERDICT_PROTECT] =
            "asks for a protection that would not be given",
        [SVIRT_VERDICT_LIMIT] = "asks for a limit that would not be set",
        [SVIRT_VERDICT_UNBUILT] = "is not supported",
    };

    g_assert(words[verdict] != NULL);
    return words[verdict];
}

SvirtErrorCode
svirt_rules_code(SvirtVerdict verdict)
{
    return verdict == SVIRT_VERDICT_UNBUILT ? SVIRT_ERROR_UNSUPPORTED
                                            : SVIRT_ERROR_REFUSED;
}

void
svirt_rules_apply(SvirtReader *reader, const SvirtXmlNode *node,
                  const SvirtRule *rule, const char *attribute,
                  const char *value)
{
    g_autofree char *thing = svirt_rules_show(node, attribute, value);
    const char *hint = rule->why != NULL ? rule->why : "remove it";

    switch (rule->verdict) {
    case SVIRT_VERDICT_RESOURCE:
    case SVIRT_VERDICT_PROTECT:
    case SVIRT_VERDICT_LIMIT:
    case SVIRT_VERDICT_UNBUILT:
        svirt_reader_fail(reader, node->line, svirt_rules_code(rule->verdict),
                          hint, "%s %s", thing,
                          svirt_rules_words(rule->verdict));
        break;
    case SVIRT_VERDICT_IGNORE:
        svirt_reader_warn(reader, node->line, "%s is ignored%s%s", thing,
                          rule->why != NULL ? ": " : "",
                          rule->why != NULL ? rule->why : "");
        break;
    case SVIRT_VERDICT_ACCEPT:
    case SVIRT_VERDICT_INSIDE:
        break;
    case SVIRT_VERDICT_MAX:
        g_assert_not_reached();
    }
}

/* True when the name is of somebody else's namespace and so settled. */
static bool
judge_namespace(SvirtReader *reader, const SvirtXmlNode *node,
                const char *attribute, const char *uri)
{
    g_autofree char *thing = NULL;

    if (uri == NULL) {
        return false;
    }
    thing = svirt_rules_show(node, attribute, NULL);
    if (g_str_has_prefix(uri, LIBVIRT_DOMAIN_URI)) {
        svirt_reader_fail(reader, node->line, SVIRT_ERROR_REFUSED, "remove it",
                          "%s would pass the hypervisor what nobody checked",
                          thing);
    } else if (node->parent != NULL && attribute == NULL &&
               node->parent->parent != NULL) {
        /* Below the top level it would stand among devices and limits. */
        svirt_reader_fail(reader, node->line, SVIRT_ERROR_INVALID,
                          "move it into <metadata>",
                          "%s belongs to another namespace", thing);
    } else {
        svirt_reader_warn(reader, node->line,
                          "%s is ignored: it belongs to another namespace",
                          thing);
    }
    return true;
}

static void
check_attributes(SvirtReader *reader, SvirtXmlNode *node)
{
    for (unsigned i = 0; i < node->attribute_count; i++) {
        SvirtXmlAttribute *attribute = &node->attributes[i];
        const SvirtRule *rule;

        if (attribute->seen ||
            g_strcmp0(attribute->namespace_uri, SVIRT_XML_XMLNS_URI) == 0 ||
            judge_namespace(reader, node, attribute->name,
                            attribute->namespace_uri)) {
            (void)svirt_reader_part(reader);
            continue;
        }
        if (svirt_obstacle_attribute(reader, node, attribute)) {
            (void)svirt_reader_part(reader);
            continue;
        }
        rule = svirt_rules_find(node, attribute->name, attribute->value);
        if (rule == NULL) {
            rule = svirt_rules_find(node, attribute->name, NULL);
        }
        if (rule != NULL) {
            svirt_rules_apply(reader, node, rule, attribute->name, NULL);
        } else {
            svirt_reader_fail(reader, node->line, SVIRT_ERROR_INVALID,
                              DOCS_HINT, "attribute '%.80s' of <%s> is unknown",
                              attribute->name, node->name);
        }
        (void)svirt_reader_part(reader);
    }
}

static void
judge_element(SvirtReader *reader, SvirtXmlNode *node)
{
    const SvirtRule *rule;

    if (judge_namespace(reader, node, NULL, node->namespace_uri)) {
        return;
    }
    if (svirt_obstacle_take(reader, node)) {
        svirt_rules_check(reader, node);
        return;
    }
    rule = svirt_rules_find(node, NULL, NULL);
    if (rule != NULL && rule->verdict == SVIRT_VERDICT_INSIDE) {
        svirt_rules_check(reader, node);
    } else if (rule != NULL) {
        svirt_rules_apply(reader, node, rule, NULL, NULL);
    } else {
        svirt_reader_fail(reader, node->line, SVIRT_ERROR_INVALID, DOCS_HINT,
                          "<%.80s> in <%.80s> is unknown", node->name,
                          node->parent->name);
    }
}

static void
check_text(SvirtReader *reader, const SvirtXmlNode *node)
{
    bool stray = node->text != NULL && !node->text_seen;

    for (const SvirtXmlNode *child = node->first_child; child != NULL;
         child = child->next) {
        stray = stray || child->tail != NULL;
    }
    if (stray) {
        svirt_reader_fail(reader, node->line, SVIRT_ERROR_INVALID, "remove it",
                          "stray text in <%s>", node->name);
    }
}

void
svirt_rules_check(SvirtReader *reader, SvirtXmlNode *node)
{
    if (node->opaque || node->unread) {
        return;
    }
    check_attributes(reader, node);
    check_text(reader, node);
    (void)svirt_reader_part(reader); /* the next one is judged all the same */
    for (SvirtXmlNode *child = node->first_child; child != NULL;
         child = child->next) {
        if (child->seen) {
            svirt_rules_check(reader, child);
        } else {
            judge_element(reader, child);
        }
        (void)svirt_reader_part(reader);
        if (svirt_reader_is_full(reader)) {
            return;
        }
    }
}
