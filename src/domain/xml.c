/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain/xml.h"

#include <expat.h>
#include <stdarg.h>
#include <string.h>

#define XML_URI "http://www.w3.org/XML/1998/namespace"
#define BLANKS " \t\r\n"

/* One xmlns declaration in force; popped when its element ends. */
typedef struct Namespace {
    const char *prefix; /* "" for the default one */
    const char *uri;    /* NULL: taken back by xmlns='' */
    unsigned depth;
} Namespace;

typedef struct Reader {
    XML_Parser parser;
    SvirtXmlDocument *document;
    SvirtXmlNode *current; /* NULL outside the root */
    GString *run;          /* character data since the last tag */
    unsigned depth;
    unsigned elements;
    Namespace namespaces[SVIRT_XML_NAMESPACES_MAX];
    unsigned namespace_count;
    GError *error;
} Reader;

char *
svirt_xml_clean(const char *text)
{
    g_autofree char *valid = g_utf8_make_valid(text, -1);
    GString *clean = g_string_sized_new(strlen(valid));

    for (const char *p = valid; *p != '\0'; p = g_utf8_next_char(p)) {
        gunichar c = g_utf8_get_char(p);

        g_string_append_unichar(clean, g_unichar_iscntrl(c) ? '?' : c);
    }
    return g_string_free(clean, FALSE);
}

bool
svirt_xml_raise(const SvirtXmlDocument *document, unsigned line, GError **error,
                SvirtErrorCode code, const char *hint, const char *format, ...)
{
    g_autofree char *text = NULL;
    g_autofree char *clean = NULL;
    g_autofree char *fallback = NULL;
    va_list args;

    va_start(args, format);
    text = g_strdup_vprintf(format, args);
    va_end(args);
    clean = svirt_xml_clean(text);
    if (hint == NULL) {
        hint = fallback = g_strdup_printf("correct line %u", line);
    }
    return svirt_raise(error, code, NULL, hint, "%s:%u: %s", document->file,
                       line, clean);
}

/* Ends the parse; what follows the first error is not reported. */
static void G_GNUC_PRINTF(3, 4)
    stop(Reader *reader, const char *hint, const char *format, ...)
{
    g_autofree char *text = NULL;
    va_list args;

    if (reader->error != NULL) {
        return;
    }
    va_start(args, format);
    text = g_strdup_vprintf(format, args);
    va_end(args);
    svirt_xml_raise(reader->document,
                    (unsigned)XML_GetCurrentLineNumber(reader->parser),
                    &reader->error, SVIRT_ERROR_INVALID, hint, "%s", text);
    (void)XML_StopParser(reader->parser, XML_FALSE); /* error is recorded */
}

static char *
keep(Reader *reader, const char *text)
{
    return svirt_arena_text(reader->document->arena, text, strlen(text));
}

static void
flush_text(Reader *reader)
{
    GString *run = reader->run;
    const char *text;

    if (run->len == 0) {
        return;
    }
    if (reader->current == NULL || strspn(run->str, BLANKS) == run->len) {
        g_string_truncate(run, 0);
        return;
    }
    text = svirt_arena_text(reader->document->arena, run->str, run->len);
    if (reader->current->last_child != NULL) {
        reader->current->last_child->tail = text;
    } else {
        reader->current->text = text;
    }
    g_string_truncate(run, 0);
}

static bool
declare_namespace(Reader *reader, const SvirtXmlAttribute *attribute)
{
    Namespace *space;
    const char *prefix = "";

    if (g_str_has_prefix(attribute->name, "xmlns:")) {
        prefix = attribute->name + strlen("xmlns:");
    }
    if (reader->namespace_count == SVIRT_XML_NAMESPACES_MAX) {
        stop(reader, NULL, "more than %u XML namespaces",
             SVIRT_XML_NAMESPACES_MAX);
        return false;
    }
    space = &reader->namespaces[reader->namespace_count++];
    space->prefix = prefix;
    space->uri = attribute->value[0] != '\0' ? attribute->value : NULL;
    space->depth = reader->depth;
    return true;
}

/*
 * The namespace and local part of a name. An attribute without a prefix has
 * no namespace, an element without one has the default one.
 */
