/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain/reader.h"

#include <limits.h>
#include <stdarg.h>
#include <string.h>

#include "domain/domain.h"
#include "domain/obstacle.h"
#include "domain/rules.h"

/* A definition of nothing but ignored names must not fill the memory. */
#define WARNINGS_MAX 256u
#define BLANKS " \t\r\n"

void
svirt_reader_fail(SvirtReader *reader, unsigned line, SvirtErrorCode code,
                  const char *hint, const char *format, ...)
{
    g_autofree char *text = NULL;
    va_list args;

    if (reader->error != NULL) {
        return;
    }
    va_start(args, format);
    text = g_strdup_vprintf(format, args);
    va_end(args);
    svirt_xml_raise(reader->document, line, &reader->error, code, hint, "%s",
                    text);
    reader->error_line = line;
}

void
svirt_reader_take(SvirtReader *reader, unsigned line, GError *cause)
{
    g_autofree char *clean = NULL;

    if (reader->error != NULL) {
        g_error_free(cause);
        return;
    }
    reader->error = cause;
    g_prefix_error(&reader->error, "%s:%u: ", reader->document->file, line);
    clean = svirt_xml_clean(reader->error->message);
    g_free(reader->error->message);
    reader->error->message = g_steal_pointer(&clean);
    reader->error_line = line;
}

bool
svirt_reader_is_full(const SvirtReader *reader)
{
    return reader->faults->len >= SVIRT_DOMAIN_FAULTS_MAX;
}

/* One element may be asked for in several parts. */
static bool
is_known(const SvirtReader *reader)
{
    for (unsigned i = 0; i < reader->faults->len; i++) {
        const SvirtDomainFault *fault = reader->faults->pdata[i];

        if (strcmp(fault->error->message, reader->error->message) == 0) {
            return true;
        }
    }
    return false;
}

bool
svirt_reader_part(SvirtReader *reader)
{
    SvirtDomainFault *fault;

    if (reader->error == NULL) {
        return true;
    }
    if (svirt_reader_is_full(reader) || is_known(reader)) {
        g_clear_error(&reader->error);
        return false;
    }
    fault = g_new0(SvirtDomainFault, 1);
    fault->line = reader->error_line;
    fault->error = g_steal_pointer(&reader->error);
    g_ptr_array_add(reader->faults, fault);
    return false;
}

void
svirt_reader_warn(SvirtReader *reader, unsigned line, const char *format, ...)
{
    g_autofree char *text = NULL;
    g_autofree char *clean = NULL;
    SvirtDomainWarning warning = { .line = line };
    va_list args;

    if (reader->warnings->len > WARNINGS_MAX) {
        return;
    }
    va_start(args, format);
    text = g_strdup_vprintf(format, args);
    va_end(args);
    if (reader->warnings->len == WARNINGS_MAX) {
        g_free(text);
        text = g_strdup("more is ignored, not listed");
    }
    clean = svirt_xml_clean(text);
    warning.text = svirt_arena_printf(reader->arena, "%s:%u: %s",
                                      reader->document->file, line, clean);
    g_array_append_val(reader->warnings, warning);
}

static bool
is_named(const SvirtXmlNode *node, const char *name)
{
    return node->namespace_uri == NULL && strcmp(node->name, name) == 0;
}

SvirtXmlNode *
svirt_reader_next(SvirtReader *reader, SvirtXmlNode *node,
                  SvirtXmlNode *previous, const char *name)
{
    SvirtXmlNode *child;

    if (node == NULL) {
        return NULL;
    }
    child = previous != NULL ? previous->next : node->first_child;
    while (child != NULL && !is_named(child, name)) {
        child = child->next;
    }
    if (child != NULL) {
        child->seen = true;
    }
    return child;
}

SvirtXmlNode *
svirt_reader_child(SvirtReader *reader, SvirtXmlNode *node, const char *name)
{
    SvirtXmlNode *child = svirt_reader_next(reader, node, NULL, name);
    SvirtXmlNode *second = NULL;

    if (child != NULL) {
        second = svirt_reader_next(reader, node, child, name);
    }
    if (second != NULL) {
        second->unread = true;
        svirt_reader_fail(reader, second->line, SVIRT_ERROR_INVALID,
                          "keep one of the two",
                          "second <%s> in <%s>, the first is in line %u", name,
                          node->name, child->line);
    }
    return child;
}

size_t
svirt_reader_count(const SvirtXmlNode *node, const char *name)
{
    size_t count = 0;

    if (node != NULL) {
        for (const SvirtXmlNode *child = node->first_child; child != NULL;
             child = child->next) {
            count += is_named(child, name) ? 1 : 0;
        }
    }
    return count;
}

const char *
svirt_reader_attribute(SvirtReader *reader, SvirtXmlNode *node,
                       const char *name)
{
    for (unsigned i = 0; i < node->attribute_count; i++) {
        SvirtXmlAttribute *attribute = &node->attributes[i];

        if (attribute->namespace_uri != NULL ||
            strcmp(attribute->name, name) != 0) {
            continue;
        }
        attribute->seen = true;
        if (attribute->value[0] == '\0') {
            svirt_reader_fail(reader, node->line, SVIRT_ERROR_INVALID,
                              "give it a value or remove it",
                              "attribute '%s' of <%s> is empty", name,
                              node->name);
            return NULL;
        }
        return attribute->value;
    }
    return NULL;
}

const char *
svirt_reader_required(SvirtReader *reader, SvirtXmlNode *node, const char *name)
{
    const char *value = svirt_reader_attribute(reader, node, name);

    if (value == NULL) {
        node->unread = true; /* what stands there may be meant for it */
        svirt_reader_fail(reader, node->line, SVIRT_ERROR_INVALID, NULL,
                          "<%s> has no attribute '%s'", node->name, name);
        return "";
    }
    return value;
}

const char *
svirt_reader_raw_text(SvirtReader *reader, SvirtXmlNode *node)
{
    node->text_seen = true;
    return node->text != NULL ? node->text : "";
}

const char *
svirt_reader_text(SvirtReader *reader, SvirtXmlNode *node)
{
    const char *text = svirt_reader_raw_text(reader, node);
    size_t length;

    text += strspn(text, BLANKS);
    length = strlen(text);
    while (length > 0 && strchr(BLANKS, text[length - 1]) != NULL) {
        length--;
    }
    if (length == 0) {
        svirt_reader_fail(reader, node->line, SVIRT_ERROR_INVALID, NULL,
                          "<%s> is empty", node->name);
        return "";
    }
    return text[length] == '\0' ? text
                                : svirt_arena_text(reader->arena, text, length);
}

/* "use one of: ide, scsi, usb" */
static char *
list_words(const char *const *table, size_t count)
{
    GString *text = NULL;

    for (size_t i = 0; i < count; i++) {
        if (table[i] == NULL || table[i][0] == '\0') {
            continue;
        }
        if (text == NULL) {
            text = g_string_new("use one of: ");
        } else {
            g_string_append(text, ", ");
        }
        g_string_append(text, table[i]);
    }
    return text != NULL ? g_string_free(text, FALSE) : NULL;
}

void
svirt_reader_bad_word_of(SvirtReader *reader, SvirtXmlNode *node,
                         const char *name, const char *word,
                         const char *const *table, size_t count)
{
    const SvirtRule *rule = svirt_rules_find(node, name, word);
    g_autofree char *hint = NULL;

    if (svirt_obstacle_value(reader, node, name, word)) {
        return;
    }
    node->unread = node->unread || g_strcmp0(name, "type") == 0;
    if (rule == NULL && name != NULL) {
        rule = svirt_rules_find(node, name, NULL);
    }
    if (rule != NULL) {
        svirt_rules_apply(reader, node, rule, name, word);
        return;
    }
    hint = list_words(table, count);
    if (name != NULL) {
        svirt_reader_fail(reader, node->line, SVIRT_ERROR_INVALID, hint,
                          "%s='%.80s' of <%s> is unknown", name, word,
                          node->name);
    } else {
        svirt_reader_fail(reader, node->line, SVIRT_ERROR_INVALID, hint,
                          "'%.80s' in <%s> is unknown", word, node->name);
    }
}

void
svirt_reader_bad_word(SvirtReader *reader, SvirtXmlNode *node,
                      const char *name, const char *word)
{
    svirt_reader_bad_word_of(reader, node, name, word, NULL, 0);
}