static bool
resolve_name(Reader *reader, const char *name, bool is_attribute,
             const char **ret_uri, const char **ret_local)
{
    const char *colon = strchr(name, ':');
    size_t length = colon != NULL ? (size_t)(colon - name) : 0;

    *ret_uri = NULL;
    *ret_local = colon != NULL ? colon + 1 : name;
    if (is_attribute && colon == NULL) {
        return true;
    }
    if (length == 3 && memcmp(name, "xml", 3) == 0) {
        *ret_uri = XML_URI;
        return true;
    }
    for (unsigned i = reader->namespace_count; i > 0; i--) {
        const Namespace *space = &reader->namespaces[i - 1];

        if (strlen(space->prefix) == length &&
            memcmp(space->prefix, name, length) == 0) {
            *ret_uri = space->uri;
            break;
        }
    }
    if (colon != NULL && (*ret_uri == NULL || strchr(colon + 1, ':'))) {
        stop(reader, "declare it: xmlns:PREFIX='URI'",
             "XML prefix of '%.80s' is not declared", name);
        return false;
    }
    return true;
}

static bool
is_declaration(const char *name)
{
    return strcmp(name, "xmlns") == 0 || g_str_has_prefix(name, "xmlns:");
}

static bool
read_attributes(Reader *reader, SvirtXmlNode *node, const char **pairs)
{
    unsigned count = 0;

    while (pairs[2 * count] != NULL) {
        count++;
        if (count > SVIRT_XML_ATTRIBUTES_MAX) {
            stop(reader, NULL, "<%.80s> has more than %u attributes",
                 node->name, SVIRT_XML_ATTRIBUTES_MAX);
            return false;
        }
    }
    node->attribute_count = count;
    node->attributes = svirt_arena_array(reader->document->arena, count,
                                         sizeof(SvirtXmlAttribute));
    for (unsigned i = 0; i < count; i++) {
        SvirtXmlAttribute *attribute = &node->attributes[i];
        size_t length = strlen(pairs[2 * i + 1]);

        if (length > SVIRT_XML_VALUE_MAX) {
            stop(reader, NULL, "attribute '%.80s' is longer than %u bytes",
                 pairs[2 * i], SVIRT_XML_VALUE_MAX);
            return false;
        }
        attribute->name = keep(reader, pairs[2 * i]);
        attribute->value =
            svirt_arena_text(reader->document->arena, pairs[2 * i + 1], length);
        if (is_declaration(attribute->name)) {
            attribute->namespace_uri = SVIRT_XML_XMLNS_URI;
            if (!declare_namespace(reader, attribute)) {
                return false;
            }
        }
    }
    return true;
}

static bool
resolve_names(Reader *reader, SvirtXmlNode *node)
{
    const char *local;

    for (unsigned i = 0; i < node->attribute_count; i++) {
        SvirtXmlAttribute *attribute = &node->attributes[i];

        if (attribute->namespace_uri == NULL &&
            !resolve_name(reader, attribute->name, true,
                          &attribute->namespace_uri, &local)) {
            return false;
        }
    }
    return resolve_name(reader, node->name, false, &node->namespace_uri,
                        &node->local_name);
}

static void
link_node(Reader *reader, SvirtXmlNode *node)
{
    SvirtXmlNode *parent = reader->current;

    node->parent = parent;
    if (parent == NULL) {
        reader->document->root = node;
    } else if (parent->last_child == NULL) {
        parent->first_child = node;
        parent->last_child = node;
    } else {
        parent->last_child->next = node;
        parent->last_child = node;
    }
    reader->current = node;
}

static void XMLCALL
on_start(void *data, const char *name, const char **pairs)
{
    Reader *reader = data;
    SvirtXmlNode *node;

    if (reader->error != NULL) {
        return;
    }
    if (++reader->depth > SVIRT_XML_DEPTH_MAX) {
        stop(reader, NULL, "elements are nested deeper than %u",
             SVIRT_XML_DEPTH_MAX);
        return;
    }
    if (++reader->elements > SVIRT_XML_ELEMENTS_MAX) {
        stop(reader, NULL, "more than %u elements", SVIRT_XML_ELEMENTS_MAX);
        return;
    }
    flush_text(reader);
    node = svirt_arena_alloc(reader->document->arena, sizeof(*node));
    node->name = keep(reader, name);
    node->line = (unsigned)XML_GetCurrentLineNumber(reader->parser);
    node->column = (unsigned)XML_GetCurrentColumnNumber(reader->parser);
    if (read_attributes(reader, node, pairs) && resolve_names(reader, node)) {
        link_node(reader, node);
    }
}

static void XMLCALL
on_end(void *data, const char *name)
{
    Reader *reader = data;

    if (reader->error != NULL) {
        return;
    }
    flush_text(reader);
    while (reader->namespace_count > 0 &&
           reader->namespaces[reader->namespace_count - 1].depth ==
               reader->depth) {
        reader->namespace_count--;
    }
    reader->depth--;
    reader->current = reader->current->parent;
}

static void XMLCALL
on_text(void *data, const char *text, int length)
{
    Reader *reader = data;

    if (reader->error == NULL) {
        g_string_append_len(reader->run, text, length);
    }
}

static void XMLCALL
on_doctype(void *data, const char *name, const char *system_id,
           const char *public_id, int has_internal)
{
    stop(data, "remove the <!DOCTYPE> and what it declares",
         "a document type is not allowed");
}

static void XMLCALL
on_entity(void *data, const char *name, int is_parameter, const char *value,
          int length, const char *base, const char *system_id,
          const char *public_id, const char *notation)
{
    stop(data, "write the text itself", "an entity declaration is not allowed");
}

static void XMLCALL
on_instruction(void *data, const char *target, const char *text)
{
    stop(data, "remove it", "a processing instruction is not allowed");
}

static void
set_handlers(Reader *reader)
{
    XML_SetUserData(reader->parser, reader);
    XML_SetElementHandler(reader->parser, on_start, on_end);
    XML_SetCharacterDataHandler(reader->parser, on_text);
    XML_SetStartDoctypeDeclHandler(reader->parser, on_doctype);
    XML_SetEntityDeclHandler(reader->parser, on_entity);
    XML_SetProcessingInstructionHandler(reader->parser, on_instruction);
}

/* Expat calls both an empty text and one that breaks off "no element found". */
static void
stop_malformed(Reader *reader, enum XML_Error code)
{
    const SvirtXmlNode *open = reader->current;

    if (code != XML_ERROR_NO_ELEMENTS) {
        stop(reader, NULL, "not well-formed XML: %s", XML_ErrorString(code));
    } else if (open == NULL) {
        stop(reader, "write a <domain>, as svirt dumpxml prints one",
             "there is no element in it");
    } else {
        stop(reader, "is all of the file there?",
             "it ends within <%s> of line %u", open->name, open->line);
    }
}

bool
svirt_xml_parse(const char *text, size_t length, const char *file,
                SvirtXmlDocument **ret_document, GError **error)
{
    g_autoptr(SvirtXmlDocument) document = g_new0(SvirtXmlDocument, 1);
    Reader reader = { .document = document };
    g_autofree char *shown = NULL;
    enum XML_Status status;

    document->arena = svirt_arena_new();
    shown = svirt_xml_clean(file);
    document->file = svirt_arena_text(document->arena, shown, strlen(shown));
    if (length > SVIRT_XML_TEXT_MAX) {
        return svirt_xml_raise(document, 1, error, SVIRT_ERROR_INVALID, NULL,
                               "larger than %u bytes", SVIRT_XML_TEXT_MAX);
    }
    reader.parser = XML_ParserCreate(NULL);
    g_assert(reader.parser != NULL);
    reader.run = g_string_new(NULL);
    set_handlers(&reader);
    status = XML_Parse(reader.parser, text, (int)length, XML_TRUE);
    if (status != XML_STATUS_OK) {
        stop_malformed(&reader, XML_GetErrorCode(reader.parser));
    }
    XML_ParserFree(reader.parser);
    g_string_free(reader.run, TRUE);
    if (reader.error != NULL) {
        g_propagate_error(error, reader.error);
        return false;
    }
    *ret_document = g_steal_pointer(&document);
    return true;
}

void
svirt_xml_document_free(SvirtXmlDocument *document)
{
    if (document != NULL) {
        svirt_arena_free(document->arena);
        g_free(document);
    }
}
